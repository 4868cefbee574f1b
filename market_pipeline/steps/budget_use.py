"""What is left of each source's request budget, and what its breakers say: looked at now, and kept once a cycle."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import floor_minute
from market_pipeline.markets.schema import SourceRule
from market_pipeline.sources.transport.breaker import BreakerState, breaker_views
from market_pipeline.sources.transport.budget import ANY_KIND, BucketView, Budgets
from market_pipeline.steps.runtime import MarketRuntime, Runtime, market_names
from market_pipeline.storage.tables import BUDGETS

CLOSED, OPEN, PROBING = "closed", "open", "probing"


@dataclass(frozen=True)
class BudgetUse:
    """One budget now, with the breaker of its host, or the worst of its source's; named as in the table `budgets`."""

    source: str
    kind: str
    host: str | None
    limit_per_second: float | None = None
    burst: int | None = None
    rate_per_second: float | None = None
    used_last_minute: int | None = None
    tokens_left: int | None = None
    wait_seconds: float | None = None
    halved_count: int | None = None
    breaker: str = CLOSED
    breaker_cause: str | None = None
    next_probe: datetime | None = None

    @property
    def text(self) -> str:
        """Return "quote: 12 of 60 a minute used, 1 left at once; slowed to 30 a minute; breaker open until 10:03"."""
        name = f"{self.kind} at {self.host}" if self.host else self.kind
        parts = []
        if self.limit_per_second is not None:
            used = f"{self.used_last_minute} of {60 * self.limit_per_second:.0f} a minute used"
            parts.append(f"{used}, {self.tokens_left} left at once")
        if self.is_slowed:
            parts.append(f"slowed to {60 * (self.rate_per_second or 0):.0f} a minute")
        if self.next_probe is not None:
            parts.append(f"breaker {self.breaker}, next probe {self.next_probe:%H:%M:%S} UTC ({self.breaker_cause})")
        return f"{name}: {'; '.join(parts) or 'no budget'}"

    @property
    def is_slowed(self) -> bool:
        """Tell whether the source's refusals hold the rate below the configured one."""
        limit, rate = self.limit_per_second, self.rate_per_second
        return limit is not None and rate is not None and rate < 0.999 * limit


def budgets_of(runtime: Runtime, rule: SourceRule) -> list[BudgetUse]:
    """Return the budgets of one source as all processes of the feed have used them; none where budgets are off.

    A breaker that is not closed is shown even where there is no budget to show it with.
    """
    folder = runtime.folder / "limits"
    breakers = breaker_views(folder, rule.name, runtime.clock)
    views = Budgets(rule, folder, runtime.clock, time.sleep).views() if runtime.settings.budgets else []
    shown = [_with_bucket(rule.name, view) for view in views]
    if not any(use.host is None for use in shown):
        known = {_stem(use.host) for use in shown}
        hosts = [host for host, state in breakers.items() if state.open_until is not None and host not in known]
        shown += [BudgetUse(rule.name, ANY_KIND, host) for host in hosts]
    return [_with_breaker(runtime, use, breakers) for use in shown]


def all_budgets(runtime: Runtime) -> list[BudgetUse]:
    """Return the budgets of every source that is on, each source once, whichever markets ask it."""
    found: dict[str, list[BudgetUse]] = {}
    for name in market_names():
        market = runtime.market(name)
        for rule in _rules(market):
            found.setdefault(rule.name, budgets_of(runtime, rule))
    return [use for uses in found.values() for use in uses]


def full_sweeps(runtime: Runtime) -> dict[str, dict[str, datetime]]:
    """Return source → market → when its newest cycle reckoned that everything will have been asked for."""
    found: dict[str, dict[str, datetime]] = {}
    for name in market_names():
        rows = runtime.warehouse.latest(BUDGETS, name)
        for row in rows.filter(pc.is_valid(rows["full_sweep_at"])).select(["source", "full_sweep_at"]).to_pylist():
            found.setdefault(row["source"], {})[name] = row["full_sweep_at"]
    return found


def keep_budgets(
    runtime: Runtime, market: MarketRuntime, sweeps: Mapping[str, datetime | None]
) -> dict[str, tuple[BudgetUse, ...]]:
    """Write what is left of every budget of the market's sources; return it by source.

    `sweeps` says of the sources that were asked when they will have been asked for everything.
    """
    uses = {rule.name: tuple(budgets_of(runtime, rule)) for rule in _rules(market)}
    now = runtime.clock.now()
    constants = {
        "market": market.name,
        "session_date": market.calendar.session_date_at(now),
        "as_of": floor_minute(now),
        "known_at": now,
    }
    rows = [
        constants | asdict(use) | {"full_sweep_at": sweeps.get(name)} for name, listed in uses.items() for use in listed
    ]
    runtime.warehouse.write(BUDGETS, market.name, pa.Table.from_pylist(rows, schema=BUDGETS.schema))
    return uses


def _rules(market: MarketRuntime) -> Iterator[SourceRule]:
    return (rule for rule in market.file.sources if rule.name not in market.off)


def _with_bucket(source: str, view: BucketView) -> BudgetUse:
    return BudgetUse(
        source=source,
        kind=view.kind,
        host=view.host,
        limit_per_second=view.limit.per_second,
        burst=view.limit.burst,
        rate_per_second=view.rate_per_second,
        used_last_minute=view.used_last_minute,
        tokens_left=view.tokens_left,
        wait_seconds=view.wait_seconds,
        halved_count=view.halved_count,
    )


def _with_breaker(runtime: Runtime, use: BudgetUse, breakers: Mapping[str, BreakerState]) -> BudgetUse:
    concerned = breakers.values() if use.host is None else [breakers[h] for h in (_stem(use.host),) if h in breakers]
    state = _worst(concerned)
    if state is None:
        return use
    return BudgetUse(**asdict(use) | _breaker_fields(runtime, state))


def _worst(states: Iterable[BreakerState]) -> BreakerState | None:
    listed: Sequence[BreakerState] = sorted(states, key=lambda state: state.open_until or 0.0)
    return listed[-1] if listed else None


def _breaker_fields(runtime: Runtime, state: BreakerState) -> dict[str, object]:
    if state.open_until is None:
        return {"breaker": CLOSED, "breaker_cause": state.cause, "next_probe": None}
    now = runtime.clock.monotonic()
    is_probing = state.probe_until is not None and now < state.probe_until
    until = max(state.open_until, state.probe_until or 0.0, now)
    at = runtime.clock.now() + timedelta(seconds=until - now) * runtime.speed
    return {"breaker": PROBING if is_probing else OPEN, "breaker_cause": state.cause, "next_probe": at}


def _stem(host: str | None) -> str:
    """Return a host as the breakers' files spell it."""
    return (host or "").replace(":", "_")
