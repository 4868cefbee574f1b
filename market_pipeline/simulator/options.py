"""What the simulated exchange is started with; every wrong value is found before the server starts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from market_pipeline.clock import Clock, ShiftedClock, SystemClock
from market_pipeline.errors import UsageError
from market_pipeline.simulator.faults import FaultPlan, load_plan

HOST = "127.0.0.1"
DEFAULT_PORT = 8765


@dataclass(frozen=True)
class SimulatorOptions:
    """Options of one run. Raises UsageError for a port, time or speed that cannot be."""

    port: int = DEFAULT_PORT
    """0 takes any free port."""
    seed: int = 1
    as_of: str | datetime | None = None
    """The moment that the exchange's clock starts at, with an offset; None means now."""
    speed: float = 1.0
    """1 real time, 0 frozen, 60 an hour a minute."""
    replay: Mapping[str, Path] = field(default_factory=dict)
    """Market → recording (Parquet) shown instead of the price model."""
    faults: Path | None = None
    delays: bool = True
    """Show each source's own delay (the Casablanca sources are 15 minutes behind)."""
    limits: bool = False
    """Keep the sources' own rate limits (Dhan 1 and 5 a second). Off, since budgets may be off as well."""

    def __post_init__(self) -> None:
        """Check the values that need no file."""
        if not 0 <= self.port <= 65535:
            raise UsageError(f"--port {self.port}: a port is 0 to 65535; a retry does not help; choose another")
        if not math.isfinite(self.speed) or self.speed < 0:
            raise UsageError(f"--speed {self.speed}: time cannot run so; a retry does not help; write 0 or more")
        self.start()

    def start(self) -> datetime | None:
        """Return the moment that the clock starts at, None for now. Raise UsageError for no ISO time with offset."""
        if self.as_of is None:
            return None
        try:
            moment = self.as_of if isinstance(self.as_of, datetime) else datetime.fromisoformat(self.as_of)
        except ValueError:
            raise _wrong_time(self.as_of, "is no ISO time") from None
        if moment.tzinfo is None:
            raise _wrong_time(str(self.as_of), "has no offset from UTC")
        return moment

    def clock(self) -> Clock:
        """Return the clock that the exchange runs on."""
        system, start = SystemClock(), self.start()
        if start is None and self.speed == 1.0:
            return system
        now = system.now()
        return ShiftedClock(start.astimezone(now.tzinfo) if start else now, now, self.speed)

    def plan(self) -> FaultPlan:
        """Return the fault plan. Raise UsageError when its file is wrong."""
        return load_plan(self.faults) if self.faults is not None else FaultPlan()


def _wrong_time(text: object, seen: str) -> UsageError:
    return UsageError(
        f"--as-of {text}: {seen}; a retry does not help; "
        "write it like 2026-11-20T09:35:00+00:00 (Z and +05:30 work too)"
    )
