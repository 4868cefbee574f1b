"""A market's running at one moment, as figures: what the health score judges. Whoever reads the tables fills it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from market_pipeline.markets.schema import CoverageLimits
from market_pipeline.quality.coverage import Coverage
from market_pipeline.quality.disputes import Dispute
from market_pipeline.quality.freshness import Freshness
from market_pipeline.quality.runs import CycleTime, Runs
from market_pipeline.quality.symbol_ages import TierAges

__all__ = [
    "Budget",
    "Burn",
    "CycleTime",
    "LostGap",
    "OpenBreaker",
    "Requests",
    "Runs",
    "Situation",
    "SourceFailures",
    "Surroundings",
]


@dataclass(frozen=True, slots=True)
class SourceFailures:
    """What failed at one source, by status, and some of the symbols."""

    source: str
    by_status: Mapping[str, int]
    symbols: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Return how many requests failed there."""
        return sum(self.by_status.values())


@dataclass(frozen=True, slots=True)
class Requests:
    """Outcomes in the window. Deferred, delisted and unknown symbols are neither answered nor failed."""

    answered: int = 0
    failed_by_status: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[SourceFailures, ...] = ()
    """The failures again by source, the most first; empty where nobody counted them so."""

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
class OpenBreaker:
    """A source that is left alone for now."""

    source: str
    cause: str | None
    next_probe: datetime | None


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of tier 1 a source's budget left out in the newest cycle."""

    source: str
    deferred: int
    asked: int
    """Symbols of tier 1 that were asked for, or would have been."""
    wait_seconds: float | None = None

    @property
    def share(self) -> float:
        """Return deferred / asked."""
        return self.deferred / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class LostGap:
    """Missing minutes of tier 1 that no source can give back."""

    symbol: str
    first_minute: datetime
    minutes: int
    cause: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Burn:
    """How fast a window of open market time uses up the error budget: 1 would use all of it, and no more, in time."""

    hours: int
    expected: int
    good: int
    rate: float | None
    """None where too little was expected to judge."""
    limit: float

    @property
    def is_too_fast(self) -> bool:
        """Tell whether it is beyond its limit."""
        return self.rate is not None and self.rate > self.limit


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else can go wrong around a market. None or empty: not looked at, or nothing to see."""

    breakers: tuple[OpenBreaker, ...] = ()
    budgets: tuple[Budget, ...] = ()
    lost_gaps: tuple[LostGap, ...] = ()
    """Of the present session."""
    burns: tuple[Burn, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the score and the alerts know about one market."""

    market: str
    at: datetime
    is_open: bool
    window_minutes: float
    """How far back runs, requests and cycle times were counted."""
    watched_minutes: float
    """Open minutes since quotes could have come (the later of the session's opening and our start)."""
    last_success: datetime | None
    """End of the last cycle that brought at least one quote; None when there never was one."""
    minutes_since_success: float | None
    """The same in open market minutes."""
    runs: Runs
    requests: Requests
    freshness: Freshness
    cycle: CycleTime
    saw_opening: bool = False
    """Somebody looked already when the session opened."""
    quote_interval_minutes: int = 1
    """How often the most frequent source is asked: silence in between is no news."""
    tiers: tuple[TierAges, ...] = ()
    """How long ago sources answered for the symbols of each tier; empty before the first."""
    coverage: tuple[Coverage, ...] = ()
    """The newest cycle's; empty when it is not of the present session."""
    coverage_limits: CoverageLimits = field(default_factory=CoverageLimits)
    disputes: tuple[Dispute, ...] = ()
    surroundings: Surroundings = Surroundings()

    @property
    def silent_minutes(self) -> float:
        """Return open minutes without a quote beyond the sources' own interval, counted from the opening at most.

        Yesterday's gap is no news this morning.
        """
        since = self.minutes_since_success
        silent = self.watched_minutes if since is None else min(since, self.watched_minutes)
        return max(silent - (self.quote_interval_minutes - 1), 0.0)

    @property
    def is_mute(self) -> bool:
        """Tell whether not one quote came since the opening, or since our start."""
        since = self.minutes_since_success
        return since is None or since >= self.watched_minutes

    @property
    def tier_1(self) -> TierAges | None:
        """Return the ages of tier 1; None where nothing is known of it."""
        return next((tier for tier in self.tiers if tier.tier == 1), None)
