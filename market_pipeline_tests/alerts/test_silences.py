"""Quiet hours and maintenance: nothing is lost, and nobody is called without need."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from market_pipeline.alerts.conditions import Key
from market_pipeline.alerts.policy import Policy
from market_pipeline.errors import UsageError
from market_pipeline.model.quiet_hours import parse_quiet_hours
from market_pipeline_tests.alerts.desk import MINUTE, AlertDesk, down, wrong
from market_pipeline_tests.alerts.messages import NOW

HOUR = timedelta(hours=1)
NIGHT = parse_quiet_hours("11:30-13:00")
"""Around NOW, which is 12:00 UTC."""


@pytest.fixture
def desk(tmp_path: Path) -> AlertDesk:
    return AlertDesk(tmp_path)


@pytest.fixture
def sleeper(tmp_path: Path) -> AlertDesk:
    return AlertDesk(tmp_path, Policy(escalate_after=None, quiet_elsewhere=NIGHT))


def test_what_is_not_critical_is_told_in_one_summary_after_quiet_hours(sleeper: AlertDesk) -> None:
    sleeper.look(wrong(), wrong(Key.LOW_SCORE, "india"))
    sleeper.clock.advance(20 * MINUTE)
    assert sleeper.look(wrong(), markets="india") == []
    sleeper.clock.advance(40 * MINUTE)
    assert sleeper.look(wrong(), markets="india") == [
        "SUMMARY us, india: 3 messages held back in quiet hours, 1 still on"
    ]
    assert sleeper.board.seen[0].evidence.splitlines() == [
        "2026-11-20 12:00 ALERT us: stale_data holds",
        "2026-11-20 12:00 ALERT india: low_score holds",
        "2026-11-20 12:20 RECOVERED india: low_score holds",
        "still on: us: stale_data holds",
    ]


def test_what_is_critical_is_told_in_quiet_hours_and_so_is_its_end(sleeper: AlertDesk) -> None:
    assert sleeper.look(wrong(is_critical=True)) == ["ALERT us: stale_data holds"]
    assert sleeper.look(markets="us") == ["RECOVERED us: stale_data holds"]


def test_an_alert_that_escalates_in_quiet_hours_wakes_somebody(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path, Policy(escalate_after=30 * MINUTE, quiet_elsewhere=NIGHT))
    desk.look(wrong())
    assert desk.pass_minutes(30, wrong()) == [(30, "ESCALATED us: stale_data holds")]


def test_a_repeat_in_quiet_hours_is_left_out(sleeper: AlertDesk) -> None:
    sleeper.clock.at = NOW - HOUR
    sleeper.look(wrong())
    told = sleeper.pass_minutes(130, wrong())
    assert told == [(-45, "STILL ON us: stale_data holds")]


def test_a_market_s_own_quiet_hours_win(tmp_path: Path) -> None:
    always = parse_quiet_hours("20:00-21:00")
    desk = AlertDesk(tmp_path, Policy(quiet={"india": always}, quiet_elsewhere=NIGHT))
    assert desk.look(wrong(), wrong(market="india")) == ["ALERT india: stale_data holds"]


def test_an_outage_is_held_only_where_it_is_quiet_in_all_its_markets(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path, Policy(quiet={"us": NIGHT}))
    assert desk.look(down("us"), down("india")) == ["ALERT us, india: yahoo does not answer"]


@pytest.mark.parametrize(
    ("hours", "at", "is_quiet"),
    [
        ("22:00-07:00", "2026-11-20 21:59+00:00", False),
        ("22:00-07:00", "2026-11-20 22:00+00:00", True),
        ("22:00-07:00", "2026-11-21 06:59+00:00", True),
        ("22:00-07:00", "2026-11-21 07:00+00:00", False),
        ("12:00-13:00 Asia/Kolkata", "2026-11-20 06:30+00:00", True),
        ("12:00-13:00 Asia/Kolkata", "2026-11-20 12:30+00:00", False),
    ],
)
def test_quiet_hours_are_local_and_may_cross_midnight(hours: str, at: str, is_quiet: bool) -> None:
    from datetime import datetime

    found = parse_quiet_hours(hours)
    assert found is not None
    assert found.covers(datetime.fromisoformat(at)) is is_quiet


def test_during_a_silence_nothing_is_told_and_all_is_recorded(desk: AlertDesk) -> None:
    desk.life.silence(lasting=2 * HOUR, reason="new disk")
    assert desk.look(wrong(), wrong(market="india")) == []
    assert desk.pass_minutes(20, wrong(), markets="india") == []
    assert [(record.alert.market, record.alert.is_on) for record in desk.life.unpublished()] == [
        ("us", True),
        ("india", False),
    ]


def test_what_still_holds_when_a_silence_ends_is_told_and_what_is_over_is_not(desk: AlertDesk) -> None:
    desk.life.silence(lasting=HOUR, reason="new disk")
    desk.look(wrong(), wrong(market="india"))
    desk.look(wrong(), markets="india")
    desk.clock.advance(HOUR)
    assert desk.look(wrong(), markets="india") == ["ALERT us: stale_data holds"]
    assert desk.board.seen[0].since == NOW


def test_a_recovery_in_a_silence_is_told_afterwards_to_those_who_know_of_the_alert(desk: AlertDesk) -> None:
    desk.look(wrong())
    desk.clock.advance(10 * MINUTE)
    desk.life.silence(lasting=HOUR, reason="new disk")
    assert desk.look(markets="us") == []
    desk.clock.advance(HOUR)
    assert desk.look(markets="us") == ["RECOVERED us: stale_data holds"]
    assert desk.board.seen[-1].at == NOW + 10 * MINUTE


def test_a_silence_of_one_market_leaves_the_others_their_voice(desk: AlertDesk) -> None:
    desk.life.silence("us", lasting=HOUR, reason="new symbols")
    assert desk.look(down("us"), down("india"), wrong()) == ["ALERT india: yahoo does not answer"]


def test_a_silence_can_be_ended_before_its_time(desk: AlertDesk) -> None:
    silence = desk.life.silence(lasting=HOUR, reason="new disk")
    desk.look(wrong())
    assert [(found.number, found.reason) for found in desk.life.silences()] == [(silence.number, "new disk")]
    desk.life.end_silence(silence.number)
    assert desk.life.silences() == ()
    assert desk.look(wrong()) == ["ALERT us: stale_data holds"]


def test_a_silence_that_is_not_there_cannot_be_ended(desk: AlertDesk) -> None:
    with pytest.raises(UsageError, match=r"wanted to end silence 7, and those that last are: none; a retry does not"):
        desk.life.end_silence(7)


def test_repeats_and_escalation_keep_silent_too(desk: AlertDesk) -> None:
    desk.look(wrong())
    desk.life.silence(lasting=2 * HOUR, reason="new disk")
    assert desk.pass_minutes(119, wrong()) == []
    assert desk.pass_minutes(2, wrong()) == [(120, "ESCALATED us: stale_data holds")]
