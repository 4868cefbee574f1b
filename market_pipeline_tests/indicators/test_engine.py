"""The engine against TA-Lib called directly on the anchor window: equal to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import talib
import talib.abstract

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import CATALOGUE, TWINS, columns
from market_pipeline.indicators.engine import compute, compute_many
from market_pipeline.indicators.indicator import Anchor, Indicator
from market_pipeline_tests.indicators.situations import SITUATIONS, first_bars, patched, walk, with_unknown_volume

by_columns = pytest.mark.parametrize("indicator", CATALOGUE, ids=lambda indicator: indicator.columns[0])
NAMES = [column.column for column in columns()]


def straight_from_talib(indicator: Indicator, window: BarWindow, *, start: int = 0) -> np.ndarray:
    """Call TA-Lib by name on the bars from `start` on; whole numbers are 0 in its warm-up, which says nothing."""
    inputs = [getattr(window, name)[start:] for name in indicator.inputs]
    described = talib.abstract.Function(indicator.function)
    described.parameters = dict(indicator.params)
    result = getattr(talib, indicator.function)(*inputs, **indicator.params)
    rows = np.full((len(indicator.columns), len(window)), np.nan)
    for row, values in zip(rows, result if isinstance(result, tuple) else (result,), strict=True):
        row[start + described.lookback :] = values[described.lookback :]
    return rows


def anchor_of(indicator: Indicator, window: BarWindow) -> int:
    return window.session_start if indicator.anchor is Anchor.SESSION else 0


def value(window: BarWindow, column: str, *, bar: int = -1) -> float:
    return float(compute_many([window], [0])[bar, NAMES.index(column)])


@pytest.mark.parametrize("situation", SITUATIONS)
@by_columns
def test_a_column_equals_talib_on_the_anchor_window(indicator: Indicator, situation: str):
    window = SITUATIONS[situation]
    expected = straight_from_talib(indicator, window, start=anchor_of(indicator, window))
    assert np.array_equal(compute(window, first=0, indicators=(indicator,)), expected, equal_nan=True)


@by_columns
def test_the_newest_rows_alone_equal_the_same_rows_of_the_whole(indicator: Indicator):
    for window in (walk(), patched(200, 290)):
        whole = compute(window, first=0, indicators=(indicator,))
        for first in (250, 300, 341, 359):
            rows = compute(window, first=first, indicators=(indicator,))
            assert np.array_equal(rows, whole[:, first:], equal_nan=True)


@pytest.mark.parametrize("indicator", [i for i in CATALOGUE if i.is_tail_exact], ids=lambda i: i.columns[0])
def test_a_tail_exact_column_needs_no_more_than_its_own_bars(indicator: Indicator):
    for seed in range(5):
        whole = compute(walk(seed=seed), first=0, indicators=(indicator,))
        for first in range(120, 360, 17):
            tail = compute(walk(seed=seed), first=first, indicators=(indicator,))
            assert np.array_equal(tail, whole[:, first:], equal_nan=True)


@by_columns
def test_yesterdays_value_does_not_depend_on_todays_bars(indicator: Indicator):
    window = walk()
    whole = compute(window, first=0, indicators=(indicator,))
    for bars in (5, 130, 239, 245, 300):
        earlier = compute(replace(first_bars(window, bars), session_start=min(bars, 240)), first=0,
                          indicators=(indicator,))  # fmt: skip
        assert np.array_equal(earlier, whole[:, :bars], equal_nan=True)


@pytest.mark.parametrize("indicator", [i for i in CATALOGUE if not i.uses_volume], ids=lambda i: i.columns[0])
def test_unknown_volume_leaves_columns_of_prices_alone(indicator: Indicator):
    window = walk()
    holed = with_unknown_volume(window, 3, 250)
    assert np.array_equal(
        compute(holed, first=0, indicators=(indicator,)), compute(window, first=0, indicators=(indicator,)),
        equal_nan=True,
    )  # fmt: skip


of_volume = pytest.mark.parametrize(
    "indicator", [i for i in CATALOGUE if i.uses_volume], ids=lambda indicator: indicator.columns[0]
)


@of_volume
def test_a_column_of_volume_starts_anew_after_each_unknown_volume(indicator: Indicator):
    whole, window = walk(), with_unknown_volume(walk(), 120, 250)
    values = compute(window, first=0, indicators=(indicator,))
    session = anchor_of(indicator, window)
    before, between = first_bars(whole, 120), first_bars(whole, 250)
    expected = [
        straight_from_talib(indicator, before, start=session) if not session else np.full_like(values[:, :120], np.nan),
        np.full_like(values[:, :1], np.nan),
        straight_from_talib(indicator, between, start=max(session, 121))[:, 121:],
        np.full_like(values[:, :1], np.nan),
        straight_from_talib(indicator, window, start=251)[:, 251:],
    ]
    assert np.array_equal(values, np.concatenate(expected, axis=1), equal_nan=True)


@of_volume
def test_a_bar_of_unknown_volume_changes_no_value_before_it(indicator: Indicator):
    window = with_unknown_volume(walk(), 359)
    earlier = compute(first_bars(walk(), 359), first=300, indicators=(indicator,))
    values = compute(window, first=300, indicators=(indicator,))
    assert np.array_equal(values[:, :-1], earlier, equal_nan=True)
    assert np.isnan(values[:, -1]).all()


def test_vwap_starts_with_the_session():
    window = walk()
    typical = (window.high[240] + window.low[240] + window.close[240]) / 3
    assert value(window, "VWAP_D", bar=240) == pytest.approx(typical, rel=1e-12)
    assert np.isnan(value(window, "VWAP_D", bar=239))


def test_obv_of_a_session_knows_nothing_of_the_sessions_before():
    window = walk()
    assert value(window, "OBV", bar=240) == window.volume[240]


def test_no_pattern_is_claimed_while_the_pattern_warms_up():
    assert np.isnan(value(first_bars(walk(), 10), "CDLDOJI"))
    assert value(first_bars(walk(), 11), "CDLDOJI") in (0.0, 100.0)


def test_many_windows_give_the_rows_of_each_in_turn():
    windows, firsts = [walk(), first_bars(walk(seed=5), 5), patched(200, 290)], [358, 2, 360]
    rows = compute_many(windows, firsts, indicators=CATALOGUE)
    assert rows.shape == (2 + 3 + 0, 141)
    assert np.array_equal(rows[:2].T, compute(windows[0], first=358), equal_nan=True)
    assert np.array_equal(rows[2:].T, compute(windows[1], first=2), equal_nan=True)


def test_a_row_has_one_value_for_every_column_of_the_catalogue():
    assert compute_many([walk()], [359]).shape == (1, len(columns()))


def test_a_column_of_many_rows_is_contiguous_for_arrow():
    assert compute_many([walk()], [0])[:, 7].flags.c_contiguous


def test_no_window_gives_no_row():
    assert compute_many([], []).shape == (0, len(columns()))


@pytest.mark.parametrize("place", ["open", "high", "low", "close"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_price_that_is_no_number_is_refused(place, bad):
    prices = getattr(walk(), place).copy()
    prices[17] = bad
    with pytest.raises(IndicatorError, match="take WALK's bars for indicators: a price is NaN or infinite"):
        replace(walk(), **{place: prices})


def test_an_infinite_volume_is_refused_rather_than_taken_for_unknown():
    with pytest.raises(IndicatorError, match="a volume is infinite"):
        replace(walk(), volume=np.full(360, np.inf))


def test_fields_of_different_length_are_refused():
    with pytest.raises(IndicatorError, match=r"float64\(359,\).*five float64 arrays of one length are due"):
        replace(walk(), volume=np.ones(359))


def test_whole_numbers_are_refused_as_prices():
    with pytest.raises(IndicatorError, match="five float64 arrays"):
        replace(walk(), close=np.ones(360, dtype=np.int64))


def test_a_session_that_starts_outside_the_window_is_refused():
    with pytest.raises(IndicatorError, match="session_start is 361, outside 0…360"):
        replace(walk(), session_start=361)


def test_a_first_bar_outside_the_window_is_refused():
    with pytest.raises(IndicatorError, match="compute WALK's indicators from bar 361 on: its window has bars 0…360"):
        compute(walk(), first=361)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("twin", "held"), TWINS.items())
def test_twin_columns_are_equal_to_the_last_bit(twin: str, held: str, situation: str):
    values = compute_many([SITUATIONS[situation]], [0])
    assert np.array_equal(values[:, NAMES.index(twin)], values[:, NAMES.index(held)], equal_nan=True)
