from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from structlog.testing import capture_logs

from market_pipeline.alerts.channel import Channel
from market_pipeline.alerts.conditions import Key
from market_pipeline.alerts.life import AlertLife
from market_pipeline.alerts.post import Delivery
from market_pipeline.clock import HandClock
from market_pipeline.errors import StorageError
from market_pipeline_tests.alerts.desk import Board
from market_pipeline_tests.alerts.messages import LIVE, NOW, condition, verdict


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOW)


def life(folder: Path, clock: HandClock, *channels: Channel) -> AlertLife:
    """A life as a new process finds it."""
    return AlertLife(folder / "feed" / "alerts.sqlite", channels=channels, clock=clock, origin=LIVE)


def test_an_alert_fires_once_while_its_condition_lasts(tmp_path: Path, clock: HandClock, board: Board) -> None:
    alerts = life(tmp_path, clock, board)
    for _ in range(3):
        alerts.update(verdict(condition()))
        alerts.deliver()
        clock.advance(timedelta(minutes=1))
    assert board.subjects == ["ALERT casablanca: stale_data holds"]


def test_the_end_of_a_condition_is_told_with_its_duration(tmp_path: Path, clock: HandClock, board: Board) -> None:
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition(since=NOW - timedelta(minutes=5))))
    clock.advance(timedelta(minutes=7))
    alerts.update(verdict())
    alerts.deliver()
    assert board.subjects[1] == "RECOVERED casablanca: stale_data holds"
    assert (board.seen[1].since, board.seen[1].at) == (NOW - timedelta(minutes=5), NOW + timedelta(minutes=7))


def test_what_is_over_is_not_told_again_and_may_begin_anew(tmp_path: Path, clock: HandClock, board: Board) -> None:
    alerts = life(tmp_path, clock, board)
    for holding in ([condition()], [], [], [condition()]):
        alerts.update(verdict(*holding))
        clock.advance(timedelta(minutes=1))
    alerts.deliver()
    assert [text.split()[0] for text in board.subjects] == ["ALERT", "RECOVERED", "ALERT"]


def test_a_restart_neither_repeats_nor_forgets(tmp_path: Path, clock: HandClock, board: Board) -> None:
    first = life(tmp_path, clock, board)
    first.update(verdict(condition()))
    first.deliver()
    clock.advance(timedelta(minutes=2))
    life(tmp_path, clock, board).update(verdict(condition()))
    last = life(tmp_path, clock, board)
    last.update(verdict())
    last.deliver()
    assert [text.split()[0] for text in board.subjects] == ["ALERT", "RECOVERED"]


def test_an_undecided_condition_neither_begins_nor_ends(tmp_path: Path, clock: HandClock, board: Board) -> None:
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition()))
    assert alerts.update(verdict(undecided=frozenset(Key))) == ()
    assert [alert.key for alert in alerts.active("casablanca")] == ["stale_data"]


def test_what_begins_together_is_told_together_and_so_is_what_ends_together(
    tmp_path: Path, clock: HandClock, board: Board
) -> None:
    alerts = life(tmp_path, clock, board)
    earlier = NOW - timedelta(minutes=5)
    alerts.update(verdict(condition(), condition(Key.LOW_SCORE, since=earlier)))
    clock.advance(timedelta(minutes=10))
    alerts.update(verdict())
    alerts.deliver()
    assert board.subjects == [
        "ALERT casablanca: stale_data holds; low_score holds",
        "RECOVERED casablanca: stale_data holds; low_score holds",
    ]
    alert, recovery = board.seen
    assert (alert.evidence, alert.what_to_do) == ("stale_data holds: seen\nlow_score holds: seen", "act")
    assert (alert.since, recovery.since) == (earlier, earlier)
    assert alert.name == "alert.casablanca.stale_data+low_score.20261120T120000"


def test_markets_have_alerts_of_their_own_and_keys_that_begin_or_end_apart_too(
    tmp_path: Path, clock: HandClock, board: Board
) -> None:
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition(), condition(Key.LOW_SCORE)))
    alerts.update(verdict(condition(market="india"), market="india"))
    alerts.update(verdict(condition(), market="casablanca"))
    alerts.deliver()
    assert board.subjects == [
        "ALERT casablanca: stale_data holds; low_score holds",
        "ALERT india: stale_data holds",
        "RECOVERED casablanca: low_score holds",
    ]


def test_a_channel_that_was_down_gets_everything_once_and_in_order(
    tmp_path: Path, clock: HandClock, board: Board
) -> None:
    board.is_down = True
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition()))
    (down,) = alerts.deliver()
    alerts.update(verdict(condition(Key.LOW_SCORE)))
    alerts.deliver()
    board.is_down = False
    again = life(tmp_path, clock, board)
    assert again.deliver() == (Delivery("board", 3, 0, 0, None),)
    assert again.deliver() == (Delivery("board", 0, 0, 0, None),)
    assert (down.queued, down.error) == (
        1,
        "tried to pin a message: the board is down; it stays queued; lift the board",
    )
    assert board.subjects == [
        "ALERT casablanca: stale_data holds",
        "ALERT casablanca: low_score holds",
        "RECOVERED casablanca: stale_data holds",
    ]


