"""Our own limit on requests: a token bucket per source and kind, and one per host, shared by all processes of a feed.

The arithmetic is in bucket.py; the state is a small file, and the time comes from the Clock. A turn is reserved when
it is asked for: nobody polls, and a turn that would come too late is refused at once. A source that several markets
use has one budget; the loader refuses market files that state different ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from market_pipeline.clock import Clock
from market_pipeline.errors import BudgetExhausted, MarketPipelineError, RateLimited
from market_pipeline.markets.schema import Budget, SourceRule
from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.transport import bucket
from market_pipeline.sources.transport.bucket import BucketState
from market_pipeline.sources.transport.shared_state import Record, SharedState

DEFAULT_KIND = "default"
ANY_KIND = "any"
"""What the budget of a host is called where a kind is named: it counts requests of every kind."""
LONGEST_PAUSE_SECONDS = 60.0
"""A longer Retry-After is the breaker's: it refuses at once instead of letting everybody wait."""


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
        wait = _reserve([self], self.clock.monotonic(), timeout)
        if wait > 0:
            self.sleep(wait)

    def halve(self, *, pause: float = 0.0) -> None:
        """Slow down because the source refused us, and give nobody a turn for `pause` seconds."""
        now = self.clock.monotonic()
        with self.state.changing(now) as record:
            _store(record, bucket.after_refusal(_load(record), self.rate, now, pause=pause))

    def view(self) -> BucketView:
        """Return what is left and at which rate; nothing is locked or spent."""
        now = self.clock.monotonic()
        state = _load(self.state.read(now))
        return BucketView(
            kind=ANY_KIND,
            limit=self.rate,
            rate_per_second=bucket.current_rate(state, self.rate, now),
            used_last_minute=bucket.used_in_last_minute(state, now),
            tokens_left=bucket.tokens_left(state, self.rate, now),
            halved_count=state.halved,
            wait_seconds=bucket.seconds_to_turn(state, self.rate, now),
        )

    def exhausted(self, wait: float, timeout: float) -> BudgetExhausted:
        """Return the error for a turn that comes too late."""
        return BudgetExhausted(
            f"budget of {self.name} is spent ({self.rate.per_second:g} a second, {self.rate.burst} at once): the next "
            f"turn is in {wait:.1f} s, the caller can wait {max(timeout, 0):.1f} s; a retry helps in the next cycle; "
            "kind_budgets and host_budget in the market file set the rate",
            retry_after_seconds=wait,
        )


@dataclass(frozen=True, slots=True)
class BucketView:
    """One bucket now. `host` is None for one that counts a source's requests to every host."""

    kind: str
    limit: Budget
    rate_per_second: float
    used_last_minute: int
    tokens_left: int
    halved_count: int
    """How often a refusal halved the rate since the machine started."""
    wait_seconds: float
    """How long the next request would have to wait."""
    host: str | None = None

    @property
    def is_limited(self) -> bool:
        """Tell whether the source's refusals hold the rate below the configured one."""
        return self.rate_per_second < self.limit.per_second * 0.999


