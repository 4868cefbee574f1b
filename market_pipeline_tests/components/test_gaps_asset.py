"""Gaps in Dagster: the asset heals and says what is left, its schedule says why it skips."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from market_pipeline.clock import HandClock
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.turns import session_turn
from market_pipeline_tests.components.dagster_desk import EARLY, WEEKEND, Desk


def reason(desk: Desk, schedule: str) -> str | None:
    """Evaluate a schedule as the daemon does: None for a run, else why there is none."""
    repository = desk.definitions.get_repository_def()
    with dg.build_schedule_context(
        instance=desk.instance,
        scheduled_execution_time=datetime(2026, 11, 20, 12, tzinfo=UTC),
        resources={"runtime": RuntimeResource()},
        repository_def=repository,
    ) as context:
        return repository.get_schedule_def(schedule).evaluate_tick(context).skip_message


def test_the_asset_heals_what_is_missing_and_names_what_is_left(
    desk: Desk, runtime: Runtime, clock: HandClock, exchange: RunningSimulator
) -> None:
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    clock.advance(timedelta(minutes=20))
    run = desk.run("crypto_heal")
    healed = run.metadata("crypto/gaps")
    assert (healed["open"], healed["healing"], healed["requests_left"]) == ("none", "none", 0)
    assert "process_down" in healed["healed"]
    assert run.check("crypto/gaps").passed
    clock.advance(timedelta(minutes=20))
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503", "source": "kraken"}]}))
    failed = desk.run("crypto_heal").metadata("crypto/gaps")
    assert (failed["healing"], failed["requests_left"]) == ("8 process_down", 8)
    assert "| process_down | healing |" in failed["newest"]


def test_the_schedule_runs_while_minutes_may_be_missing_and_says_why_it_skips(
    kept_desk: Desk, runtime: Runtime, clock: HandClock
) -> None:
    assert reason(kept_desk, "crypto_heal") == "crypto: no session is open or incomplete, and no gap is left"
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    assert reason(kept_desk, "crypto_heal") is None
    with session_turn(runtime, runtime.market("crypto")):
        assert reason(kept_desk, "crypto_heal") == "crypto: sessions are being completed by another process"


def test_a_closed_market_whose_sessions_are_complete_has_nothing_to_heal(
    kept_desk: Desk, runtime: Runtime, clock: HandClock
) -> None:
    run_cycle(runtime, "casablanca")
    for day in (19, 20):
        runtime.warehouse.close_session("casablanca", datetime(2026, 11, day).date())  # noqa: DTZ001 - a date
    clock.at = WEEKEND
    assert reason(kept_desk, "casablanca_heal") == "casablanca: no session is open or incomplete, and no gap is left"
