"""The `fresh` checks: ages in minutes of open market time."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.components.market.checks import freshness_checks
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.loader import load_market
from market_pipeline.steps.build_bars import build_bars
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.watch import watch
from market_pipeline_tests.components.dagster_desk import WEEKEND, Desk, ask


def check(market: str, table: str) -> dg.AssetCheckResult:
    checks = dict(zip(("live_tickers", "bars_1m", "indicators_1m"), freshness_checks(load_market(market)), strict=True))
    result = checks[table](runtime=RuntimeResource())
    assert isinstance(result, dg.AssetCheckResult)
    return result


def verdict(result: dg.AssetCheckResult) -> str:
    return str(result.metadata["verdict"].value)


@pytest.fixture
def watched(runtime: Runtime) -> Runtime:
    """Somebody has begun to watch: from now on silence counts."""
    watch(runtime, {})
    return runtime


def look_on(runtime: Runtime, clock: HandClock, minutes: int) -> None:
    for _ in range(minutes):
        clock.advance(timedelta(minutes=1))
        watch(runtime, {})


def test_a_table_with_new_events_is_fresh(watched: Runtime) -> None:
    build_bars(watched, watched.market("crypto"))
    result = check("crypto", "bars_1m")
    assert result.passed
    assert verdict(result).startswith("bars_1m: newest event 2026-11-19 09:49 UTC, 1.0 open minutes old (limit 5 min)")
    assert result.metadata["age_open_minutes"].value == pytest.approx(1.0, abs=0.1)


def test_a_table_warns_first_and_is_stale_after_the_limit(watched: Runtime, clock: HandClock) -> None:
    ask(watched, "crypto")
    look_on(watched, clock, 4)
    warned = check("crypto", "live_tickers")
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)
    look_on(watched, clock, 2)
    failed = check("crypto", "live_tickers")
    assert (failed.passed, failed.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "6.0 open minutes old (limit 5 min)" in verdict(failed)


def test_nothing_at_all_is_no_fault_before_the_limit_has_passed(watched: Runtime, clock: HandClock) -> None:
    assert check("crypto", "live_tickers").passed
    look_on(watched, clock, 6)
    result = check("crypto", "live_tickers")
    assert not result.passed
    assert verdict(result) == "live_tickers: nothing ever came, 6 open minutes after it could (limit 5 min)"


def test_a_closed_market_is_never_stale(watched: Runtime, clock: HandClock) -> None:
    ask(watched, "casablanca")
    clock.at = WEEKEND
    watch(watched, {})
    result = check("casablanca", "live_tickers")
    assert result.passed
    assert "the market is closed (casablanca is closed: weekend; opens Mon 09:30 +00:00)" in verdict(result)


def test_a_table_that_is_materialized_by_hand_is_checked_with_it(desk: Desk) -> None:
    run = desk.materialize("casablanca/live_tickers")
    assert run.check("casablanca/live_tickers", "fresh").passed
