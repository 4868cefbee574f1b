"""What a market's limits delete."""

from __future__ import annotations

from datetime import timedelta

from market_pipeline.markets.schema import Retention
from market_pipeline.steps.warehouse_tables import all_tables
from market_pipeline.storage.retention import DAILY_TABLES, KEPT_BY_OTHERS, retain_market
from market_pipeline.storage.tables import (
    BARS_1D,
    BARS_1D_ADJUSTED,
    BARS_1M,
    LIVE_TICKERS,
    SESSION_DIFFERENCES,
    SET_ASIDE,
)
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import DAY, INDICATORS, NOON, bars, indicators, rows_of, tickers

DAYS = [DAY - timedelta(days=back) for back in range(4, -1, -1)]


def test_the_oldest_sessions_go_and_others_stay(warehouse: Warehouse) -> None:
    for day in DAYS:
        warehouse.write_session(BARS_1M, "casablanca", day, bars(["ATW"], [0], day=day))
    counts = retain_market(warehouse, "casablanca", Retention(bars_sessions=2))
    assert counts["bars_1m"] == 3
    assert warehouse.sessions(BARS_1M, "casablanca") == DAYS[-2:]
    assert len(warehouse.query("SELECT * FROM bars_1m")) == 2


def test_what_has_no_limit_is_kept_for_ever(warehouse: Warehouse) -> None:
    for day in DAYS:
        warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], day=day))
    assert set(retain_market(warehouse, "casablanca", Retention()).values()) == {0}
    assert warehouse.sessions(BARS_1M, "casablanca") == DAYS


def test_each_kind_of_table_has_its_own_limit(warehouse: Warehouse) -> None:
    for day in DAYS:
        known_at = NOON - (DAY - day)
        warehouse.write(LIVE_TICKERS, "casablanca", tickers(["ATW"], price=1.0, known_at=known_at, day=day))
        warehouse.write(INDICATORS, "casablanca", indicators(INDICATORS, ["ATW"], [0], day=day))
    counts = retain_market(warehouse, "casablanca", Retention(quotes_sessions=1, indicators_sessions=3))
    assert (counts["live_tickers"], counts["indicators_1m"]) == (4, 2)
    assert warehouse.sessions(LIVE_TICKERS, "casablanca") == DAYS[-1:]
    assert warehouse.sessions(INDICATORS, "casablanca") == DAYS[-3:]


def test_refused_records_are_kept_as_long_as_quotes(warehouse: Warehouse) -> None:
    row = {"market": "casablanca", "symbol": "ATW", "kind": "quote", "reason": "stale"}
    for day in DAYS:
        rows = rows_of(SET_ASIDE, [row | {"session_date": day, "as_of": NOON - (DAY - day)}])
        warehouse.write(SET_ASIDE, "casablanca", rows)
    retain_market(warehouse, "casablanca", Retention(quotes_sessions=2, indicators_sessions=None))
    assert warehouse.sessions(SET_ASIDE, "casablanca") == DAYS[-2:]


def test_the_other_markets_are_left_alone(warehouse: Warehouse) -> None:
    for day in DAYS:
        warehouse.write(BARS_1M, "india", bars(["TCS"], [0], day=day, market="india"))
    retain_market(warehouse, "casablanca", Retention(bars_sessions=1))
    assert warehouse.sessions(BARS_1M, "india") == DAYS


def test_small_tables_of_sessions_lose_their_oldest_ones(warehouse: Warehouse) -> None:
    where = {"market": "casablanca", "symbol": "ATW", "known_at": NOON, "source": "casablanca_bourse"}
    for table in (BARS_1D, BARS_1D_ADJUSTED, SESSION_DIFFERENCES):
        kept = {name for name in table.schema.names if name in where}
        rows = [{name: where[name] for name in kept} | {"session_date": day} for day in DAYS]
        warehouse.write(table, "casablanca", rows_of(table, rows))
    limits = Retention(daily_bars_sessions=3, differences_sessions=1)
    counts = retain_market(warehouse, "casablanca", limits)
    assert [counts[name] for name in ("bars_1d", "bars_1d_adjusted", "session_differences")] == [2, 2, 4]
    assert warehouse.sessions(BARS_1D, "casablanca") == DAYS[-3:]
    assert warehouse.sessions(SESSION_DIFFERENCES, "casablanca") == DAYS[-1:]


def test_every_small_table_has_a_rule() -> None:
    small = {table.name for table in all_tables() if table.is_small}
    assert small == {*DAILY_TABLES, "session_differences", *KEPT_BY_OTHERS}
