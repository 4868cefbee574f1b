"""The machinery, judged from outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from market_pipeline.alerts.platform import Part, PlatformKey, PlatformSituation, platform_verdict
from market_pipeline.alerts.severity import Severity
from market_pipeline_tests.alerts.messages import NOW

MINUTE = timedelta(minutes=1)
GOOD = PlatformSituation(
    at=NOW,
    watched_since=NOW - 60 * MINUTE,
    shift=timedelta(days=1),
    is_any_open=True,
    newest_tick=NOW - MINUTE / 2,
    newest_look=NOW - MINUTE,
    heartbeats={"SCHEDULER": NOW - MINUTE / 4},
    parts=[Part("daemon", 17)],
)


def judged(**change: object) -> tuple[list[str], list[str]]:
    """Return the keys that hold and those that are undecided."""
    verdict = platform_verdict(replace(GOOD, **change))  # type: ignore[arg-type]
    return [str(c.key) for c in verdict.holding], sorted(str(key) for key in verdict.undecided)


def test_all_is_in_order() -> None:
    assert judged() == ([], [])


def test_two_minutes_without_a_tick_are_a_silent_daemon() -> None:
    assert judged(newest_tick=NOW - 2 * MINUTE) == ([], ["daemon_silent"])
    assert judged(newest_tick=NOW - 2 * MINUTE - MINUTE / 60) == (["daemon_silent"], [])


def test_a_silent_daemon_is_critical_and_says_since_when_by_the_feed_s_clock() -> None:
    (condition,) = platform_verdict(replace(GOOD, newest_tick=NOW - 5 * MINUTE)).holding
    assert (condition.severity, condition.cause, condition.market) == (Severity.CRITICAL, "dagster", "platform")
    assert condition.since == NOW - 5 * MINUTE + timedelta(days=1)
    assert condition.evidence == (
        "no schedule ticked for 5 min (last: 2026-11-20 11:55 machine time; limit 2 min); "
        "heartbeats: SCHEDULER 11:59:45"
    )


def test_a_daemon_that_never_ticked_is_silent_since_we_look() -> None:
    assert judged(newest_tick=None, watched_since=NOW - MINUTE) == ([], ["daemon_silent"])
    assert judged(newest_tick=None, watched_since=NOW - 3 * MINUTE) == (["daemon_silent"], [])


def test_a_watchdog_that_has_just_begun_calls_nothing_out_and_ends_nothing() -> None:
    silent = {"newest_tick": NOW - 30 * MINUTE, "newest_look": NOW - 30 * MINUTE, "watched_since": NOW}
    assert judged(**silent) == ([], ["daemon_silent", "health_silent"])


def test_while_no_market_is_open_silence_is_not_called_out() -> None:
    assert judged(newest_tick=NOW - 9 * MINUTE, is_any_open=False) == ([], ["daemon_silent"])
    assert judged(is_any_open=False) == ([], [])


def test_four_minutes_without_a_look_at_health_are_told() -> None:
    assert judged(newest_look=NOW - 4 * MINUTE) == ([], ["health_silent"])
    assert judged(newest_look=NOW - 5 * MINUTE) == (["health_silent"], [])


def test_a_part_that_ended_is_told_of_for_five_minutes() -> None:
    part = Part("webserver", 18, [NOW - 5 * MINUTE + MINUTE / 60], "SIGKILL", "so far")
    (condition,) = platform_verdict(replace(GOOD, parts=[part])).holding
    assert (condition.title, condition.severity) == ("webserver ended and was started again", Severity.WARNING)
    assert condition.evidence == "webserver ended by SIGKILL; its last words: so far"
    assert judged(parts=[replace(part, ends=[NOW - 5 * MINUTE])]) == ([], [])


def test_each_part_that_ends_is_an_alert_of_its_own() -> None:
    parts = [Part("webserver", 18, [NOW], "SIGKILL"), Part("daemon", None, [NOW], "SIGKILL")]
    assert judged(parts=parts) == (["part_ended.webserver", "part_ended.daemon"], [])


@pytest.mark.parametrize(("minutes", "severity"), [((9, 5, 1), Severity.CRITICAL), ((11, 5, 1), Severity.WARNING)])
def test_a_part_that_keeps_ending_is_critical(minutes: tuple[int, ...], severity: Severity) -> None:
    part = Part("daemon", 18, [NOW - minute * MINUTE for minute in minutes], "code 1", "no port")
    (condition,) = platform_verdict(replace(GOOD, parts=[part])).holding
    assert condition.key == f"{PlatformKey.PART_ENDED}.daemon"
    assert condition.severity is severity
    assert condition.title.startswith("daemon keeps ending") is (severity is Severity.CRITICAL)
