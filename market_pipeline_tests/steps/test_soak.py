"""Cycles killed at random moments leave nothing torn, lost or doubled. `make soak` kills a hundred."""

from __future__ import annotations

import pytest

from benchmarks.soak import SoakReport, soak


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
