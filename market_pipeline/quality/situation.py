"""A market's running at one moment, as figures: what the health score judges. Whoever reads the tables fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from market_pipeline.quality.freshness import Freshness


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


@dataclass(frozen=True, slots=True)
class Requests:
    """Outcomes in the window. Deferred, delisted and unknown symbols are neither answered nor failed."""

    answered: int = 0
    failed_by_status: Mapping[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Return how many failed, whatever the reason."""
        return sum(self.failed_by_status.values())

    @property
    def total(self) -> int:
        """Return how many count."""
        return self.answered + self.failed

    @property
    def error_rate(self) -> float | None:
        """Return failed / total, None when nothing was asked."""
        return self.failed / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class CycleTime:
    """How long the cycles of the window took (their median) and how long they may take."""

    seconds: float | None
    deadline_seconds: float


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the score knows about one market."""

    market: str
    at: datetime
    is_open: bool
    window_minutes: float
    """How far back runs, requests and cycle times were counted."""
    watched_minutes: float
    """Open minutes since data could have come (the later of the session's opening and our start)."""
    last_success: datetime | None
    """End of the last cycle that brought at least one quote; None when there never was one."""
    minutes_since_success: float | None
    """The same in open market minutes."""
    runs: Runs
    requests: Requests
    freshness: Freshness
    cycle: CycleTime
