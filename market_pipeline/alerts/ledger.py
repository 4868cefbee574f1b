"""What the alerts remember, in one small SQLite file: what is on, what is queued, how each channel does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from market_pipeline.alerts.alert import AlertRecord
from market_pipeline.alerts.change import Change, columns_of, read_alert
from market_pipeline.alerts.message import Message, from_json
from market_pipeline.errors import StorageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, market TEXT NOT NULL, key TEXT NOT NULL, cause TEXT NOT NULL,
    title TEXT NOT NULL, severity TEXT NOT NULL, since TEXT NOT NULL, noticed TEXT NOT NULL, evidence TEXT NOT NULL,
    what_to_do TEXT NOT NULL, run_id TEXT NOT NULL, ended TEXT, told TEXT, escalated TEXT, end_told TEXT,
    revision INTEGER NOT NULL DEFAULT 1, published INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS one_is_on ON alerts (market, key) WHERE ended IS NULL;
CREATE TABLE IF NOT EXISTS told_groups (name TEXT PRIMARY KEY, told TEXT NOT NULL, repeats INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS silences (
    number INTEGER PRIMARY KEY AUTOINCREMENT, market TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL,
    reason TEXT NOT NULL, ended TEXT);
CREATE TABLE IF NOT EXISTS held (
    number INTEGER PRIMARY KEY AUTOINCREMENT, message TEXT NOT NULL, alerts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS queue (
    number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, message TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, refused TEXT);
CREATE TABLE IF NOT EXISTS queued_alerts (entry INTEGER NOT NULL, alert INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS told_to (alert INTEGER NOT NULL, channel TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS channels (name TEXT PRIMARY KEY, last_delivered TEXT, last_error TEXT);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_FROM_FIRST_VERSION = """
INSERT INTO alerts (market, key, cause, title, severity, since, noticed, evidence, what_to_do, run_id, told)
    SELECT market, key, '', title, 'warning', since, since, '', '', '', since FROM active;
