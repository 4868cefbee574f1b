"""The flags of a row: how many bars there were, what of them is doubtful, and which families have all they need."""

from __future__ import annotations

import numpy as np
import pytest

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import all_indicators, columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.indicators.trust import BarDoubts, Trust, longest_window, trust_of
from market_pipeline_tests.indicators.situations import first_bars, walk, with_unknown_volume

NAMES = [column.column for column in columns()]
FAMILIES = list(dict.fromkeys(indicator.family for indicator in all_indicators()))


def doubts(bars: int, *, missing: dict[int, int] | None = None, sampled: list[int] | None = None) -> BarDoubts:
    """Doubts of a window of 360 bars whose session begins at bar 240; `missing` are minutes before a bar."""
    lacking, polled = np.zeros(bars, np.int64), np.zeros(bars, np.int64)
    for bar, minutes in (missing or {}).items():
        lacking[bar] = minutes
    polled[sampled or []] = 1
    at_open = int(lacking[:240].sum()) if bars > 240 else 0
    return BarDoubts(np.cumsum(lacking), np.cumsum(polled), at_open)


def trust(window: BarWindow, first: int, doubt: BarDoubts | None = None) -> Trust:
    return trust_of([window], [first], doubts=[doubt or doubts(len(window))], indicators=all_indicators())


def test_the_longest_window_of_the_catalogue_is_two_hundred_bars():
    assert longest_window() == 200


def test_the_bars_up_to_and_with_a_row_are_counted():
    assert trust(walk(), 358).bars_available.tolist() == [359, 360]


def test_a_gap_of_the_session_counts_to_its_end():
    doubt = doubts(360, missing={250: 7})
    assert trust(walk(), 249, doubt).missing_minutes[[0, 1, 110]].tolist() == [0, 7, 7]


def test_a_gap_before_the_session_counts_as_long_as_the_longest_window_reaches_it():
    doubt = doubts(360, missing={100: 5})
    # bar 299 reads from bar 100 on, which is there: what was missing before it is no longer read
    assert trust(walk(), 298, doubt).missing_minutes[:2].tolist() == [5, 0]


def test_minutes_missing_at_the_open_count():
    assert trust(walk(), 359, doubts(360, missing={240: 3})).missing_minutes.tolist() == [3]


def test_sampled_bars_are_counted_where_the_row_reads_them():
    doubt = doubts(360, sampled=[50, 99, 100, 245])
    counted = trust(walk(), 240, doubt).sampled_bars
    assert counted[[0, 5, 58, 59, 60, 119]].tolist() == [3, 4, 3, 2, 1, 1]


def finite(window: BarWindow, family: str) -> np.ndarray:
    """Where every column of the family has a value."""
    values = compute_many([window], [0], tier_1={window.symbol})
    chosen = [NAMES.index(column.column) for column in columns() if column.family == family]
    has_all: np.ndarray = np.isfinite(values[:, chosen]).all(axis=1)
    return has_all


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "window",
    [walk(), with_unknown_volume(walk(), 3, 241, 250), first_bars(walk(), 60)],
    ids=["gaps between sessions", "unknown volumes", "a young symbol"],
)
def test_a_family_is_warm_exactly_where_all_its_columns_have_values(family: str, window: BarWindow):
    flags = trust(window, 0).is_warm[family]
    assert flags.tolist() == finite(window, family).tolist()


def test_flags_of_many_windows_stand_in_the_order_of_their_rows():
    windows = [walk(), first_bars(walk(), 5)]
    flags = trust_of(windows, [359, 3], doubts=[doubts(360), doubts(5)], indicators=all_indicators())
    assert flags.bars_available.tolist() == [360, 4, 5]
    assert flags.is_warm["averages"].tolist() == [True, False, False]


def test_no_window_has_no_flags():
    assert trust_of([], [], doubts=[], indicators=all_indicators()).bars_available.tolist() == []
