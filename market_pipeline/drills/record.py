"""What was seen in a drill: looks, scores, alerts, what the channels took, prices beside the truth, a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline. `after` counts from the beginning of the fault."""

    after: timedelta
    text: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that a receiver took."""

    at: datetime
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Score:
    """A market's health score at one look."""

    at: datetime
    market: str
    points: float


@dataclass
class Record:
    """Everything that a drill has seen. Times are the feed's, UTC."""

    market: str
    fault_began: datetime
    fault_ended: datetime
    neighbour: str | None = None
    scores: list[Score] = field(default_factory=list)
    alerts: list[Mapping[str, Any]] = field(default_factory=list)
    """Rows of the table `alerts`, oldest first."""
    told: list[str] = field(default_factory=list)
    """Subjects of the messages that were written, in order."""
    arrivals: dict[str, list[Arrival]] = field(default_factory=dict)
    """Channel → what it took, in order."""
    wrong: list[str] = field(default_factory=list)
    """Stored prices and bars that the exchange never had, instruments without an outcome, values without a trace."""
    prices_checked: int = 0
    cycles: int = 0
    failed_cycles: list[str] = field(default_factory=list)
    sources: list[tuple[datetime, str, str]] = field(default_factory=list)
    """(cycle, market, source whose price counts), without repeats in a row."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What single drills measure besides."""
    timeline: list[Event] = field(default_factory=list)

    def note(self, at: datetime, text: str) -> None:
        """Add a line to the timeline."""
        self.timeline.append(Event(at - self.fault_began, text))

    def alerts_of(self, *markets: str) -> list[Mapping[str, Any]]:
        """Return the alerts of some markets that were noticed since the fault began."""
        return [row for row in self.alerts if row["market"] in markets and row["noticed"] >= self.fault_began]

    def alert(self, key: str, market: str | None = None) -> Mapping[str, Any] | None:
        """Return the first alert of a key since the fault began; None where there was none."""
        return next((row for row in self.alerts_of(market or self.market) if row["key"] == key), None)

    def points(self, market: str, *, since: datetime, until: datetime | None = None) -> list[float]:
        """Return a market's scores from `since` up to `until`, both included, oldest first."""
        return [
            score.points
            for score in self.scores
            if score.market == market and since <= score.at and (until is None or score.at <= until)
        ]

    @property
    def noticed(self) -> timedelta | None:
        """Return how long after its beginning the fault was first noticed; None where it never was."""
        found: list[datetime] = [row["noticed"] for row in self.alerts_of(self.market, "platform")]
        if "noticed" in self.facts:
            found.append(self.facts["noticed"])
        return min(found) - self.fault_began if found else None

    @property
    def alerted(self) -> timedelta | None:
        """Return how long after its beginning the first message of the fault reached somebody."""
        found = [one.at for taken in self.arrivals.values() for one in taken if one.at >= self.fault_began]
        return min(found) - self.fault_began if found else None

    @property
    def recovered(self) -> timedelta | None:
        """Return how long after the fault's end its first alert was over; None where none was."""
        ends: list[datetime] = [row["ended"] for row in self.alerts_of(self.market, "platform") if row["ended"]]
        return max(min(ends) - self.fault_ended, timedelta()) if ends else None

    @property
    def all_over(self) -> timedelta | None:
        """Return how long after the fault's end its last alert ended; None without alerts, or while one is on."""
        ends = [row["ended"] for row in self.alerts_of(self.market, "platform")]
        if not ends or None in ends:
            return None
        last: datetime = max(ends)
        return max(last - self.fault_ended, timedelta())

    @property
    def lowest(self) -> float | None:
        """Return the market's lowest score since the fault began."""
        return min(self.points(self.market, since=self.fault_began), default=None)

    @property
    def last(self) -> float | None:
        """Return the market's score at the last look."""
        return next((score.points for score in reversed(self.scores) if score.market == self.market), None)


def clock_words(span: timedelta | None) -> str:
    """Return a span as minutes and seconds, "4:50", with hours where there are some, "32:04:50"; "–" for None."""
    if span is None:
        return "–"
    total = round(span.total_seconds())
    sign, minutes, seconds = "-" if total < 0 else "", abs(total) // 60, abs(total) % 60
    hours = f"{minutes // 60}:{minutes % 60:02d}" if minutes >= 60 else str(minutes)
    return f"{sign}{hours}:{seconds:02d}"
