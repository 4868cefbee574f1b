"""Scheduled runs of a market's minute job, counted against the minutes in which they were due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CycleRun:
    """One scheduled run of a market's minute job; times are the feed's."""

    began: datetime
    ended: datetime | None
    failed: bool
    run_id: str | None = None

    @property
    def seconds(self) -> float | None:
        """Return how long it took; None while it runs."""
        return None if self.ended is None else (self.ended - self.began).total_seconds()


@dataclass(frozen=True, slots=True)
class Runs:
    """Scheduled runs of the minute job in the window; runs that a person started are not counted."""

    expected: int
    """Runs that were due in open market time, without the one that may still be running."""
    started: int
    """Those of them that started."""
    failed: int = 0
    overlapping: int = 0
    """Runs that started while the one before still ran."""
    while_closed: int = 0
    """Scheduled runs that did work while the market was closed."""
    last_id: str | None = None
    """The newest run."""
    failed_ids: tuple[str, ...] = ()
    """Newest first, like the following."""
    irregular_ids: tuple[str, ...] = ()
    """Runs that overlapped, or ran while the market was closed."""


@dataclass(frozen=True, slots=True)
class CycleTime:
    """How long the cycles of the window took (their median) and how long they may take."""

    seconds: float | None
    deadline_seconds: float
    slowest_seconds: float | None = None
    slowest_id: str | None = None


def count_runs(runs: Sequence[CycleRun], *, expected: int, is_due: Callable[[datetime], bool]) -> Runs:
    """Count the runs of a window in which `expected` were due; `is_due` tells whether one was due at its beginning."""
    counted = sorted(runs, key=lambda run: run.began)
    failed = [run for run in counted if run.failed]
    overlapping = [b for a, b in pairwise(counted) if a.ended is None or b.began < a.ended]
    while_closed = [run for run in counted if not is_due(run.began)]
    return Runs(
        expected=expected,
        started=len(counted),
        failed=len(failed),
        overlapping=len(overlapping),
        while_closed=len(while_closed),
        last_id=counted[-1].run_id if counted else None,
        failed_ids=_ids(failed),
        irregular_ids=_ids(sorted([*overlapping, *while_closed], key=lambda run: run.began)),
    )


def cycle_time(runs: Sequence[CycleRun], deadline_seconds: float) -> CycleTime:
    """Return the median and the slowest of the runs that ended."""
    ended = [(run.seconds, run.run_id) for run in runs if run.seconds is not None]
    if not ended:
        return CycleTime(None, deadline_seconds)
    slowest, slowest_id = max(ended, key=lambda found: found[0])
    return CycleTime(median(seconds for seconds, _ in ended), deadline_seconds, slowest, slowest_id)


def _ids(runs: Sequence[CycleRun]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(run.run_id for run in reversed(runs) if run.run_id is not None))
