"""One transaction over what is on and what is to be told: all of it happens, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from market_pipeline.alerts.alert import Alert, Group, Silence
from market_pipeline.alerts.message import Message, from_json, to_json
from market_pipeline.alerts.severity import Severity

_COLUMNS = (
    "number, market, key, cause, title, severity, since, noticed, evidence, what_to_do, run_id, ended, told, escalated,"
    " end_told"
)
_UNSETTLED = "(ended IS NULL OR (told IS NOT NULL AND end_told IS NULL))"
"""On, or ended without anybody having been told of the end of what they were told of."""


class Change:
    """What may be done within the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def unsettled(self) -> tuple[Alert, ...]:
        """Return the alerts that are on, and those whose end is still to be told, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM alerts WHERE {_UNSETTLED} ORDER BY number"  # noqa: S608 - our own words
        return tuple(read_alert(row) for row in self._connection.execute(sql))

    def begin(self, alert: Alert) -> Alert:
        """Note that an alert is on, and return it with its number."""
        values = _values(alert)[1:]
        cursor = self._connection.execute(
            f"INSERT INTO alerts ({_COLUMNS}) VALUES (NULL, {', '.join('?' * len(values))})",  # noqa: S608
            values,
        )
        return replace(alert, number=int(cursor.lastrowid or 0))

    def update(self, alert: Alert) -> None:
        """Write an alert as it is now; the table of alerts is to show it."""
        columns = [name.strip() for name in _COLUMNS.split(",")][1:]
        words = ", ".join(f"{name} = ?" for name in columns)
        self._connection.execute(
            f"UPDATE alerts SET {words}, revision = revision + 1 WHERE number = ?",  # noqa: S608
            (*_values(alert)[1:], alert.number),
        )

    def groups(self, alerts: Iterable[Alert]) -> tuple[Group, ...]:
        """Sort alerts into the groups that they are told with, each with what was told of it."""
        states = {
            name: (_moment(told), repeats)
            for name, told, repeats in self._connection.execute("SELECT name, told, repeats FROM told_groups")
        }
        members: dict[str, list[Alert]] = {}
        for alert in alerts:
            members.setdefault(alert.group, []).append(alert)
        return tuple(Group(name, tuple(found), *states.get(name, (None, 0))) for name, found in members.items())

    def note_told(self, group: Group, at: datetime, *, repeats: int) -> None:
        """Note when a group was first told, and how many repeats of it are done with."""
        row = (group.name, (group.told or at).isoformat(), repeats)
        self._connection.execute("INSERT OR REPLACE INTO told_groups VALUES (?, ?, ?)", row)

    def forget_settled_groups(self) -> None:
        """Forget what was told of groups that nobody waits for any more."""
        names = {alert.group for alert in self.unsettled() if alert.told}
        for (name,) in self._connection.execute("SELECT name FROM told_groups").fetchall():
            if name not in names:
                self._connection.execute("DELETE FROM told_groups WHERE name = ?", (name,))

    def queue(self, message: Message, channels: Sequence[str], alerts: Iterable[int] = ()) -> None:
        """Append the message, which tells of these alerts, to the queue of each channel."""
        for channel in channels:
            cursor = self._connection.execute(
                "INSERT INTO queue (channel, message) VALUES (?, ?)", (channel, to_json(message))
            )
            rows = [(cursor.lastrowid, number) for number in alerts]
            self._connection.executemany("INSERT INTO queued_alerts VALUES (?, ?)", rows)

    def hold(self, message: Message, alerts: Iterable[int]) -> None:
        """Keep a message until quiet hours are over."""
        numbers = ",".join(map(str, alerts))
        self._connection.execute("INSERT INTO held (message, alerts) VALUES (?, ?)", (to_json(message), numbers))

    def held(self) -> tuple[tuple[int, Message, tuple[int, ...]], ...]:
        """Return what is held: its number, the message, and the alerts that it tells of, in order."""
        rows = self._connection.execute("SELECT number, message, alerts FROM held ORDER BY number")
        return tuple((number, from_json(text), _numbers(alerts)) for number, text, alerts in rows)

    def release(self, number: int) -> None:
        """Hold a message no longer."""
        self._connection.execute("DELETE FROM held WHERE number = ?", (number,))

    def silences(self) -> tuple[Silence, ...]:
        """Return every silence that was ever announced, oldest first."""
        rows = self._connection.execute(
            "SELECT number, market, since, until, reason, ended FROM silences ORDER BY number"
        )
        return tuple(Silence(n, m, _needed(a), _needed(b), reason, _moment(end)) for n, m, a, b, reason, end in rows)

    def silence(self, silence: Silence) -> Silence:
        """Note a silence, and return it with its number."""
        cursor = self._connection.execute(
            "INSERT INTO silences (market, since, until, reason) VALUES (?, ?, ?, ?)",
            (silence.market, silence.since.isoformat(), silence.until.isoformat(), silence.reason),
        )
        return replace(silence, number=int(cursor.lastrowid or 0))

    def end_silence(self, number: int, at: datetime) -> None:
        """Note that a silence is over before its time."""
        self._connection.execute("UPDATE silences SET ended = ? WHERE number = ?", (at.isoformat(), number))

    def noted(self, name: str) -> datetime | None:
        """Return the moment that was noted under `name`, None if none was."""
        row = self._connection.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return _moment(row[0]) if row else None

    def note(self, name: str, at: datetime) -> None:
        """Note a moment under `name`."""
        self._connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, at.isoformat()))


def read_alert(row: Sequence[Any]) -> Alert:
    """Make an alert of a row of the columns above."""
    number, market, key, cause, title, severity, since, noticed, evidence, what_to_do, run_id, *ends = row
    return Alert(
        number=number,
        market=market,
        key=key,
        cause=cause,
        title=title,
        severity=Severity(severity),
        since=_needed(since),
        noticed=_needed(noticed),
        evidence=evidence,
        what_to_do=what_to_do,
        run_id=run_id,
        **dict(zip(("ended", "told", "escalated", "end_told"), map(_moment, ends), strict=True)),
    )


def columns_of(alias: str) -> str:
    """Return the columns that `read_alert` takes, of a table that the statement calls `alias`."""
    return ", ".join(f"{alias}.{name.strip()}" for name in _COLUMNS.split(","))


def _values(alert: Alert) -> tuple[Any, ...]:
    names = [name.strip() for name in _COLUMNS.split(",")]
    values = [getattr(alert, name) for name in names]
    return tuple(value.isoformat() if isinstance(value, datetime) else value for value in values)


def _needed(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else _needed(text)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part)
