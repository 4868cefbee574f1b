"""What the alerts remember, in one small SQLite file: what is on, what is queued, how each channel does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from market_pipeline.alerts.message import Message, from_json, to_json
from market_pipeline.errors import StorageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS active (
    market TEXT, key TEXT, title TEXT NOT NULL, since TEXT NOT NULL, PRIMARY KEY (market, key));
CREATE TABLE IF NOT EXISTS queue (
    number INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, message TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, refused TEXT);
CREATE TABLE IF NOT EXISTS channels (name TEXT PRIMARY KEY, last_delivered TEXT, last_error TEXT);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert that is on."""

    market: str
    key: str
    title: str
    since: datetime


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


class Change:
    """One transaction over what is on and what is to be told: all of it happens, or nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def active(self, market: str) -> tuple[ActiveAlert, ...]:
        """Return what is on in `market`, oldest first."""
        rows = self._connection.execute(
            "SELECT market, key, title, since FROM active WHERE market = ? ORDER BY rowid", (market,)
        )
        return tuple(ActiveAlert(m, key, title, _moment(since)) for m, key, title, since in rows)

    def begin(self, alert: ActiveAlert) -> None:
        """Note that an alert is on."""
        row = (alert.market, alert.key, alert.title, alert.since.isoformat())
        self._connection.execute("INSERT INTO active VALUES (?, ?, ?, ?)", row)

    def end(self, alert: ActiveAlert) -> None:
        """Note that an alert is over."""
        self._connection.execute("DELETE FROM active WHERE market = ? AND key = ?", (alert.market, alert.key))

    def queue(self, message: Message, channels: Sequence[str]) -> None:
        """Append the message to the queue of each channel."""
        rows = [(channel, to_json(message)) for channel in channels]
        self._connection.executemany("INSERT INTO queue (channel, message) VALUES (?, ?)", rows)

    def last_heartbeat(self) -> datetime | None:
        """Return when the last sign of life was queued."""
        row = self._connection.execute("SELECT value FROM notes WHERE name = 'heartbeat'").fetchone()
        return _moment(row[0]) if row else None

    def note_heartbeat(self, at: datetime) -> None:
        """Note that a sign of life was queued."""
        self._connection.execute("INSERT OR REPLACE INTO notes VALUES ('heartbeat', ?)", (at.isoformat(),))


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


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
