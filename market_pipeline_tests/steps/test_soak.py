"""Cycles killed at random moments leave nothing torn, lost or doubled. `make soak` kills a hundred."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.soak import SoakReport, soak
from market_pipeline.clock import HandClock
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage.newest import NewestFiles
from market_pipeline_tests.steps.conftest import EARLY


@pytest.fixture(scope="module")
def report() -> SoakReport:
    return soak(10)


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_one_good_cycle_after_ten_killed_ones_makes_everything_whole(report: SoakReport) -> None:
    assert report.kills == 10
    assert report.bars > 5000
    assert report.problems == {}


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_a_reader_of_the_views_sees_no_error_while_cycles_are_killed(report: SoakReport) -> None:
    assert report.polls > 20
    assert report.reader_errors == []


@pytest.mark.parametrize("table", ["bars_1m", "indicators_1m"])
def test_a_cycle_makes_good_the_list_of_newest_rows_that_a_killed_one_did_not_come_to(
    runtime: Runtime, clock: HandClock, table: str
) -> None:
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    clock.advance(timedelta(minutes=1))
    run_cycle(runtime, "crypto")
    expected = runtime.warehouse.latest(table, "crypto").sort_by("symbol")
    killed_before = NewestFiles(runtime.warehouse.layout.latest(table)).path("crypto")
    assert killed_before is not None
    killed_before.unlink()
    run_cycle(runtime, "crypto")
    listed = runtime.warehouse.latest(table, "crypto").sort_by("symbol")
    assert listed["interval_start"].equals(expected["interval_start"])
