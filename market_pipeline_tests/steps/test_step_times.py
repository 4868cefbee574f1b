"""How long the steps of a cycle took, as it is noted and stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from market_pipeline.clock import HandClock
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.step_times import keep_step_times, last_step_times, timed
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.steps.conftest import ALL_OPEN


def test_a_cycle_leaves_how_long_each_step_and_each_source_took(runtime: Runtime) -> None:
    run_cycle(runtime, "casablanca")
    rows = runtime.warehouse.read("step_times", "casablanca").to_pylist()
    sources = ("african_markets", "casablanca_bourse", "wafa_bourse")
    steps = [("fetch", None), *(("fetch", name) for name in sources)]
    steps += [(name, None) for name in ("merge", "bars", "indicators", "levels", "write")]
    assert sorted(str((row["step"], row["source"])) for row in rows) == sorted(map(str, steps))
    assert {(row["as_of"], row["tier"]) for row in rows} == {(ALL_OPEN, None)}


def test_a_step_is_timed_by_the_monotonic_clock_and_twice_the_same_adds_up(runtime: Runtime, clock: HandClock) -> None:
    market = runtime.market("us")
    for seconds in (1.5, 0.25):
        with timed(runtime, market, "merge"):
            clock.advance(timedelta(seconds=seconds))
    keep_step_times(runtime)
    assert last_step_times(runtime, market) == {"merge": 1.75, "write": 0.0}


def test_only_the_newest_cycle_is_the_last_one(runtime: Runtime, clock: HandClock) -> None:
    market = runtime.market("us")
    for step in ("merge", "bars"):
        with timed(runtime, market, step):
            clock.advance(timedelta(minutes=1))
        keep_step_times(runtime)
    assert last_step_times(runtime, market) == {"bars": 60.0, "write": 0.0}


def test_a_step_that_failed_has_no_time(runtime: Runtime) -> None:
    def fail() -> None:
        with timed(runtime, runtime.market("us"), "merge"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    keep_step_times(runtime)
    assert last_step_times(runtime, runtime.market("us")) == {}


def test_times_that_cannot_be_written_harm_no_cycle(runtime: Runtime) -> None:
    holder = runtime.warehouse
    holder.prepare()
    runtime.__dict__["warehouse"] = Warehouse(
        runtime.folder, holder.tables, clock=runtime.clock, lock_timeout_seconds=0.01
    )
    with timed(runtime, runtime.market("us"), "merge"):
        pass
    with capture_logs() as logs, holder._locks.hold("us"):
        keep_step_times(runtime)
    assert [(line["event"], line["market"]) for line in logs] == [("step_times_not_kept", "us")]
    assert runtime.step_times == {}
