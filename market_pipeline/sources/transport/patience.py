"""How long a transport waits for what; and how it waits, so that tests need not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from market_pipeline.model.outcome import RequestKind


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of one transport, in seconds."""

    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    total_seconds: float = 30.0
    tries: int = 3
    retry_base_seconds: float = 0.5
    retry_max_seconds: float = 30.0
    retry_after_limit_seconds: float = 10.0
    """A longer Retry-After is not waited for: the breaker stays open until then."""
    cycle_seconds: float | None = None
    """So long after its cycle began no budget is waited for and no call lasts; None for work without a cycle."""
    quote_seconds: float | None = None
    """The same for quotes, where the source's own deadline is sooner."""
    cycle_began: Callable[[], float] | None = None
    """Tells the monotonic time at which the cycle in progress began; None counts from when the transport was made."""
    least_call_seconds: float = 1.0
    """A call that the cycle leaves less than this is not begun: cut short, it would speak against the source."""
    budget_seconds: float = 120.0
    """The longest wait for one turn of the budget, in work without a cycle."""
    sleep: Callable[[float], None] = time.sleep
    jitter: random.Random = field(default_factory=random.Random)

    def cycle_ends(self, kind: RequestKind, *, made: float) -> float | None:
        """Return the monotonic time by which a call of `kind` must be over; None in work without a cycle.

        The day's list of instruments may take longer than the cycle that finds it missing.
        """
        if kind is RequestKind.INSTRUMENTS:
            return None
        seconds = self.quote_seconds if kind is RequestKind.QUOTE and self.quote_seconds else self.cycle_seconds
        if seconds is None:
            return None
        return (self.cycle_began() if self.cycle_began else made) + seconds
