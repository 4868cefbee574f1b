"""A minute of a market in Dagster: what is materialized, checked, told, and what a failed source does."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.components.market import bars, indicators, instruments, live_tickers, raw_quotes
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.loader import load_market
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.step_times import last_step_times
from market_pipeline_tests.components.dagster_desk import EARLY, WEEKEND, Desk

CASABLANCA = load_market("casablanca")
SOURCES = ["casablanca_bourse", "wafa_bourse", "african_markets"]
MINUTE_ASSETS = [
    *(f"casablanca/raw_quotes_{source}" for source in SOURCES),
    "casablanca/live_tickers",
    "casablanca/bars_1m",
    "casablanca/indicators_1m",
    "casablanca/levels_1m",
]


def down(source: str | None = None) -> FaultPlan:
    return FaultPlan.model_validate({"faults": [{"kind": "503", "source": source}]})


def test_a_minute_materializes_every_asset_from_the_sources_to_the_indicators_and_times_each(
    desk: Desk, runtime: Runtime
) -> None:
    run = desk.run("casablanca_minute")
    assert run.success
    assert run.materialized() == MINUTE_ASSETS
    timed = last_step_times(runtime, runtime.market("casablanca"))
    steps = {"fetch", "merge", "bars", "indicators", "levels", "write"}
    assert set(timed) == steps | {f"fetch {source}" for source in SOURCES}
    assert timed["fetch"] > 0


def test_a_minute_evaluates_one_valid_check_an_asset_and_leaves_freshness_to_the_sensor(desk: Desk) -> None:
    evaluations = desk.run("casablanca_minute").evaluations()
    assert [(e.asset_key.to_user_string(), e.check_name) for e in evaluations] == [(a, "valid") for a in MINUTE_ASSETS]
    assert all(evaluation.passed for evaluation in evaluations)


def test_a_minute_keeps_its_metadata_below_five_thousand_bytes(desk: Desk) -> None:
    assert desk.run("casablanca_minute").metadata_bytes() < 5000


def test_a_minute_of_failures_keeps_its_metadata_small_too(desk: Desk, exchange: RunningSimulator) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "500"}]}))
    assert desk.run("casablanca_minute").metadata_bytes() < 5000


def test_the_live_tickers_tell_their_coverage_state_and_first_rows(desk: Desk) -> None:
    metadata = desk.run("casablanca_minute").metadata("casablanca/live_tickers")
    assert metadata["dagster/row_count"] == 16
    assert metadata["coverage"] == 1.0
    assert metadata["session_state"] == "open"
    assert metadata["tickers"].startswith("| symbol | price | source | flags |")
    assert len(metadata["tickers"].splitlines()) == 10


def test_a_failed_source_gives_no_quotes_its_outcomes_and_a_failed_check_and_the_run_goes_on(
    desk: Desk, exchange: RunningSimulator
) -> None:
    exchange.set_faults(down("casablanca_bourse"))
    run = desk.run("casablanca_minute")
    assert run.success
    assert run.materialized() == MINUTE_ASSETS
    metadata = run.metadata("casablanca/raw_quotes_casablanca_bourse")
    assert (metadata["dagster/row_count"], metadata["outcomes"]) == (0, "16 timeout")
    check = run.check("casablanca/raw_quotes_casablanca_bourse")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "the source answers for at least 80% of the symbols | 16 | 16 timeout" in str(
        check.metadata["failures"].value
    )


def test_a_failed_source_leaves_the_checks_of_its_neighbours_alone(desk: Desk, exchange: RunningSimulator) -> None:
    exchange.set_faults(down("casablanca_bourse"))
    run = desk.run("casablanca_minute")
    failed = [e.asset_key.to_user_string() for e in run.evaluations() if not e.passed]
    assert failed == ["casablanca/raw_quotes_casablanca_bourse"]
    assert run.metadata("casablanca/live_tickers")["coverage"] == 1.0


def test_with_every_source_down_the_run_still_succeeds(desk: Desk, exchange: RunningSimulator) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403"}]}))
    run = desk.run("casablanca_minute")
    assert run.success
    assert run.metadata("casablanca/live_tickers")["dagster/row_count"] == 0


def test_one_source_alone_can_be_materialized_and_no_other_is_asked(desk: Desk, exchange: RunningSimulator) -> None:
    run = desk.materialize("casablanca/raw_quotes_wafa_bourse")
    assert run.materialized() == ["casablanca/raw_quotes_wafa_bourse"]
    assert run.metadata("casablanca/raw_quotes_wafa_bourse")["dagster/row_count"] == 16
    asked = {route.split("/")[1] for route, count in exchange.simulation.stats().items() if count}
    assert asked == {"wafa_bourse"}


def test_live_tickers_alone_are_merged_from_the_quotes_at_hand(desk: Desk, runtime: Runtime) -> None:
    fetch_quotes(runtime, runtime.market("casablanca"))
    run = desk.materialize("casablanca/live_tickers")
    assert run.materialized() == ["casablanca/live_tickers"]
    assert run.metadata("casablanca/live_tickers")["dagster/row_count"] == 16


@pytest.mark.parametrize("asset", ["live_tickers", "bars_1m", "indicators_1m", "levels_1m"])
def test_an_asset_without_anything_to_work_on_succeeds_with_no_rows(desk: Desk, asset: str) -> None:
    run = desk.materialize(f"casablanca/{asset}")
    assert run.success
    assert run.metadata(f"casablanca/{asset}")["dagster/row_count"] == 0


def test_on_a_closed_market_quotes_and_tickers_are_written_and_no_bars_made(desk: Desk, clock: HandClock) -> None:
    clock.at = WEEKEND
    run = desk.run("casablanca_minute")
    assert run.success
    tickers = run.metadata("casablanca/live_tickers")
    assert (tickers["dagster/row_count"], tickers["session_state"]) == (16, "closed")
    assert run.metadata("casablanca/bars_1m")["dagster/row_count"] == 0


def test_the_next_minute_adds_only_what_is_new(desk: Desk, clock: HandClock) -> None:
    clock.at = EARLY
    assert desk.run("crypto_minute").metadata("crypto/bars_1m")["origins"] == "160 chart"
    clock.advance(timedelta(minutes=1))
    run = desk.run("crypto_minute")
    assert run.metadata("crypto/bars_1m")["origins"] == "8 chart"
    assert run.metadata("crypto/indicators_1m")["dagster/row_count"] == 8


def test_the_assets_are_plain_functions_too(resource: RuntimeResource, runtime: Runtime) -> None:
    fetch_quotes(runtime, runtime.market("casablanca"))
    tickers = live_tickers.asset(CASABLANCA)(runtime=resource)
    made = bars.asset(CASABLANCA)(runtime=resource)
    computed = indicators.asset(CASABLANCA)(runtime=resource)
    listed = instruments.asset(CASABLANCA)(runtime=resource)
    counts = [result.metadata["dagster/row_count"] for result in (tickers, made, computed, listed)]
    assert counts == [16, 16, 16, 17]


def test_the_instruments_show_what_became_of_each_code_that_was_asked_for(desk: Desk) -> None:
    seeds = desk.materialize("casablanca/instruments").metadata("casablanca/instruments")["seeds"]
    assert "| BMCE | BMCE Bank | renamed | BOA |" in seeds
    assert "| MAR | Marjane Holding | unresolved |  |" in seeds


def test_a_source_that_misses_a_few_symbols_warns_and_one_that_misses_most_fails() -> None:
    from market_pipeline.steps.fetch_quotes import SourceReport

    def judged(ok: int, timeout: int) -> tuple[bool, str]:
        report = SourceReport(ok, {"ok": ok, "timeout": timeout, "unknown": 40}, (), None, None, 1.0)
        rule = raw_quotes.answering_rule(report, CASABLANCA.coverage)
        return rule.passed, rule.severity.value

    assert judged(8, 2) == (True, "warn")
    assert judged(7, 3) == (False, "warn")
    assert judged(4, 6) == (False, "error")
