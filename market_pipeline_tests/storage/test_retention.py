"""What a market's limits delete."""

from __future__ import annotations

from datetime import timedelta

from market_pipeline.markets.schema import Retention
from market_pipeline.storage.retention import retain_market
from market_pipeline.storage.tables import BARS_1M, LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import DAY, INDICATORS, NOON, bars, indicators, tickers

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
    warehouse.write(LIVE_TICKERS, "casablanca", tickers(["ATW"], price=1.0, known_at=NOON))
    warehouse.write(INDICATORS, "casablanca", indicators(INDICATORS, ["ATW"], [0]))
    counts = retain_market(warehouse, "casablanca", Retention(quotes_sessions=1, indicators_sessions=1))
    assert counts == dict.fromkeys(
        ["raw_quotes", "fetch_outcomes", "live_tickers", "bars_1m", "bars_1m_replaced", "indicators_1m"], 0
    ) | {"live_ticker_files": 0}


def test_the_other_markets_are_left_alone(warehouse: Warehouse) -> None:
    for day in DAYS:
        warehouse.write(BARS_1M, "india", bars(["TCS"], [0], day=day, market="india"))
    retain_market(warehouse, "casablanca", Retention(bars_sessions=1))
    assert warehouse.sessions(BARS_1M, "india") == DAYS
