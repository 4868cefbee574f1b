"""The checks of a market's running: ages in minutes of open market time, the last session, the score."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.components.market.checks import running_checks
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.loader import load_market
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.build_bars import build_bars
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.watch import watch
from market_pipeline_tests.components.dagster_desk import WEEKEND, Desk, ask


def check(market: str, table: str, name: str = "fresh") -> dg.AssetCheckResult:
    wanted = dg.AssetCheckKey(dg.AssetKey([market, table]), name)
    [found] = [check for check in running_checks(load_market(market)) if wanted in check.check_keys]
    result = found(runtime=RuntimeResource())
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


def test_tier_1_is_answered_until_a_quarter_of_it_waits_for_five_minutes(watched: Runtime, clock: HandClock) -> None:
    ask(watched, "crypto")
    first = check("crypto", "live_tickers", "answered")
    assert first.passed
    assert verdict(first) == "tier 1: 0 of 8 symbols without an answer for 5 open minutes; median age 0.0 min"
    look_on(watched, clock, 6)
    late = check("crypto", "live_tickers", "answered")
    assert (late.passed, late.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert verdict(late).startswith(
        "tier 1: 8 of 8 symbols without an answer for 5 open minutes (BTC-USD, ETH-USD, SOL-USD, XRP-USD, ADA-USD, …)"
    )
    assert late.metadata["tier_1_answer_minutes"].value == "median 6.0, 95 % 6.0, most 6.0"


def test_the_last_session_has_half_a_day_to_be_completed(watched: Runtime, clock: HandClock) -> None:
    build_bars(watched, watched.market("crypto"))
    seen = []
    for hours in (24, 28, 37):
        clock.at = datetime(2026, 11, 19, 0, 0, tzinfo=UTC) + timedelta(hours=hours)
        result = check("crypto", "session_bars")
        seen.append((result.passed, result.severity.value if not result.passed else ""))
    assert seen == [(True, ""), (False, "WARN"), (False, "ERROR")]
    assert verdict(result) == (
        "session 2026-11-19 is not complete; it settled 12.9 h ago (limit 12 h): look at the daily job's newest run"
    )
    watched.warehouse.close_session("crypto", date(2026, 11, 19))
    assert verdict(check("crypto", "session_bars")) == "session 2026-11-19 is complete"


def test_a_session_that_nobody_recorded_is_no_fault(watched: Runtime) -> None:
    result = check("india", "session_bars")
    assert result.passed
    assert verdict(result) == "session 2026-11-18 was not recorded"


def test_the_score_is_that_of_the_last_look_with_causes_and_remedies(
    watched: Runtime, exchange: RunningSimulator
) -> None:
    assert check("casablanca", "health", "score").passed
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(watched, "casablanca")
    watch(watched, {})
    result = check("casablanca", "health", "score")
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.metadata["score"].value == 75.0
    assert str(result.metadata["lost"].value).startswith(
        "-25 requests to casablanca_bourse fail: casablanca_bourse: 16 of"
    )
    assert str(result.metadata["what_to_do"].value).startswith("the source refuses us")
