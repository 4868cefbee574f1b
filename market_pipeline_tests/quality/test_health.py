from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from market_pipeline.errors import ConfigurationError
from market_pipeline.quality.health import LostPoints, Weights, score
from market_pipeline.quality.health_parts import Part
from market_pipeline.quality.situation import CycleTime, Requests, Runs, Situation
from market_pipeline_tests.quality.situations import CLOSED, GOOD, STOPPED, aged, silent_for


def changed(**change: Any) -> Situation:
    return replace(GOOD, **change)


def failing(failed: int) -> Requests:
    return Requests(answered=1000 - failed, failed_by_status={"timeout": failed})


@pytest.mark.parametrize(
    ("situation", "expected", "lost"),
    [
        pytest.param(GOOD, 100.0, {}, id="all is well"),
        pytest.param(CLOSED, 100.0, {}, id="closed, nothing to do"),
        pytest.param(replace(CLOSED, freshness=aged(None, "closed")), 100.0, {}, id="closed and never ran"),
        pytest.param(
            replace(CLOSED, runs=Runs(0, 0, while_closed=3)), 80.0, {"compliance": 20}, id="it ran while closed"
        ),
        pytest.param(STOPPED, 35.0, {"running": 30, "compliance": 20, "freshness": 15}, id="stopped for 20 minutes"),
        pytest.param(changed(**silent_for(2)), 100.0, {}, id="two quiet minutes"),
        pytest.param(changed(**silent_for(3)), 90.0, {"running": 10}, id="three quiet minutes"),
        pytest.param(changed(**silent_for(200), watched_minutes=1), 100.0, {}, id="just opened"),
        pytest.param(
            changed(last_success=None, minutes_since_success=None, watched_minutes=1), 100.0, {}, id="just started"
        ),
        pytest.param(
            changed(last_success=None, minutes_since_success=None, watched_minutes=9), 70.0, {"running": 30}, id="never"
        ),
        pytest.param(changed(runs=Runs(15, 12)), 96.0, {"compliance": 4}, id="three of fifteen runs missing"),
        pytest.param(changed(runs=Runs(15, 15, overlapping=3)), 96.0, {"compliance": 4}, id="three runs overlap"),
        pytest.param(changed(runs=Runs(10, 10, while_closed=5)), 93.3, {"compliance": 6.7}, id="ran before opening"),
        pytest.param(changed(requests=failing(10)), 100.0, {}, id="one percent fails"),
        pytest.param(changed(requests=failing(50)), 94.7, {"errors": 5.3}, id="five percent fail"),
        pytest.param(changed(requests=failing(200)), 75.0, {"errors": 25}, id="a fifth fails"),
        pytest.param(changed(requests=failing(1000)), 75.0, {"errors": 25}, id="all fail"),
        pytest.param(changed(runs=Runs(15, 15, failed=15)), 75.0, {"errors": 25}, id="every run fails"),
        pytest.param(changed(requests=Requests()), 100.0, {}, id="nothing was asked"),
        pytest.param(changed(freshness=aged(4, "warn")), 92.5, {"freshness": 7.5}, id="four minutes old"),
        pytest.param(changed(freshness=aged(6, "stale")), 85.0, {"freshness": 15}, id="six minutes old"),
        pytest.param(changed(freshness=aged(None, "never")), 100.0, {}, id="nothing yet"),
        pytest.param(changed(cycle=CycleTime(20, 40)), 100.0, {}, id="half the deadline"),
        pytest.param(changed(cycle=CycleTime(30, 40)), 95.0, {"performance": 5}, id="three quarters of the deadline"),
        pytest.param(changed(cycle=CycleTime(55, 40)), 90.0, {"performance": 10}, id="beyond the deadline"),
    ],
)
def test_the_score_follows_the_situation(situation: Situation, expected: float, lost: dict[str, float]) -> None:
    health = score(situation)
    assert health.score == expected
    assert {entry.part.value: entry.points for entry in health.lost_points} == lost


def test_a_lost_point_says_why_with_evidence_and_remedy() -> None:
    requests = Requests(answered=80, failed_by_status={"parse_error": 5, "timeout": 15})
    (lost,) = score(changed(requests=requests)).lost_points
    assert lost == LostPoints(
        Part.ERRORS,
        25.0,
        "requests or runs fail",
        "20 of 100 requests failed (timeout 15, parse_error 5), 0 of 15 runs failed, in the last 15 minutes",
        "fetch_outcomes names source, status and reason: market-pipeline doctor tries each source",
    )


def test_the_greatest_loss_comes_first_and_all_add_up_to_the_score() -> None:
    health = score(STOPPED)
    assert [entry.part.value for entry in health.lost_points] == ["running", "compliance", "freshness"]
    assert health.score + sum(entry.points for entry in health.lost_points) == 100
    assert health.lost_points[1].evidence == "in the last 15 minutes of 15 due runs: 15 missing"
    assert health.lost_points[0].evidence == (
        "last cycle that brought a quote: at 2026-11-20 11:40 UTC; 20 open minutes without one"
    )


def test_parts_that_cannot_be_judged_say_so() -> None:
    assert [part.part.value for part in score(CLOSED).parts if part.is_judged] == []
    assert [part.part.value for part in score(STOPPED).parts if not part.is_judged] == ["errors", "performance"]


def test_weights_are_configurable() -> None:
    weights = Weights(running=0, compliance=0, errors=0, freshness=100, performance=0)
    assert score(STOPPED, weights=weights).score == 0.0


def test_weights_that_do_not_make_a_hundred_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"must be >= 0 and add up to 100, they make 110; a retry does not"):
        Weights(running=40)
