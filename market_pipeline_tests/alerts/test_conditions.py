from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from market_pipeline.alerts.conditions import CalendarEnd, Disk, Key, Verdict, conditions, platform_conditions
from market_pipeline.markets.schema import AlertLimits
from market_pipeline.quality.coverage import Coverage
from market_pipeline.quality.disputes import Dispute
from market_pipeline.quality.health import score
from market_pipeline.quality.situation import (
    Budget,
    Burn,
    LostGap,
    OpenBreaker,
    Requests,
    Runs,
    Situation,
    Surroundings,
)
from market_pipeline_tests.quality import situations
from market_pipeline_tests.quality.situations import CLOSED, GOOD, NOW, STOPPED, aged, silent_for, tier_1


def judged(situation: Situation) -> Verdict:
    return conditions(situation, score(situation))


def keys(situation: Situation) -> list[str]:
    return [condition.key.value for condition in judged(situation).holding]


def undecided(situation: Situation) -> set[str]:
    return {key.value for key in judged(situation).undecided}


def changed(**change: Any) -> Situation:
    return replace(GOOD, **change)


def failing(failed: int, total: int = 100, **change: str) -> Requests:
    return situations.failing(failed, total, **change)


def test_a_market_in_order_raises_nothing() -> None:
    unknown = frozenset({Key.TIER_1_OLD, Key.LOW_COVERAGE, Key.BUDGET_EXHAUSTED, Key.ERROR_BUDGET_BURNS})
    assert judged(GOOD) == Verdict("casablanca", (), unknown)


def test_a_closed_market_raises_nothing_and_ends_nothing() -> None:
    stale = replace(CLOSED, **silent_for(900), freshness=aged(900, "closed"), requests=failing(90))
    assert judged(stale) == Verdict("casablanca", (), frozenset(Key))


def test_a_stopped_pipeline_raises_all_that_is_wrong() -> None:
    assert keys(STOPPED) == ["not_running", "stale_data", "few_updates", "low_score"]


def fresh(of_20: int) -> Coverage:
    return Coverage(1, of_20, 20, {"timeout": 20 - of_20})


def disputed(minutes: float) -> tuple[Dispute, ...]:
    since = NOW - timedelta(minutes=minutes)
    return (Dispute("ATW", 458.3, since, 480.0, 502.0, "wafa_bourse", "casablanca_bourse"),)


def around(**change: Any) -> Situation:
    return changed(surroundings=Surroundings(**change))


def burning(fast: float | None, slow: float | None) -> Situation:
    return around(burns=(Burn(1, 1200, 1100, fast, 14.4), Burn(6, 7200, 7000, slow, 6)))


def gap(minutes: int) -> LostGap:
    return LostGap("ATW", NOW - timedelta(minutes=40), minutes, "process_down", "no source keeps minutes")


TABLE = [
    # situation, key, what becomes of it
    (changed(requests=failing(6)), "error_rate", "holds"),
    (changed(requests=failing(5)), "error_rate", "undecided"),
    (changed(requests=failing(3)), "error_rate", "clear"),
    (changed(requests=failing(9, total=9)), "error_rate", "undecided"),
    (changed(requests=failing(4, total=20)), "error_rate", "undecided"),
    (changed(requests=failing(5, total=20)), "error_rate", "holds"),
    (changed(freshness=aged(6, "stale")), "stale_data", "holds"),
    (changed(freshness=aged(4, "warn")), "stale_data", "undecided"),
    (changed(freshness=aged(None, "never")), "stale_data", "undecided"),
    (changed(**silent_for(2.5)), "not_running", "holds"),
    (changed(**silent_for(2)), "not_running", "undecided"),
    (changed(**silent_for(1.5)), "not_running", "clear"),
    (changed(**silent_for(900), watched_minutes=0.9), "not_running", "clear"),
    (changed(**silent_for(900), watched_minutes=5), "not_running", "undecided"),
    (changed(**silent_for(900), watched_minutes=5.1), "not_running", "holds"),
    (changed(**silent_for(900), watched_minutes=1, saw_opening=True), "not_running", "clear"),
    (changed(**silent_for(900), watched_minutes=1.1, saw_opening=True), "not_running", "holds"),
    (changed(**silent_for(6), quote_interval_minutes=5), "not_running", "undecided"),
    (changed(**silent_for(6.1), quote_interval_minutes=5), "not_running", "holds"),
    (changed(tiers=tier_1(6)), "tier_1_old", "holds"),
    (changed(tiers=tier_1(5)), "tier_1_old", "undecided"),
    (changed(tiers=tier_1(2)), "tier_1_old", "clear"),
    (GOOD, "tier_1_old", "undecided"),
    (changed(runs=Runs(15, 7)), "few_updates", "holds"),
    (changed(runs=Runs(15, 15, failed=8)), "few_updates", "holds"),
    (changed(runs=Runs(15, 9)), "few_updates", "undecided"),
    (changed(runs=Runs(15, 12)), "few_updates", "clear"),
    (changed(runs=Runs(3, 0)), "few_updates", "undecided"),
    (changed(coverage=(fresh(9),)), "low_coverage", "holds"),
    (changed(coverage=(fresh(17),)), "low_coverage", "undecided"),
    (changed(coverage=(fresh(18),)), "low_coverage", "clear"),
    (changed(coverage=(fresh(9),), watched_minutes=9), "low_coverage", "undecided"),
    (changed(disputes=disputed(5)), "sources_disagree", "holds"),
    (changed(disputes=disputed(4.9)), "sources_disagree", "undecided"),
    (GOOD, "sources_disagree", "clear"),
    (around(breakers=(OpenBreaker("dhan", "Timeout", NOW),)), "breaker_open", "holds"),
    (GOOD, "breaker_open", "clear"),
    (around(budgets=(Budget("dhan", 11, 20),)), "budget_exhausted", "holds"),
    (around(budgets=(Budget("dhan", 10, 20),)), "budget_exhausted", "undecided"),
    (around(budgets=(Budget("dhan", 4, 20),)), "budget_exhausted", "clear"),
    (GOOD, "budget_exhausted", "undecided"),
    (changed(requests=failing(1, status="unauthorised")), "token_rejected", "holds"),
    (changed(requests=failing(1)), "token_rejected", "clear"),
    (changed(requests=Requests()), "token_rejected", "undecided"),
    (around(lost_gaps=(gap(10),)), "gap_unhealable", "holds"),
    (around(lost_gaps=(gap(9),)), "gap_unhealable", "clear"),
    (burning(15, 7), "error_budget_burns", "holds"),
    (burning(15, 5), "error_budget_burns", "undecided"),
    (burning(14, 7), "error_budget_burns", "clear"),
    (burning(None, 7), "error_budget_burns", "undecided"),
]


