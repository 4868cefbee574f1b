"""Deletes what nothing serves any more: compacted live slices, superseded editions, what killed writers left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from market_pipeline.clock import SystemClock
from market_pipeline.storage.closed import ClosedSessions
from market_pipeline.storage.files import sweep_temporaries
from market_pipeline.storage.layout import SUFFIX, Layout, Tier
from market_pipeline.storage.tables import Table

GRACE = timedelta(days=1)
"""Whoever began to read before a session was closed finds its live slices for so long."""


@dataclass(frozen=True)
class SweepReport:
    """What was deleted, in files."""

    live_slices: int = 0
    editions: int = 0
    temporaries: int = 0

    @property
    def files(self) -> int:
        """Return the number of files deleted."""
        return self.live_slices + self.editions + self.temporaries

    def __add__(self, other: SweepReport) -> SweepReport:
        """Return both together."""
        return SweepReport(
            self.live_slices + other.live_slices,
            self.editions + other.editions,
            self.temporaries + other.temporaries,
        )


class Sweeper:
    """Deletes files of one warehouse. The caller holds the market's lock."""

    def __init__(self, layout: Layout, closed: ClosedSessions) -> None:
        self._layout = layout
        self._closed = closed

    def sweep(self, tables: Sequence[Table], market: str, now: datetime) -> SweepReport:
        """Delete live slices of sessions closed a day before `now` and editions superseded a day ago."""
        entries = self._closed.entries(market)
        slices = editions = 0
        for table in tables:
            force = {day: entry for (name, day), entry in entries.items() if name == table.name}
            ripe = [day for day, entry in force.items() if entry.closed_at + GRACE <= now]
            slices += self._delete(table, market, days=ripe, tier="live")
            for day in self._layout.sessions("session", table, market):
                entry = force.get(day)
                in_force = (entry.version, entry.edition) if entry else ("", 0)
                editions += self._delete_superseded(table, market, day=day, in_force=in_force)
        return SweepReport(slices, editions)

    def sweep_temporaries(self) -> SweepReport:
        """Delete temporary files that killed writers left more than an hour ago."""
        return SweepReport(temporaries=sweep_temporaries(self._layout.feed_folder, SystemClock().now()))

    def forget(self, table: Table, market: str, session_dates: Sequence[date]) -> int:
        """Delete all rows of these sessions; return the number of files deleted."""
        count = self._delete(table, market, days=session_dates, tier="live")
        known = {day for name, day in self._closed.entries(market) if name == table.name}
        if gone := known.intersection(session_dates):
            self._closed.remove(market, [(table.name, day) for day in gone])
        return count + self._delete(table, market, days=session_dates, tier="session")

    def _delete(self, table: Table, market: str, *, days: Iterable[date], tier: Tier) -> int:
        count = 0
        for version in self._layout.versions(tier, table):
            for day in days:
                folder = self._layout.session_folder(tier, table, market, session_date=day, version=version)
                count += _delete_slices(folder)
        return count

    def _delete_superseded(self, table: Table, market: str, *, day: date, in_force: tuple[str, int]) -> int:
        limit = (SystemClock().now() - GRACE).timestamp()
        count = 0
        for version in self._layout.versions("session", table):
            folder = self._layout.session_folder("session", table, market, session_date=day, version=version)
            for edition in folder.glob("edition=*"):
                number = int(edition.name.removeprefix("edition="))
                if (version, number) != in_force and edition.stat().st_mtime < limit:
                    count += _delete_slices(edition)
            _remove_empty(folder)
        return count


def _delete_slices(folder: Path) -> int:
    """Delete the slices in and below `folder`; files that were set aside as unreadable stay for a person to see."""
    paths = list(folder.rglob(f"*{SUFFIX}"))
    for path in paths:
        path.unlink(missing_ok=True)
        _remove_empty(path.parent)
    _remove_empty(folder)
    return len(paths)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # not empty, or gone already
        folder.rmdir()
