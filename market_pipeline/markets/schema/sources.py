"""How a market uses its sources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from market_pipeline.markets.schema.fields import Name, Section
from market_pipeline.model.quote import PriceKind


class Budget(Section):
    """A token bucket: `per_second` on average, `burst` at once."""

    per_second: float = Field(gt=0)
    burst: int = Field(1, ge=1)


class SourceRule(Section):
    """How this market uses one source. The order of the list is the priority, best first."""

    name: Name
    kind_budgets: dict[str, Budget] = Field(
        default_factory=dict, description="budget per request kind (quote, minute_bars …); `default` for the rest"
    )
    host_budget: Budget | None = Field(
        None, description="budget of each host that it asks, shared by every source and market that asks the host"
    )
    cadence_minutes: int = Field(1, ge=1, le=60, description="live feed: ask every so many minutes")
    deadline_seconds: int | None = Field(
        None, ge=2, le=55, description="a cycle waits so long for its quotes; without it, the market's whole deadline"
    )
    declared_delay_seconds: int = Field(0, ge=0, description="how late the source says its prices are")
    max_age_minutes: float = Field(3, gt=0, description="older prices than this (open minutes + delay) do not count")
    price_kinds: tuple[PriceKind, ...] = Field(
        (PriceKind.TRADE,), description="empty for a source without quotes: it is not asked for any"
    )
    is_fallback: bool = Field(
        False, description="its reports count only where no other source has one that counts, however new they are"
    )
    batch_size: int = Field(1, ge=1)
    minute_history_days: float = Field(
        0, ge=0, description="how far back the source serves minute bars (0.5 is twelve hours); 0 = none"
    )
    timestamps: Literal["utc", "local"] = "utc"
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)
    terms: str = Field(description="what the source's terms allow, in a sentence")
    feed_group: str | None = Field(None, description="sources that resell the same feed share a group: one vote")


def budget_disputes(rules: Iterable[tuple[str, SourceRule]]) -> list[str]:
    """Return a sentence for each source whose budget two markets state differently, from (market, rule) pairs.

    A source has one budget, whoever asks it: with two figures the larger would win, unseen.
    """
    first: dict[str, tuple[str, SourceRule]] = {}
    found = list[str]()
    for market, rule in rules:
        other, known = first.setdefault(rule.name, (market, rule))
        found.extend(
            f"{key} of {rule.name}: {other} and {market} state different ones, allowed: the same"
            for key in ("kind_budgets", "host_budget")
            if getattr(rule, key) != getattr(known, key)
        )
    return found
