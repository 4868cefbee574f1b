from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from market_pipeline.alerts.conditions import Key, Verdict, conditions
from market_pipeline.quality.health import score
from market_pipeline.quality.situation import Requests, Runs, Situation
from market_pipeline_tests.quality.situations import CLOSED, GOOD, NOW, STOPPED, aged, silent_for


def judged(situation: Situation) -> Verdict:
    return conditions(situation, score(situation))


def keys(situation: Situation) -> list[str]:
    return [condition.key.value for condition in judged(situation).holding]


def undecided(situation: Situation) -> set[str]:
    return {key.value for key in judged(situation).undecided}


def changed(**change: Any) -> Situation:
    return replace(GOOD, **change)


def failing(failed: int, total: int = 100) -> Requests:
    return Requests(answered=total - failed, failed_by_status={"timeout": failed})


def test_a_market_in_order_raises_nothing() -> None:
    assert judged(GOOD) == Verdict("casablanca", (), frozenset())


def test_a_closed_market_raises_nothing_and_ends_nothing() -> None:
    stale = replace(CLOSED, **silent_for(900), freshness=aged(900, "closed"), requests=failing(90))
    assert judged(stale) == Verdict("casablanca", (), frozenset(Key))


def test_a_stopped_pipeline_raises_all_that_is_wrong() -> None:
    assert keys(STOPPED) == ["not_running", "stale_data", "few_updates", "low_score"]


@pytest.mark.parametrize(
    ("situation", "key", "state"),
    [
        (changed(requests=failing(6)), "error_rate", "holds"),
        (changed(requests=failing(5)), "error_rate", "undecided"),
        (changed(requests=failing(3)), "error_rate", "clear"),
        (changed(requests=failing(9, total=9)), "error_rate", "undecided"),
        (changed(freshness=aged(6, "stale")), "stale_data", "holds"),
        (changed(freshness=aged(4, "warn")), "stale_data", "undecided"),
        (changed(freshness=aged(None, "never")), "stale_data", "undecided"),
        (changed(**silent_for(6)), "not_running", "holds"),
        (changed(**silent_for(5)), "not_running", "undecided"),
        (changed(**silent_for(2)), "not_running", "clear"),
        (changed(**silent_for(900), watched_minutes=1), "not_running", "clear"),
        (changed(runs=Runs(15, 7)), "few_updates", "holds"),
        (changed(runs=Runs(15, 15, failed=8)), "few_updates", "holds"),
        (changed(runs=Runs(15, 9)), "few_updates", "undecided"),
        (changed(runs=Runs(15, 12)), "few_updates", "clear"),
        (changed(runs=Runs(3, 0)), "few_updates", "undecided"),
    ],
)
def test_a_condition_begins_beyond_its_limit_and_ends_well_within(situation: Situation, key: str, state: str) -> None:
    verdict = "holds" if key in keys(situation) else "undecided" if key in undecided(situation) else "clear"
    assert verdict == state


def test_a_score_below_fifty_tells_every_lost_point() -> None:
    (low,) = [c for c in judged(STOPPED).holding if c.key is Key.LOW_SCORE]
    assert low.title == "health score is below 50"
    assert low.evidence.splitlines()[:2] == [
        "score 35 of 100",
        "-30 no cycle brings data: last cycle that brought a quote: at 2026-11-20 11:40 UTC; "
        "20 open minutes without one",
    ]


def test_a_condition_begins_where_the_evidence_says_it_began() -> None:
    since = {condition.key.value: condition.since for condition in judged(STOPPED).holding}
    assert since["not_running"] == NOW - timedelta(minutes=20)
    assert since["stale_data"] == NOW - timedelta(minutes=20)
    assert since["low_score"] == NOW


def test_an_error_rate_names_what_fails_most() -> None:
    (found,) = judged(changed(requests=failing(8))).holding
    assert found.title == "more than 5% of requests fail"
    assert found.evidence == (
        "error rate 8.0%: 8 of 100 requests failed (timeout 8), 0 of 15 runs failed, in the last 15 minutes"
    )
