"""What is remembered of an alert, of the group that it is told with, and of a silence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from market_pipeline.alerts.severity import Severity

EVERY_MARKET = "all"


@dataclass(frozen=True, slots=True)
class Alert:
    """One condition from its beginning to its end. Times are UTC; None means: not yet.

    `since` is when it began as far as is known, `noticed` when we saw it. `told` and `end_told` are when the messages
    about it were queued: an alert that nobody was told of needs no recovery.
    """

    number: int
    market: str
    key: str
    cause: str
    title: str
    severity: Severity
    since: datetime
    noticed: datetime
    evidence: str
    what_to_do: str
    run_id: str = ""
    ended: datetime | None = None
    told: datetime | None = None
    escalated: datetime | None = None
    end_told: datetime | None = None

    @property
    def group(self) -> str:
        """Return the name of what it is told with: its cause, or else its market."""
        return self.cause or f"market:{self.market}"

    @property
    def is_on(self) -> bool:
        """Tell whether it has not ended."""
        return self.ended is None


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that are told together: those that are on, and ended ones whose end was not told yet, oldest first."""

    name: str
    alerts: tuple[Alert, ...]
    told: datetime | None = None
    """When its first message was queued; repeats count from then."""
    repeats: int = 0

    @property
    def is_shared(self) -> bool:
        """Tell whether a named cause holds it together, and not just the market."""
        return bool(self.alerts[0].cause)


@dataclass(frozen=True, slots=True)
class Silence:
    """A span in which nothing is told about a market (or "all"): maintenance that somebody announced."""

    number: int
    market: str
    since: datetime
    until: datetime
    reason: str
    ended: datetime | None = None

    def covers(self, market: str, at: datetime) -> bool:
        """Tell whether nothing is told about `market` at that moment."""
        return self.market in (market, EVERY_MARKET) and self.is_on(at)

    def is_on(self, at: datetime) -> bool:
        """Tell whether it lasts at that moment."""
        return self.since <= at < (self.ended or self.until)


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """An alert as the table `alerts` shows it: with who was really reached, and how often a message of it got there."""

    alert: Alert
    revision: int
    channels: tuple[str, ...] = field(default=())
    messages: int = 0