@dataclass(frozen=True)
class Budgets:
    """The buckets of one source, by request kind; kinds without a bucket of their own share `default`.

    Where the market file states `host_budget`, a request takes from the bucket of its host too, which every source
    and market that asks this host shares.
    """

    rule: SourceRule
    folder: Path
    clock: Clock
    sleep: Callable[[float], None]

    def acquire(self, kind: RequestKind, timeout: float, *, host: str = "") -> None:
        """Wait for a turn to send a request of `kind` to `host` ("" has no bucket of its own).

        Raise BudgetExhausted, with nothing spent, when the turn comes after `timeout` seconds.
        """
        buckets = self._buckets(kind, host)
        wait = _reserve(buckets, self.clock.monotonic(), timeout) if buckets else 0.0
        if wait > 0:
            self.sleep(wait)

    def refused(self, kind: RequestKind, error: MarketPipelineError, *, host: str = "") -> None:
        """Halve the rate when the source said 429; a short Retry-After holds back every process. Others: nothing."""
        if not isinstance(error, RateLimited):
            return
        asked = error.retry_after_seconds or 0.0
        for one in self._buckets(kind, host):
            one.halve(pause=asked if asked <= LONGEST_PAUSE_SECONDS else 0.0)

    def views(self) -> list[BucketView]:
        """Return every bucket of this source: its kinds', then those of the hosts that were asked."""
        return [*self._kind_views(), *self._host_views()]

    def _kind_views(self) -> Iterator[BucketView]:
        for name in self.rule.kind_budgets:
            yield _named(self._of_kind(name).view(), kind=name)

    def _host_views(self) -> Iterator[BucketView]:
        if self.rule.host_budget is None:
            return
        for path in sorted(self.folder.glob("budget_host_*.json")):
            record = SharedState(path).read(self.clock.monotonic())
            if self.rule.name in record.get("sources", ()):
                host = str(record["host"])
                yield _named(self._of_host(host, self.rule.host_budget).view(), kind=ANY_KIND, host=host)

    def _buckets(self, kind: RequestKind, host: str) -> list[TokenBucket]:
        """Return the buckets that a request takes from, always in the same order: two that wait never cross."""
        name = kind.value if kind.value in self.rule.kind_budgets else DEFAULT_KIND
        buckets = [self._of_kind(name)] if name in self.rule.kind_budgets else []
        if host and self.rule.host_budget is not None:
            self._introduce(host)
            buckets.append(self._of_host(host, self.rule.host_budget))
        return buckets

    def _of_kind(self, name: str) -> TokenBucket:
        state = SharedState(self.folder / f"budget_{self.rule.name}_{name}.json")
        rate = self.rule.kind_budgets[name]
        return TokenBucket(f"{self.rule.name}/{name}", rate, state, self.clock, self.sleep)

    def _of_host(self, host: str, rate: Budget) -> TokenBucket:
        return TokenBucket(host, rate, self._host_state(host), self.clock, self.sleep)

    def _host_state(self, host: str) -> SharedState:
        return SharedState(self.folder / f"budget_host_{host.replace(':', '_')}.json")

    def _introduce(self, host: str) -> None:
        """Note once that this source asks `host`, so that its bucket can be shown beside the source."""
        now, state = self.clock.monotonic(), self._host_state(host)
        if self.rule.name in state.read(now).get("sources", ()):
            return
        with state.changing(now) as record:
            record.update(host=host, sources=sorted({*record.get("sources", ()), self.rule.name}))


def _reserve(buckets: Sequence[TokenBucket], now: float, timeout: float) -> float:
    """Reserve a turn in all buckets or in none; return the seconds until the slowest one gives it."""
    with ExitStack() as locks:
        records = [locks.enter_context(one.state.changing(now)) for one in buckets]
        states = [_load(record) for record in records]
        waits = [bucket.seconds_to_turn(state, one.rate, now) for one, state in zip(buckets, states, strict=True)]
        wait = max(waits)
        if wait > timeout:
            raise buckets[waits.index(wait)].exhausted(wait, timeout)
        for one, record, state in zip(buckets, records, states, strict=True):
            _store(record, bucket.reserved(state, one.rate, now, wait=wait))
        return wait


def _named(view: BucketView, **names: Any) -> BucketView:
    return BucketView(**{**asdict(view), "limit": view.limit, **names})


def _load(record: Record) -> BucketState:
    fields = {name: record[name] for name in BucketState.__slots__ if name in record}
    return BucketState(**{**fields, "used": tuple((slot, count) for slot, count in fields.get("used", ()))})


def _store(record: Record, state: BucketState) -> None:
    record.update(asdict(state) | {"used": [list(pair) for pair in state.used]})
