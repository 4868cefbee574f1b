"""Our own limit on requests: a token bucket per source and request kind, shared by all processes of a feed.

The arithmetic is pyrate-limiter's TokenBucket; the state is one number in a file, and the time comes from the Clock.
A turn is reserved when it is asked for: nobody polls, and a turn that would come too late is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from market_pipeline.clock import Clock
from market_pipeline.errors import BudgetExhausted
from market_pipeline.markets.schema import Budget, SourceRule
from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.shared_state import SharedState

UNITS = 1000
"""pyrate-limiter states a rate as so many in whole milliseconds; a thousand in a thousandfold interval keeps 0.9/s."""


@dataclass(frozen=True)
class TokenBucket:
    """At most `rate.burst` requests at once and `rate.per_second` on average, over all processes."""

    name: str
    rate: Budget
    state: SharedState
    clock: Clock
    sleep: Callable[[float], None]

    def acquire(self, timeout: float) -> None:
        """Wait for a turn, at most `timeout` seconds.

        Raise BudgetExhausted, without waiting and without spending, when the next turn comes later than that.
        """
        wait = self._reserve(timeout)
        if wait > 0:
            self.sleep(wait)

    def _reserve(self, timeout: float) -> float:
        from pyrate_limiter import Rate
        from pyrate_limiter import TokenBucket as Arithmetic

        rates = [Rate(UNITS, round(UNITS * 1000 / self.rate.per_second), burst=self.rate.burst)]
        arithmetic = Arithmetic()
        now = self.clock.monotonic()
        with self.state.changing(now) as record:
            now_ms = int(now * 1000)
            spent = tuple(record.get("spent", arithmetic.initial(rates)))
            _, verdict = arithmetic.step(rates, spent, now_ms, 1)
            wait_ms = verdict.retry_after_ms or 0
            if wait_ms / 1000 > timeout:
                raise self._exhausted(wait_ms / 1000, timeout)
            record["spent"], _ = arithmetic.step(rates, spent, now_ms + wait_ms, 1)
            return wait_ms / 1000

    def _exhausted(self, wait: float, timeout: float) -> BudgetExhausted:
        return BudgetExhausted(
            f"budget of {self.name} is spent ({self.rate.per_second:g} a second, {self.rate.burst} at once): the next "
            f"turn is in {wait:.1f} s, the caller can wait {max(timeout, 0):.1f} s; a retry helps in the next cycle; "
            "kind_budgets in the market file sets the rate",
            retry_after_seconds=wait,
        )


@dataclass(frozen=True)
class Budgets:
    """The buckets of one source, by request kind; kinds without a bucket of their own share `default`."""

    rule: SourceRule
    folder: Path
    clock: Clock
    sleep: Callable[[float], None]

    def acquire(self, kind: RequestKind, timeout: float) -> None:
        """Wait for a turn to send a request of `kind`. Raise BudgetExhausted when it comes after `timeout` seconds."""
        name = kind.value if kind.value in self.rule.kind_budgets else "default"
        rate = self.rule.kind_budgets.get(name)
        if rate is None:
            return
        state = SharedState(self.folder / f"budget_{self.rule.name}_{name}.json")
        TokenBucket(f"{self.rule.name}/{name}", rate, state, self.clock, self.sleep).acquire(timeout)
