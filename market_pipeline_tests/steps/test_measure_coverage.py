"""Coverage of a market and its tiers, cycle after cycle: measured, kept, closed with the session, shown."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.quality.coverage import Coverage
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.measure_coverage import stored_coverage
from market_pipeline.steps.merge_tickers import merge_tickers
from market_pipeline.steps.overview import overview
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.steps.conftest import ALL_OPEN, EARLY

MINUTE = timedelta(minutes=1)
DOWN = FaultPlan.model_validate({"faults": [{"kind": "503"}]})


@pytest.fixture
def clock() -> HandClock:
    return HandClock(EARLY)


def test_each_cycle_writes_a_row_a_tier_with_what_is_fresh_and_why_the_rest_is_not(
    runtime: Runtime, clock: HandClock, exchange: RunningSimulator
) -> None:
    run_cycle(runtime, "crypto")
    exchange.set_faults(DOWN)
    clock.advance(10 * MINUTE)
    report = run_cycle(runtime, "crypto")
    rows = runtime.warehouse.read("coverage", "crypto").sort_by("as_of").to_pylist()
    found = [(row["as_of"], row["tier"], row["fresh"], row["listed"], json.loads(row["reasons"])) for row in rows]
    assert found == [(EARLY, 1, 8, 8, {}), (EARLY + 10 * MINUTE, 1, 0, 8, {"timeout": 8})]
    assert report.coverage == 0.0


def test_tiers_are_counted_apart(runtime: Runtime, clock: HandClock) -> None:
    clock.at = ALL_OPEN
    market = runtime.market("india")
    fetch_quotes(runtime, market)
    report = merge_tickers(runtime, market)
    first, second = report.tiers
    assert (first.tier, first.listed, second.tier) == (1, 20, 2)
    assert first.listed + second.listed == report.rows
    assert stored_coverage(runtime, market) == report.tiers


def test_the_coverage_of_a_session_outlives_its_close(runtime: Runtime) -> None:
    run_cycle(runtime, "crypto")
    runtime.warehouse.close_session("crypto", date(2026, 11, 19))
    assert runtime.warehouse.query("SELECT market, tier, fresh, listed FROM coverage").to_pylist() == [
        {"market": "crypto", "tier": 1, "fresh": 8, "listed": 8}
    ]


def test_a_tier_below_the_market_s_limit_is_worth_a_note(
    runtime: Runtime, clock: HandClock, exchange: RunningSimulator
) -> None:
    run_cycle(runtime, "crypto")
    exchange.set_faults(DOWN)
    clock.advance(10 * MINUTE)
    run_cycle(runtime, "crypto")
    seen = overview(runtime)["crypto"]
    assert "coverage: tier 1: 0 of 8 fresh (0%); timeout 8" in seen.notes
    assert seen.tiers == (Coverage(1, 0, 8, {"timeout": 8}),)
