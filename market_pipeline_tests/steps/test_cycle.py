"""A minute of a market, from the sources' wire to the indicators, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime

MINUTE = timedelta(minutes=1)
CLOSED_NIGHT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize("market", ["casablanca", "india", "crypto", "saudi", "global"])
def test_a_cycle_of_an_open_market_fills_every_table(runtime: Runtime, market: str) -> None:
    run_cycle(runtime, market)
    counts = {table: runtime.warehouse.latest(table, market).num_rows for table in ("raw_quotes", "live_tickers")}
    assert min(counts.values()) > 0
    assert runtime.warehouse.latest("bars_1m", market).num_rows > 0
    assert runtime.warehouse.latest("indicators_1m", market).num_rows > 0
    assert runtime.warehouse.latest("instruments", market).num_rows > 0


def test_a_market_whose_sources_give_dates_only_has_tickers_and_no_bars(runtime: Runtime) -> None:
    report = run_cycle(runtime, "nairobi")
    assert (report.tickers.rows, report.bars.rows, report.coverage) == (65, 0, 1.0)


def test_every_requested_symbol_has_one_quote_outcome_per_source(runtime: Runtime) -> None:
    report = run_cycle(runtime, "casablanca")
    totals = {source: sum(counts.values()) for source, counts in report.quotes.counts.items()}
    assert totals == {"casablanca_bourse": 16, "wafa_bourse": 16, "african_markets": 16}


def test_india_serves_at_least_487_symbols_from_one_quote_call(runtime: Runtime, exchange: RunningSimulator) -> None:
    report = run_cycle(runtime, "india")
    assert report.quotes.counts["dhan"]["ok"] >= 487
    assert exchange.requests("/dhan/v2/marketfeed/quote") == 1


def test_a_repeated_cycle_of_the_same_minute_changes_nothing(runtime: Runtime) -> None:
    run_cycle(runtime, "crypto")
    before = runtime.warehouse.read("bars_1m", "crypto").sort_by(
        [("symbol", "ascending"), ("interval_start", "ascending")]
    )
    report = run_cycle(runtime, "crypto")
    after = runtime.warehouse.read("bars_1m", "crypto").sort_by(
        [("symbol", "ascending"), ("interval_start", "ascending")]
    )
    assert after.equals(before)
    assert report.indicators.rows == 0


def test_the_next_minute_asks_only_for_the_bars_that_are_missing(runtime: Runtime, clock: HandClock) -> None:
    run_cycle(runtime, "crypto")
    clock.advance(MINUTE)
    report = run_cycle(runtime, "crypto")
    assert 1 <= report.bars.rows <= 8
    assert report.bars.first_event == datetime(2026, 11, 19, 9, 50, tzinfo=UTC)


def test_a_closed_market_gets_quotes_and_tickers_but_no_bars(runtime: Runtime, clock: HandClock) -> None:
    clock.at = CLOSED_NIGHT
    report = run_cycle(runtime, "casablanca")
    assert report.state.state == "closed"
    assert report.tickers.rows > 0
    assert report.bars.rows == 0
    states = runtime.warehouse.latest("live_tickers", "casablanca")["session_state"].unique().to_pylist()
    assert states == ["closed"]


def test_a_failed_source_harms_no_other_and_names_its_failure(runtime: Runtime, exchange: RunningSimulator) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503", "source": "casablanca_bourse"}]}))
    report = run_cycle(runtime, "casablanca")
    assert report.quotes.counts["casablanca_bourse"] == {"timeout": 16}
    assert report.quotes.counts["wafa_bourse"].get("ok", 0) >= 10
    assert report.coverage > 0.6
    outcomes = runtime.warehouse.latest("fetch_outcomes", "casablanca")
    failed = outcomes.filter(pc.equal(outcomes["source"], "casablanca_bourse"))
    assert "503" in failed["reason"][0].as_py()


def test_bars_of_india_are_equal_to_the_chart_of_the_exchange(runtime: Runtime, exchange: RunningSimulator) -> None:
    run_cycle(runtime, "india")
    bars = runtime.warehouse.read("bars_1m", "india", symbols=["RELIANCE"]).sort_by("interval_start")
    assert bars["origin"].unique().to_pylist() == ["chart"]
    assert bars["interval_start"][0].as_py() == datetime(2026, 11, 19, 3, 45, tzinfo=UTC)
    assert bars.num_rows > 300
