"""The service level as the watch measures it, as status tells it, and counted anew for a session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from market_pipeline.clock import HandClock
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.overview import overview
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.service_level import burns_of, measure_service_level, session_service_level
from market_pipeline.steps.watch import watch

MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 19, 0, 30, 5, tzinfo=UTC)
"""The day of crypto is half an hour old: little to chart."""


def live_through(runtime: Runtime, clock: HandClock, minutes: int, *, is_asking: bool = True) -> None:
    for _ in range(minutes):
        if is_asking:
            run_cycle(runtime, "crypto")
        watch(runtime, {})
        clock.advance(MINUTE)


def rows(runtime: Runtime) -> dict[str, list[int]]:
    found = runtime.warehouse.latest("service_level", "crypto").sort_by("minute")
    return {name: found[name].to_pylist() for name in ("expected", "good", "late", "missing")}


def test_a_market_that_runs_each_minute_keeps_its_promise(runtime: Runtime, clock: HandClock) -> None:
    clock.at = START
    live_through(runtime, clock, 5)
    found = rows(runtime)
    assert found["expected"] == found["good"]
    assert len(found["good"]) == 2
    assert sum(found["good"]) > 0
    assert set(found["late"]) == set(found["missing"]) == {0}


def test_minutes_in_which_nobody_asked_are_missing_and_late_once_they_are_healed(
    runtime: Runtime, clock: HandClock
) -> None:
    clock.at = START
    live_through(runtime, clock, 2)
    live_through(runtime, clock, 4, is_asking=False)
    missed = sum(rows(runtime)["missing"])
    assert missed >= 8
    live_through(runtime, clock, 1)
    healed = rows(runtime)
    assert sum(healed["late"]) >= 8
    assert sum(healed["missing"]) < missed


def test_after_an_outage_the_burn_is_known_once_half_a_window_was_measured(runtime: Runtime, clock: HandClock) -> None:
    clock.at = START
    live_through(runtime, clock, 5)
    clock.advance(40 * MINUTE)
    live_through(runtime, clock, 1)
    fast, slow = burns_of(runtime, runtime.market("crypto"))
    assert (fast.rate is not None and fast.rate > 14.4, slow.rate) == (True, None)


def test_a_market_without_minute_history_promises_nothing(runtime: Runtime) -> None:
    run_cycle(runtime, "casablanca")
    watch(runtime, {})
    assert runtime.warehouse.latest("service_level", "casablanca").num_rows == 0
    assert overview(runtime)["casablanca"].service_level is None


def test_status_tells_share_budget_and_burn_rates(
    runtime: Runtime, clock: HandClock, exchange: RunningSimulator
) -> None:
    clock.at = START
    live_through(runtime, clock, 3)
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503"}]}))
    live_through(runtime, clock, 6)
    level = overview(runtime)["crypto"].service_level
    assert level is not None
    assert level["expected"] == level["good"] + level["late"] + level["missing"]
    assert level["share"] < 1
    assert level["error_budget_left"] < 0
    assert level["burn_rates"] == {"1h": None, "6h": None}


def test_a_session_is_counted_anew_from_its_tables_for_reports(runtime: Runtime, clock: HandClock) -> None:
    clock.at = START
    live_through(runtime, clock, 4)
    measure_service_level(runtime, runtime.market("crypto"), START)
    found = session_service_level(runtime, runtime.market("crypto"), START.date())
    assert found is not None
    measured = runtime.warehouse.latest("service_level", "crypto").sort_by("minute")
    since = measured["minute"].to_numpy()[0]  # what came before the watch began is the session's alone
    again = [int(good) for minute, good in zip(found.minutes, found.good, strict=True) if minute >= since]
    assert again[: measured.num_rows] == measured["good"].to_pylist() == [8, 8]
    assert found.level.good > sum(again)
    assert session_service_level(runtime, runtime.market("casablanca"), START.date()) is None