INSERT INTO told_groups SELECT DISTINCT 'market:' || market, min(since), 0 FROM active GROUP BY market;
DROP TABLE active;
"""


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that waits for its channel."""

    number: int
    message: Message


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel does. `last_error` is None once a delivery has succeeded again."""

    channel: str
    queued: int
    oldest_queued: datetime | None
    last_delivered: datetime | None
    last_error: str | None


class Ledger:
    """The file. Every call opens and closes it, so any process may look at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failure(error) from error
        with self._connect() as connection:
            connection.executescript(_SCHEMA)
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'active'").fetchone():
                connection.executescript(f"BEGIN IMMEDIATE; {_FROM_FIRST_VERSION} COMMIT;")

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Open a transaction; it is rolled back when the body raises. Raises StorageError."""
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Change(connection)
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def queued(self, channel: str) -> tuple[Queued, ...]:
        """Return what waits for `channel`, in the order in which it was queued."""
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT number, message FROM queue WHERE channel = ? AND refused IS NULL ORDER BY number", (channel,)
            ).fetchall()
        return tuple(Queued(number, from_json(text)) for number, text in rows)

    def note_delivery(self, number: int, channel: str, at: datetime) -> None:
        """Take a delivered message off the queue."""
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            _note_who_was_told(connection, number, channel, at=at)
            connection.execute("DELETE FROM queue WHERE number = ?", (number,))
            connection.execute("INSERT OR REPLACE INTO channels VALUES (?, ?, NULL)", (channel, at.isoformat()))
            connection.commit()

    def note_failure(self, number: int, channel: str, error: str) -> int:
        """Keep a message queued and return how often it was tried."""
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE queue SET attempts = attempts + 1 WHERE number = ?", (number,))
            connection.execute(
                "INSERT INTO channels VALUES (?, NULL, ?)"
                " ON CONFLICT (name) DO UPDATE SET last_error = excluded.last_error",
                (channel, error),
            )
            attempts = connection.execute("SELECT attempts FROM queue WHERE number = ?", (number,)).fetchone()
            connection.commit()
        return int(attempts[0])

    def set_aside(self, number: int, reason: str) -> None:
        """Keep a message that its channel will never take, with the reason, out of the queue."""
        with self._connect() as connection:
            connection.execute("UPDATE queue SET refused = ? WHERE number = ?", (reason, number))

    def forget_refused(self, before: datetime) -> int:
        """Delete messages that were set aside and are older than `before`; return how many."""
        with self._connect() as connection:
            refused = connection.execute("SELECT number, message FROM queue WHERE refused IS NOT NULL").fetchall()
            old = [(number,) for number, text in refused if from_json(text).at < before]
            connection.executemany("DELETE FROM queue WHERE number = ?", old)
        return len(old)

    def forget_ended(self, before: datetime) -> int:
        """Delete alerts that were over before `before`, and silences likewise; return how many alerts.

        One whose end is still to be told or shown in the table of alerts stays.
        """
        limit = before.isoformat()
        old = (
            "SELECT number FROM alerts WHERE ended < ? AND (told IS NULL OR end_told IS NOT NULL)"
            " AND published >= revision AND number NOT IN (SELECT alert FROM queued_alerts)"
        )
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"DELETE FROM told_to WHERE alert IN ({old})", (limit,))  # noqa: S608 - our own words
            gone = connection.execute(f"DELETE FROM alerts WHERE number IN ({old})", (limit,)).rowcount  # noqa: S608
            connection.execute("DELETE FROM silences WHERE coalesce(ended, until) < ?", (limit,))
            connection.commit()
        return gone

    def status(self, channel: str) -> ChannelStatus:
        """Return how `channel` does."""
        queued = self.queued(channel)
        with self._connect() as connection:
            row = connection.execute(
                "SELECT last_delivered, last_error FROM channels WHERE name = ?", (channel,)
            ).fetchone()
        delivered, error = row or (None, None)
        oldest = queued[0].message.at if queued else None
        return ChannelStatus(channel, len(queued), oldest, _moment(delivered) if delivered else None, error)

    def unpublished(self, *, limit: int = 1_000) -> tuple[AlertRecord, ...]:
        """Return the alerts that have changed since the table of alerts was last written, oldest first."""
        sql = (
            f"SELECT {columns_of('a')}, revision, group_concat(DISTINCT channel), count(at) FROM alerts AS a"  # noqa: S608
            " LEFT JOIN told_to ON alert = number WHERE published < revision GROUP BY number ORDER BY number LIMIT ?"
        )
        with self._connect() as connection:
            rows = connection.execute(sql, (limit,)).fetchall()
        return tuple(_record(row) for row in rows)

    def note_published(self, records: Sequence[AlertRecord]) -> None:
        """Note that the table of alerts shows these."""
        rows = [(record.revision, record.alert.number) for record in records]
        with self._connect() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("UPDATE alerts SET published = ? WHERE number = ?", rows)
            connection.commit()

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StorageError:
        return StorageError(
            f"tried to use the alerts' file {self._path}: {error}; a retry does not help unless the disk was full; "
            "free space or correct the folder's rights; a damaged file may be deleted: what is wrong then fires again"
        )


def _note_who_was_told(connection: sqlite3.Connection, entry: int, channel: str, *, at: datetime) -> None:
    numbers = connection.execute("SELECT alert FROM queued_alerts WHERE entry = ?", (entry,)).fetchall()
    for (number,) in numbers:
        connection.execute("INSERT INTO told_to VALUES (?, ?, ?)", (number, channel, at.isoformat()))
        connection.execute("UPDATE alerts SET revision = revision + 1 WHERE number = ?", (number,))
    connection.execute("DELETE FROM queued_alerts WHERE entry = ?", (entry,))


def _record(row: Sequence[Any]) -> AlertRecord:
    *columns, revision, channels, messages = row
    return AlertRecord(
        read_alert(columns), revision, tuple(sorted((channels or "").split(","))) if channels else (), messages
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
