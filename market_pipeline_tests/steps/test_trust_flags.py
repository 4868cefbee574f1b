"""The flags of stored rows, from bars and calendar to SQL."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market_pipeline.steps.compute_indicators import compute_session_indicators
from market_pipeline_tests.steps.correction_desk import DAYS, Desk, bar_of, minute_of, open_runtime, table_of

MONDAY, TUESDAY, WEDNESDAY = DAYS[:3]


def bars(symbol: str, day: date, minutes: list[int], **values: Any) -> list[dict[str, Any]]:
    random = np.random.default_rng(1)
    whole = {"origin": "chart", "volume": 10.0} | values
    return [bar_of(symbol, day, n, known_at=minute_of(day, n + 1), random=random) | whole for n in minutes]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(open_runtime(tmp_path))


def flags(desk: Desk, rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Store bars, compute all sessions, and return flags by symbol and minute of the last one."""
    desk.store(table_of(rows))
    compute_session_indicators(desk.runtime, desk.market, DAYS)
    found = desk.indicators()
    last = max(found["session_date"].to_pylist())
    columns = (found[name].to_pylist() for name in ("session_date", *names))
    return [row[1:] for row in zip(*columns, strict=True) if row[0] == last]


def test_minutes_of_the_session_without_a_bar_are_counted(desk: Desk) -> None:
    rows = bars("THIN", MONDAY, [2, 3, 7])
    assert flags(desk, rows, "bars_available", "missing_minutes") == [(1, 2), (2, 2), (3, 5)]


def test_minutes_after_the_end_of_continuous_trading_are_not_expected(desk: Desk) -> None:
    # since August 2026 shares with derivatives stop at 15:15, others at 15:30
    rows = [*bars("TCS", MONDAY, [359, 370]), *bars("THIN", MONDAY, [359, 370])]
    assert flags(desk, rows, "symbol", "missing_minutes") == [("TCS", 359), ("TCS", 359), ("THIN", 359), ("THIN", 369)]


def test_the_end_of_the_session_before_is_missed_where_a_row_reads_it(desk: Desk) -> None:
    rows = [*bars("TCS", MONDAY, list(range(355))), *bars("TCS", TUESDAY, [0, 1])]
    assert flags(desk, rows, "missing_minutes") == [(5,), (5,)]


def test_a_session_of_which_nothing_is_stored_is_missed(desk: Desk) -> None:
    rows = [*bars("TCS", MONDAY, list(range(360))), *bars("TCS", WEDNESDAY, [0])]
    assert flags(desk, rows, "missing_minutes") == [(360,)]


def test_a_session_in_which_only_others_traded_is_missed(desk: Desk) -> None:
    rows = [*bars("TCS", MONDAY, list(range(360))), *bars("THIN", TUESDAY, [0]), *bars("TCS", WEDNESDAY, [0])]
    assert flags(desk, rows, "missing_minutes") == [(360,)]


def test_nothing_is_missed_before_a_symbols_first_session(desk: Desk) -> None:
    rows = [*bars("TCS", MONDAY, [0]), *bars("THIN", TUESDAY, [0])]
    assert flags(desk, rows, "symbol", "missing_minutes") == [("THIN", 0)]


def test_a_row_has_the_revision_of_its_own_bar_and_counts_sampled_ones(desk: Desk) -> None:
    rows = [
        *bars("TCS", MONDAY, [0], origin="sampled"),
        *bars("TCS", MONDAY, [1], revision=3),
        *bars("TCS", MONDAY, [2], origin="sampled"),
    ]
    assert flags(desk, rows, "revision", "sampled_bars") == [(0, 1), (3, 1), (0, 2)]


def test_only_symbols_of_tier_1_say_whether_the_group_of_pandas_ta_is_warm(desk: Desk) -> None:
    rows = [*bars("TCS", MONDAY, [0]), *bars("THIN", MONDAY, [0])]
    names = ("symbol", "is_warm_averages", "is_warm_extra")
    assert flags(desk, rows, *names) == [("TCS", False, False), ("THIN", False, None)]