def test_a_channel_that_is_down_does_not_hold_up_another(tmp_path: Path, clock: HandClock, board: Board) -> None:
    mute = Board("mute", is_down=True)
    alerts = life(tmp_path, clock, mute, board)
    alerts.update(verdict(condition()))
    alerts.deliver()
    alerts.deliver()
    assert len(board.seen) == 1
    mute.is_down = False
    alerts.deliver()
    assert (len(mute.seen), len(board.seen)) == (1, 1)


def test_a_refused_message_is_set_aside_and_the_next_ones_go_on(tmp_path: Path, clock: HandClock, board: Board) -> None:
    board.refuses = "stale"
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition()))
    alerts.update(verdict(condition(), condition(Key.LOW_SCORE)))
    with capture_logs() as logs:
        (result,) = alerts.deliver()
    assert result == Delivery("board", 1, 1, 0, None)
    assert board.subjects == ["ALERT casablanca: low_score holds"]
    assert logs[0]["event"] == "alert_refused"
    assert alerts.deliver() == (Delivery("board", 0, 0, 0, None),)


def test_a_failing_channel_is_an_error_once_and_a_warning_afterwards(
    tmp_path: Path, clock: HandClock, board: Board
) -> None:
    board.is_down = True
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition()))
    with capture_logs() as logs:
        for _ in range(3):
            alerts.deliver()
    assert [(line["log_level"], line["attempts"]) for line in logs] == [("error", 1), ("warning", 2), ("warning", 3)]


def test_the_status_shows_a_broken_notifier(tmp_path: Path, clock: HandClock, board: Board) -> None:
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition()))
    alerts.deliver()
    board.is_down = True
    clock.advance(timedelta(minutes=5))
    alerts.update(verdict())
    alerts.deliver()
    (status,) = alerts.status()
    assert (status.queued, status.oldest_queued, status.last_delivered) == (1, NOW + timedelta(minutes=5), NOW)
    assert status.last_error == "tried to pin a message: the board is down; it stays queued; lift the board"


def test_a_success_clears_the_channel_s_last_error(tmp_path: Path, clock: HandClock, board: Board) -> None:
    board.is_down = True
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition()))
    alerts.deliver()
    board.is_down = False
    alerts.deliver()
    assert alerts.status()[0].last_error is None


def test_nothing_is_sent_while_another_process_delivers(tmp_path: Path, clock: HandClock, board: Board) -> None:
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition()))
    with FileLock(tmp_path / "feed" / "alerts.sqlite.lock"):
        assert alerts.deliver() == ()
    alerts.deliver()
    assert len(board.seen) == 1


def test_a_heartbeat_comes_once_a_period_over_restarts(tmp_path: Path, clock: HandClock, board: Board) -> None:
    day = timedelta(days=1)
    sent = []
    for _ in range(4):
        sent.append(life(tmp_path, clock, board).heartbeat("3 markets, scores 100, 98, 100", every=day) is not None)
        clock.advance(timedelta(hours=12))
    assert sent == [True, False, True, False]


def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, clock: HandClock, board: Board) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed" / "alerts.sqlite").write_bytes(b"not a database " * 100)
    with pytest.raises(StorageError, match=r"alerts.sqlite: file is not a database; .* may be deleted"):
        life(tmp_path, clock, board)


def test_a_clock_that_stepped_back_gives_no_negative_duration(tmp_path: Path, clock: HandClock, board: Board) -> None:
    alerts = life(tmp_path, clock, board)
    alerts.update(verdict(condition(since=NOW + timedelta(hours=1))))
    (recovered,) = alerts.update(verdict())
    assert recovered.since == recovered.at


def test_the_alerts_of_an_older_ledger_go_on(tmp_path: Path, clock: HandClock, board: Board) -> None:
    (tmp_path / "feed").mkdir()
    with closing(sqlite3.connect(tmp_path / "feed" / "alerts.sqlite")) as connection:
        connection.execute("CREATE TABLE active (market TEXT, key TEXT, title TEXT NOT NULL, since TEXT NOT NULL)")
        row = ("casablanca", "stale_data", "data is stale", (NOW - timedelta(minutes=5)).isoformat())
        connection.execute("INSERT INTO active VALUES (?, ?, ?, ?)", row)
        connection.commit()
    alerts = life(tmp_path, clock, board)
    assert alerts.update(verdict(condition())) == ()
    (recovered,) = alerts.update(verdict())
    assert recovered.since == NOW - timedelta(minutes=5)
