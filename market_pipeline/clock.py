"""The only source of time. Code asks a Clock; nothing else reads the system's time of day.

The clock that follows the simulated exchange is made in steps/runtime.py, from what the exchange says.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day (UTC, aware) and a monotonic time for budgets and time-outs."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""

    def monotonic(self) -> float:
        """Return seconds of a clock that never steps back."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the system's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the system's monotonic seconds."""
        return time.monotonic()


@dataclass(frozen=True)
class ShiftedClock:
    """The system's clock moved by a constant and run at `speed` from `origin` on (0 stands still)."""

    origin: datetime
    system_origin: datetime
    speed: float = 1.0

    def now(self) -> datetime:
        """Return origin + speed × (system time passed since the origin)."""
        return self.origin + (datetime.now(UTC) - self.system_origin) * self.speed

    def monotonic(self) -> float:
        """Return the system's monotonic seconds: budgets are about real load, not market time."""
        return time.monotonic()


@dataclass
class HandClock:
    """A clock that moves only when told to: for tests and drills."""

    at: datetime
    ticks: float = field(default=0.0)

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.at

    def monotonic(self) -> float:
        """Return the seconds it was advanced by so far."""
        return self.ticks

    def advance(self, step: timedelta) -> None:
        """Move both times forward by `step`."""
        self.at += step
        self.ticks += step.total_seconds()


def floor_minute(moment: datetime) -> datetime:
    """Return the start of the minute that `moment` lies in."""
    return moment.replace(second=0, microsecond=0)
