"""An alert that lasts is repeated by a schedule, and in the end goes to more people."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from market_pipeline.alerts.conditions import Key
from market_pipeline.alerts.policy import Policy
from market_pipeline.alerts.severity import Severity
from market_pipeline_tests.alerts.desk import MINUTE, AlertDesk, down, wrong

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(tmp_path: Path) -> AlertDesk:
    return AlertDesk(tmp_path, Policy(escalate_after=None))


def test_a_lasting_alert_is_repeated_after_15_minutes_an_hour_four_hours_and_then_daily(desk: AlertDesk) -> None:
    told = []
    for quarters in range(4 * 24 * 3):
        told += [(quarters / 4, line) for line in desk.look(wrong())]
        desk.clock.advance(15 * MINUTE)
    assert [hours for hours, _ in told] == [0, 0.25, 1, 4, 24, 48]
    assert [line for _, line in told] == ["ALERT us: stale_data holds"] + ["STILL ON us: stale_data holds"] * 5


def test_a_repeat_shows_the_evidence_of_now(desk: AlertDesk) -> None:
    desk.look(down("us"))
    desk.clock.advance(20 * MINUTE)
    desk.look(down("us"), down("saudi"))
    assert desk.board.seen[-1].evidence == "us: 24 of 24 requests failed\nsaudi: 24 of 24 requests failed"


def test_repeats_that_fell_into_our_own_absence_come_once(desk: AlertDesk) -> None:
    desk.look(wrong())
    desk.clock.advance(5 * HOUR)
    assert desk.look(wrong()) == ["STILL ON us: stale_data holds"]
    assert desk.pass_minutes(60, wrong()) == []


def test_what_cannot_be_judged_is_not_repeated(desk: AlertDesk) -> None:
    desk.look(wrong())
    desk.clock.advance(2 * HOUR)
    assert desk.look(markets="us", undecided=frozenset(Key)) == []
    assert desk.look(wrong()) == ["STILL ON us: stale_data holds"]


def test_without_spans_nothing_is_repeated(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path, Policy((), escalate_after=None))
    desk.look(wrong())
    desk.clock.advance(100 * HOUR)
    assert desk.look(wrong()) == []


def test_an_alert_that_begins_anew_has_its_repeats_anew(desk: AlertDesk) -> None:
    desk.look(wrong())
    desk.clock.advance(10 * MINUTE)
    desk.look(markets="us")
    desk.look(wrong())
    assert desk.pass_minutes(14, wrong()) == []
    assert desk.pass_minutes(1, wrong()) == [(25, "STILL ON us: stale_data holds")]


def test_an_alert_escalates_once_as_critical_and_so_does_its_recovery(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path, Policy(escalate_after=30 * MINUTE))
    desk.look(wrong())
    told = desk.pass_minutes(65, wrong())
    assert told == [
        (15, "STILL ON us: stale_data holds"),
        (30, "ESCALATED us: stale_data holds"),
        (60, "STILL ON us: stale_data holds"),
    ]
    desk.look(markets="us")
    severities = [(message.severity, message.is_escalated) for message in desk.board.seen]
    assert severities[:2] == [(Severity.WARNING, False)] * 2
    assert severities[2:] == [(Severity.CRITICAL, True)] * 3


def test_an_escalation_takes_the_place_of_a_repeat_of_the_same_minute(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path, Policy(escalate_after=HOUR))
    desk.look(wrong())
    assert desk.pass_minutes(61, wrong())[-1] == (60, "ESCALATED us: stale_data holds")
