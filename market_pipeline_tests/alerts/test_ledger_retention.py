"""What the alerts' file forgets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from market_pipeline.alerts.alert import Silence
from market_pipeline.alerts.ledger import Ledger
from market_pipeline.clock import HandClock
from market_pipeline_tests.alerts.desk import AlertDesk, wrong
from market_pipeline_tests.alerts.messages import NOW, message

YEAR = timedelta(days=365)


def ledger_of(desk: AlertDesk) -> Ledger:
    return Ledger(desk.folder / "alerts.sqlite")


def numbers(desk: AlertDesk) -> list[int]:
    with ledger_of(desk).change() as change:
        rows = change._connection.execute("SELECT number FROM alerts ORDER BY number").fetchall()
    return [number for (number,) in rows]


def ended_alert(tmp_path: Path) -> AlertDesk:
    """One alert that was told, ended, told over and shown in the table; and one that is on."""
    desk = AlertDesk(tmp_path, clock=HandClock(NOW))
    desk.look(wrong(market="us"), wrong(market="india"))
    desk.clock.advance(timedelta(hours=1))
    desk.look(wrong(market="india"), markets="us")
    ledger = ledger_of(desk)
    ledger.note_published(ledger.unpublished())
    return desk


def test_an_alert_goes_a_year_after_its_end_with_who_was_told_and_one_that_is_on_never(tmp_path: Path) -> None:
    desk = ended_alert(tmp_path)
    ended = NOW + timedelta(hours=1)
    assert ledger_of(desk).forget_ended(ended) == 0
    assert ledger_of(desk).forget_ended(ended + YEAR) == 1
    assert numbers(desk) == [2]
    with ledger_of(desk).change() as change:
        assert change._connection.execute("SELECT DISTINCT alert FROM told_to").fetchall() == [(2,)]


def test_an_end_that_nobody_was_told_of_or_that_the_table_does_not_show_yet_stays(tmp_path: Path) -> None:
    desk = AlertDesk(tmp_path, clock=HandClock(NOW))
    desk.look(wrong())
    desk.board.is_down = True
    desk.clock.advance(timedelta(hours=1))
    desk.look(markets="us")
    ledger = ledger_of(desk)
    ledger.note_published(ledger.unpublished())
    assert ledger.forget_ended(NOW + YEAR) == 0
    desk.board.is_down = False
    desk.life.deliver()
    assert ledger.forget_ended(NOW + YEAR) == 0
    ledger.note_published(ledger.unpublished())
    assert ledger.forget_ended(NOW + YEAR) == 1


def test_a_silence_goes_with_the_alerts_of_its_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "alerts.sqlite")
    with ledger.change() as change:
        for hours in (1, 48):
            change.silence(Silence(0, "us", NOW, NOW + timedelta(hours=hours), "new symbols"))
    ledger.forget_ended(NOW + timedelta(hours=2))
    with ledger.change() as change:
        assert [silence.number for silence in change.silences()] == [2]


def test_only_messages_that_a_channel_refused_long_ago_are_forgotten(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "alerts.sqlite")
    with ledger.change() as change:
        for days in (40, 40, 5):
            change.queue(message(at=NOW - timedelta(days=days)), ["slack"])
    old_refused, _, new_refused = (queued.number for queued in ledger.queued("slack"))
    ledger.set_aside(old_refused, "invalid_payload")
    ledger.set_aside(new_refused, "invalid_payload")
    limit = NOW - timedelta(days=30)
    assert (ledger.forget_refused(limit), ledger.forget_refused(limit)) == (1, 0)
    assert len(ledger.queued("slack")) == 1
    assert ledger.forget_refused(NOW) == 1
