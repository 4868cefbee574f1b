"""A minute of a market, from the sources' wire to the indicators, over real HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.steps.cycle import CycleReport, run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.steps.conftest import ALL_OPEN, EARLY

MINUTE = timedelta(minutes=1)
CLOSED_NIGHT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


RIYADH = datetime(2026, 11, 19, 7, 10, tzinfo=UTC)
OPENED = {"casablanca": ALL_OPEN, "crypto": EARLY, "saudi": RIYADH, "global": EARLY}
"""Market → a moment soon after its opening."""


@dataclass(frozen=True)
class Minute:
    """The first cycle of a day, with most of a session to fetch."""

    runtime: Runtime
    report: CycleReport
    quote_calls: int


@pytest.fixture(scope="module")
def india(tmp_path_factory: pytest.TempPathFactory) -> Minute:
    """India six hours after its opening; no test changes it."""
    clock = HandClock(ALL_OPEN)
    with running_simulator(SimulatorOptions(port=0, delays=False), clock=clock) as exchange:
        folder = tmp_path_factory.mktemp("india")
        settings = Settings(data=folder, simulator_url=exchange.url, budgets=False, _env_file=None)
        runtime = Runtime(settings, clock)
        report = run_cycle(runtime, "india")
        return Minute(runtime, report, exchange.requests("/dhan/v2/marketfeed/quote"))


@pytest.mark.parametrize("market", OPENED)
def test_a_cycle_of_an_open_market_fills_every_table(runtime: Runtime, clock: HandClock, market: str) -> None:
    clock.at = OPENED[market]
    run_cycle(runtime, market)
    assert_filled(runtime, market)


def test_a_cycle_of_india_fills_every_table(india: Minute) -> None:
    assert_filled(india.runtime, "india")


def assert_filled(runtime: Runtime, market: str) -> None:
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


def test_india_serves_at_least_487_symbols_from_one_quote_call(india: Minute) -> None:
    assert india.report.quotes.counts["dhan"]["ok"] >= 487
    assert india.quote_calls == 1


def test_a_repeated_cycle_of_the_same_minute_changes_nothing(runtime: Runtime, clock: HandClock) -> None:
    clock.at = EARLY
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
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    clock.advance(MINUTE)
    report = run_cycle(runtime, "crypto")
    assert 1 <= report.bars.rows <= 8
    assert report.bars.first_event == EARLY


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


def test_bars_of_india_are_equal_to_the_chart_of_the_exchange(india: Minute) -> None:
    bars = india.runtime.warehouse.read("bars_1m", "india", symbols=["RELIANCE"]).sort_by("interval_start")
    assert bars["origin"].unique().to_pylist() == ["chart"]
    assert bars["interval_start"][0].as_py() == datetime(2026, 11, 19, 3, 45, tzinfo=UTC)
    assert bars.num_rows > 300
