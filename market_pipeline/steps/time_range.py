"""From when to when somebody asks: moments, or whole sessions by their dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import UsageError

type Moment = datetime | date | str
"""An aware datetime, or a date: that whole session. As text: ISO 8601."""

_SPAN = timedelta(days=1)
"""A session's minutes lie within a day of its date in UTC, whatever the zone."""


@dataclass(frozen=True)
class TimeRange:
    """Bars with since <= interval_start < until, of the sessions first … last, both included; None: no bound."""

    since: datetime | None = None
    until: datetime | None = None
    first: date | None = None
    last: date | None = None

    def sessions(self, stored: Iterable[date]) -> list[date]:
        """Return those sessions that can hold bars of the range."""
        return [day for day in stored if self._has_date(day) and self._may_hold(day)]

    def rows(self, table: pa.Table) -> pa.Table:
        """Return the rows of the range."""
        minutes, days = table["interval_start"], table["session_date"]
        is_within = [
            bound(column, pa.scalar(limit, column.type))
            for bound, column, limit in (
                (pc.greater_equal, minutes, self.since),
                (pc.less, minutes, self.until),
                (pc.greater_equal, days, self.first),
                (pc.less_equal, days, self.last),
            )
            if limit is not None
        ]
        for condition in is_within[1:]:
            is_within[0] = pc.and_(is_within[0], condition)
        return table.filter(is_within[0]) if is_within else table

    def _has_date(self, day: date) -> bool:
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def _may_hold(self, day: date) -> bool:
        starts = datetime.combine(day, time(), UTC)
        is_late_enough = self.since is None or starts + 2 * _SPAN > self.since
        return is_late_enough and (self.until is None or starts - _SPAN < self.until)


def time_range(start: Moment | None, end: Moment | None) -> TimeRange:
    """Return the range from `start` (included) to `end`: a moment is excluded, a date is the last whole session.

    Raise UsageError for a time without a zone, for text that is no time, and for a start after the end.
    """
    first, last = _parsed(start, "start"), _parsed(end, "end")
    if first is not None and last is not None and _is_after(first, last):
        raise UsageError(
            f"asked for bars from {first.isoformat()} to {last.isoformat()}: the start lies after the end; "
            "a retry does not help; exchange them"
        )
    return TimeRange(
        since=first if isinstance(first, datetime) else None,
        until=last if isinstance(last, datetime) else None,
        first=None if isinstance(first, datetime) else first,
        last=None if isinstance(last, datetime) else last,
    )


def _is_after(first: date, last: date) -> bool:
    if isinstance(first, datetime) and isinstance(last, datetime):
        return first > last
    if isinstance(first, datetime) or isinstance(last, datetime):
        return _day(first) > _day(last) + _SPAN
    return first > last


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _parsed(moment: object, name: str) -> date | None:
    if isinstance(moment, str):
        moment = _read(moment, name)
    if moment is None or (isinstance(moment, date) and not isinstance(moment, datetime)):
        return moment
    if not isinstance(moment, datetime):
        raise UsageError(
            f"{name} is {moment!r}, a {type(moment).__name__}; a retry does not help; "
            "give an aware datetime, a date, or ISO 8601 text"
        )
    if moment.tzinfo is None:
        raise UsageError(
            f"{name} is {moment!s}, which has no time zone; a retry does not help; give an offset, like "
            "2026-11-20T09:35:00+00:00 or datetime(2026, 11, 20, 9, 35, tzinfo=UTC), or a date for whole sessions"
        )
    there = moment.astimezone(UTC)
    return datetime.combine(there.date(), there.time(), UTC)  # a plain datetime, also from pandas


def _read(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text) if len(text) <= len("YYYY-MM-DD") else datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{name} is {text!r}, which is no time; a retry does not help; write a date like 2026-11-20, or a moment "
            "like 2026-11-20T09:35+00:00"
        ) from None
