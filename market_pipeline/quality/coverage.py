"""Coverage: the share of symbols that are fresh, per tier, and why the rest are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from market_pipeline.markets.schema import CoverageLimits
from market_pipeline.model.outcome import OutcomeStatus

OLD_PRICE = "old_price"
"""A source answered, but with a price that is too old to count."""
NO_OUTCOME = "no_outcome"
"""Nobody was asked, or the outcome was lost."""

_BEST_EXPLANATION_FIRST = (
    OutcomeStatus.DELISTED,
    OutcomeStatus.HALTED,
    OutcomeStatus.NOT_TRADED,
    OutcomeStatus.OK,
    OutcomeStatus.UNAUTHORISED,
    OutcomeStatus.BLOCKED,
    OutcomeStatus.RATE_LIMITED,
    OutcomeStatus.TIMEOUT,
    OutcomeStatus.PARSE_ERROR,
    OutcomeStatus.DEFERRED,
    OutcomeStatus.UNKNOWN,
    OutcomeStatus.EMPTY,
)
"""What the market itself did explains a missing price better than what went wrong at one of several sources."""


class CoverageLevel(StrEnum):
    """How a share compares with the market's limits."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Coverage:
    """One tier's coverage. `reasons` counts the symbols that are not fresh by outcome status, most frequent first."""

    tier: int
    fresh: int
    listed: int
    reasons: Mapping[str, int]

    @property
    def share(self) -> float:
        """Return fresh / listed: 1.0 for a tier without symbols, where nothing is missing."""
        return self.fresh / self.listed if self.listed else 1.0

    @property
    def figures(self) -> dict[str, Any]:
        """Return its figures by the names of the table `coverage`."""
        return {
            "tier": self.tier,
            "fresh": self.fresh,
            "listed": self.listed,
            "share": round(self.share, 4),
            "reasons": dict(self.reasons),
        }

    def level(self, limits: CoverageLimits) -> CoverageLevel:
        """Compare with the market's limits; a share equal to a limit keeps it."""
        if self.share < limits.fail:
            return CoverageLevel.FAIL
        return CoverageLevel.WARN if self.share < limits.warn else CoverageLevel.OK

    @property
    def text(self) -> str:
        """Return "tier 1: 18 of 20 fresh (90 %); timeout 2"."""
        rest = ", ".join(f"{reason} {count}" for reason, count in self.reasons.items())
        return f"tier {self.tier}: {self.fresh} of {self.listed} fresh ({self.share:.0%})" + (
            f"; {rest}" if rest else ""
        )


def coverage(
    tiers: Mapping[str, int], *, fresh: Set[str], outcomes: Iterable[tuple[str, OutcomeStatus]]
) -> tuple[Coverage, ...]:
    """Return the coverage of each tier, tier 1 first.

    `tiers` is symbol → tier of every symbol that the market should have; `fresh` those whose price counts now;
    `outcomes` are symbol and status of the newest quote requests, any number a symbol: what explains best is counted.
    """
    statuses: dict[str, set[OutcomeStatus]] = {}
    for symbol, status in outcomes:
        statuses.setdefault(symbol, set()).add(status)
    symbols_of: dict[int, list[str]] = {}
    for symbol, tier in tiers.items():
        symbols_of.setdefault(tier, []).append(symbol)
    return tuple(_of_tier(tier, symbols_of[tier], fresh=fresh, statuses=statuses) for tier in sorted(symbols_of))


def overall(tiers: Iterable[Coverage]) -> float:
    """Return the share of all listed symbols that is fresh, 0 to 1; 0 where nothing is listed."""
    counted = list(tiers)
    listed = sum(tier.listed for tier in counted)
    return sum(tier.fresh for tier in counted) / listed if listed else 0.0


def _of_tier(
    tier: int, symbols: Sequence[str], *, fresh: Set[str], statuses: Mapping[str, set[OutcomeStatus]]
) -> Coverage:
    missing = [symbol for symbol in symbols if symbol not in fresh]
    reasons = Counter(_reason(statuses.get(symbol, set())) for symbol in missing)
    return Coverage(tier, len(symbols) - len(missing), len(symbols), dict(reasons.most_common()))


def _reason(statuses: Set[OutcomeStatus]) -> str:
    status = next((status for status in _BEST_EXPLANATION_FIRST if status in statuses), None)
    if status is None:
        return NO_OUTCOME
    return OLD_PRICE if status is OutcomeStatus.OK else status.value
