"""The health score as a table: situation → score → what was lost. docs/health.md explains each part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.errors import MarketFileError
from market_pipeline.markets.loader import load_markets, read_market_file
from market_pipeline.markets.schema import HealthRule, HealthScales, HealthWeights
from market_pipeline.quality.health import LostPoints, overall, score
from market_pipeline.quality.health_parts import Part
from market_pipeline.quality.situation import CycleTime, Requests, Runs, Situation, SourceFailures
from market_pipeline_tests.conftest import PROJECT
from market_pipeline_tests.quality.situations import CLOSED, GOOD, STOPPED, aged, failing, silent_for, tier_1


def changed(**change: Any) -> Situation:
    return replace(GOOD, **change)


TABLE: list[tuple[str, Situation, float, dict[str, float]]] = [
    # situation, score, points lost by part
    ("all is well", GOOD, 100.0, {}),
    ("closed, nothing to do", CLOSED, 100.0, {}),
    ("closed and never ran", replace(CLOSED, freshness=aged(None, "closed")), 100.0, {}),
    ("it ran while closed", replace(CLOSED, runs=Runs(0, 0, while_closed=3)), 80.0, {"compliance": 20}),
    ("stopped for 20 minutes", STOPPED, 35.0, {"running": 30, "compliance": 20, "freshness": 15}),
    ("two quiet minutes", changed(**silent_for(2)), 100.0, {}),
    ("three quiet minutes", changed(**silent_for(3)), 90.0, {"running": 10}),
    ("five quiet minutes", changed(**silent_for(5)), 70.0, {"running": 30}),
    ("quiet, but asked every five minutes", changed(**silent_for(6), quote_interval_minutes=5), 100.0, {}),
    ("quieter than every five minutes", changed(**silent_for(8), quote_interval_minutes=5), 80.0, {"running": 20}),
    ("just opened", changed(**silent_for(200), watched_minutes=1), 100.0, {}),
    (
        "just started",
        changed(last_success=None, minutes_since_success=None, watched_minutes=1),
        100.0,
        {},
    ),
    ("never", changed(last_success=None, minutes_since_success=None, watched_minutes=9), 70.0, {"running": 30}),
    ("three of fifteen runs missing", changed(runs=Runs(15, 12)), 96.0, {"compliance": 4}),
    ("three runs overlap", changed(runs=Runs(15, 15, overlapping=3)), 96.0, {"compliance": 4}),
    ("ran before opening", changed(runs=Runs(10, 10, while_closed=5)), 93.3, {"compliance": 6.7}),
    ("one percent fails", changed(requests=failing(10)), 100.0, {}),
    ("five percent fail", changed(requests=failing(50)), 94.7, {"errors": 5.3}),
    ("a fifth fails", changed(requests=failing(200)), 75.0, {"errors": 25}),
    ("all fail", changed(requests=failing(1000)), 75.0, {"errors": 25}),
    ("every run fails", changed(runs=Runs(15, 15, failed=15)), 75.0, {"errors": 25}),
    ("nothing was asked", changed(requests=Requests()), 100.0, {}),
    ("four minutes old", changed(freshness=aged(4, "warn")), 92.5, {"freshness": 7.5}),
    ("six minutes old", changed(freshness=aged(6, "stale")), 85.0, {"freshness": 15}),
    ("nothing yet", changed(freshness=aged(None, "never")), 100.0, {}),
    ("two of twenty first symbols unanswered", changed(tiers=tier_1(2)), 100.0, {}),
    ("six of twenty first symbols unanswered", changed(tiers=tier_1(6)), 92.5, {"freshness": 7.5}),
    ("half of the first symbols unanswered", changed(tiers=tier_1(10)), 85.0, {"freshness": 15}),
    (
        "old, and unanswered: the worse counts",
        changed(freshness=aged(4, "warn"), tiers=tier_1(10)),
        85.0,
        {"freshness": 15},
    ),
    ("half the deadline", changed(cycle=CycleTime(20, 40)), 100.0, {}),
    ("three quarters of the deadline", changed(cycle=CycleTime(30, 40)), 95.0, {"performance": 5}),
    ("beyond the deadline", changed(cycle=CycleTime(55, 40)), 90.0, {"performance": 10}),
    (
        "everything at once",
        replace(STOPPED, requests=failing(900), cycle=CycleTime(60, 40)),
        0.0,
        {"running": 30, "errors": 25, "compliance": 20, "freshness": 15, "performance": 10},
    ),
]


@pytest.mark.parametrize(("situation", "expected", "lost"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_score_follows_the_situation(situation: Situation, expected: float, lost: dict[str, float]) -> None:
    health = score(situation)
    assert health.score == expected
    assert {entry.part.value: entry.points for entry in health.lost_points} == lost


def test_points_of_failing_requests_are_shared_out_among_their_sources() -> None:
    sources = (
        SourceFailures("wafa_bourse", {"timeout": 15}, ("ATW", "IAM")),
        SourceFailures("african_markets", {"parse_error": 5}),
    )
    requests = Requests(answered=80, failed_by_status={"parse_error": 5, "timeout": 15}, sources=sources)
    first, second = score(changed(requests=requests)).lost_points
    assert first == LostPoints(
        Part.ERRORS,
        18.8,
        "requests to wafa_bourse fail",
        "wafa_bourse: 15 of all 100 requests failed (timeout 15), in the last 15 minutes; ATW, IAM",
        "the source or the network is slow: market-pipeline doctor tries it; fetch_outcomes has latency_ms",
        market="casablanca",
        source="wafa_bourse",
        symbols=("ATW", "IAM"),
    )
    assert (second.source, second.points) == ("african_markets", 6.2)
    assert second.what_to_do == (
        "the source changed its answers: market-pipeline probe african_markets compares them with recorded samples"
    )


@pytest.mark.parametrize(
    ("situation", "run_id"),
    [
        (replace(STOPPED, runs=Runs(0, 0, last_id="r1")), "r1"),
        (changed(runs=Runs(15, 15, overlapping=3, irregular_ids=("r7", "r6"))), "r7"),
        (changed(runs=Runs(15, 15, failed=9, failed_ids=("r9", "r8"))), "r9"),
        (changed(cycle=CycleTime(39, 40, 52.0, "r4")), "r4"),
    ],
    ids=["silent since", "overlapping", "failed", "slowest"],
)
def test_a_lost_point_names_the_run_to_look_at(situation: Situation, run_id: str) -> None:
    assert score(situation).run_id == run_id


def test_the_greatest_loss_comes_first_and_all_add_up_to_the_score() -> None:
    health = score(STOPPED)
    assert [entry.part.value for entry in health.lost_points] == ["running", "compliance", "freshness"]
    assert health.score + sum(entry.points for entry in health.lost_points) == 100
    assert health.lost_points[1].evidence == "in the last 15 minutes of 15 due runs: 15 missing"
    assert health.lost_points[0].evidence == (
        "last cycle that brought a quote: at 2026-11-20 11:40 UTC; 20 open minutes without one"
    )


def test_parts_that_cannot_be_judged_say_so() -> None:
    assert score(CLOSED).document["parts"] == dict.fromkeys(
        ("running", "compliance", "errors", "freshness", "performance")
    )
    assert score(STOPPED).document["parts"] == {
        "running": 0.0,
        "compliance": 0.0,
        "errors": None,
        "freshness": 0.0,
        "performance": None,
    }


def test_an_unknown_run_or_source_is_left_out_of_the_document() -> None:
    (lost,) = score(changed(cycle=CycleTime(30, 40))).document["lost_points"]
    assert set(lost) == {"part", "points", "cause", "evidence", "what_to_do", "market"}


def test_the_overall_score_is_the_mean_of_the_markets_that_are_judged() -> None:
    crypto = replace(STOPPED, market="crypto")
    health = overall([score(GOOD), score(crypto), score(replace(CLOSED, market="saudi"))])
    assert (health.market, health.score) == ("all", 67.5)
    assert [(lost.market, lost.part.value, lost.points) for lost in health.lost_points] == [
        ("crypto", "running", 15.0),
        ("crypto", "compliance", 10.0),
        ("crypto", "freshness", 7.5),
    ]
    assert {part.part.value: part.points for part in health.parts} == {
        "running": 15.0,
        "compliance": 10.0,
        "errors": 25.0,
        "freshness": 7.5,
        "performance": 10.0,
    }


def test_when_every_market_is_closed_the_overall_score_is_whole_and_nothing_is_judged() -> None:
    health = overall([score(CLOSED), score(replace(CLOSED, market="saudi"))])
    assert (health.score, health.is_judged) == (100.0, False)


def test_weights_and_scales_are_configurable() -> None:
    weights = HealthWeights(running=0, compliance=0, errors=0, freshness=100, performance=0)
    assert score(STOPPED, rule=HealthRule(weights=weights)).score == 0.0
    patient = HealthRule(scales=HealthScales(running_minutes=(30, 60)))
    assert [lost.part.value for lost in score(STOPPED, rule=patient).lost_points] == ["compliance", "freshness"]


@pytest.mark.parametrize(
    ("stated", "seen"),
    [
        ("health: {weights: {running: 40}}", "the five weights make 110, allowed: 100"),
        ("health: {scales: {error_rate: [0.2, 0.1]}}", "the first not negative and below the second"),
        ("alerts: {error_rate: 0.02, error_rate_clear: 0.03}", "error_rate_clear is above error_rate"),
        ("alerts: {score: 50, score_clear: 40}", "score_clear is below score"),
        ("alerts: {eror_rate: 0.02}", "eror_rate"),
    ],
)
def test_a_market_file_with_impossible_limits_is_refused(tmp_path: Path, stated: str, seen: str) -> None:
    good = (PROJECT / "market_pipeline" / "defs" / "crypto" / "defs.yaml").read_text()
    path = tmp_path / "crypto" / "defs.yaml"
    path.parent.mkdir()
    path.write_text(f"{good}\n  {stated}\n")
    with pytest.raises(MarketFileError, match=seen):
        read_market_file(path)


def test_a_limit_that_is_stated_alone_is_clear_at_the_limit_itself() -> None:
    from market_pipeline.markets.schema import AlertLimits

    limits = AlertLimits(error_rate=0.02)
    assert (limits.error_rate, limits.error_rate_clear) == (0.02, 0.02)


def test_every_market_has_weights_that_make_a_hundred() -> None:
    assert {sum(file.health.weights.model_dump().values()) for file in load_markets().values()} == {100}