@pytest.mark.parametrize(("situation", "key", "state"), TABLE)
def test_a_condition_begins_beyond_its_limit_and_ends_well_within(situation: Situation, key: str, state: str) -> None:
    verdict = "holds" if key in keys(situation) else "undecided" if key in undecided(situation) else "clear"
    assert verdict == state


def test_every_key_of_a_market_is_in_the_table() -> None:
    of_the_platform = {"calendar_ends", "disk_low"}
    assert {key for _, key, _ in TABLE} | {"low_score"} == {key.value for key in Key} - of_the_platform


def test_every_condition_says_what_to_do_and_names_the_run_that_shows_it() -> None:
    everything = replace(
        STOPPED,
        runs=Runs(15, 3, failed=3, last_id="run-9", failed_ids=("run-9",)),
        requests=failing(50, status="unauthorised"),
        tiers=tier_1(20),
        coverage=(fresh(2),),
        disputes=disputed(9),
        surroundings=Surroundings(
            breakers=(OpenBreaker("dhan", "Timeout", None),),
            budgets=(Budget("dhan", 20, 20),),
            lost_gaps=(gap(30),),
            burns=burning(20, 20).surroundings.burns,
        ),
    )
    found = judged(everything).holding
    assert len(found) == len(Key) - 2
    assert [condition.key for condition in found if condition.run_id != "run-9"] == [Key.GAP_UNHEALABLE]
    assert all(condition.what_to_do and condition.evidence and condition.since <= NOW for condition in found)


def test_an_opening_that_brought_nothing_is_told_as_such() -> None:
    (found,) = judged(changed(**silent_for(2), watched_minutes=1.5, saw_opening=True)).holding
    assert found.title == "the opening brought nothing"
    assert found.since == NOW - timedelta(minutes=1.5)


def test_limits_come_from_the_markets_file() -> None:
    patient = AlertLimits(silent_minutes=30, silent_minutes_clear=20)
    assert conditions(changed(**silent_for(8)), score(GOOD), limits=patient).holding == ()


def on_disk(free: float | None, at: datetime = NOW) -> Verdict:
    bytes_free = None if free is None else int(free * 1e9)
    return platform_conditions(at, disk=Disk("data", bytes_free), calendars=())


def test_a_nearly_full_disk_is_told_for_all_markets_and_clear_with_some_room() -> None:
    (low,) = on_disk(4.9).holding
    assert (low.market, low.key) == ("all", Key.DISK_LOW)
    assert low.evidence == "4.9 GB free in data (limit 5 GB)"
    assert on_disk(5.5) == Verdict("all", (), frozenset({Key.DISK_LOW}))
    assert on_disk(6.1) == Verdict("all", (), frozenset())
    assert on_disk(None).undecided == {Key.DISK_LOW}


def test_one_message_names_every_calendar_that_ends_soon() -> None:
    ends = [
        CalendarEnd("saudi", 59, 60, "saudi ends"),
        CalendarEnd("us", 60, 60, ""),
        CalendarEnd("india", -3, 60, "it ended"),
    ]
    (found,) = platform_conditions(NOW, disk=Disk("data", None), calendars=ends).holding
    assert found.title == "published holidays end soon: saudi, india"
    assert found.evidence == "saudi ends\nit ended"


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
        "error rate 8.0%: 8 of 100 requests failed (timeout 8), 0 of 15 runs failed, in the last 15 minutes\n"
        "wafa_bourse: 8 of all 100 requests failed (timeout 8), in the last 15 minutes; ATW, IAM"
    )
