"""How old each symbol's data is, in open minutes of its own hours: arrays in, arrays out, so that 10,000 are cheap.

Two ages: of the price (when it was traded) and of the look (when a source last answered for the symbol). A share that
trades once a day has an old price every day; an old look means that we do not know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

Moments = npt.NDArray[np.datetime64]
Minutes = npt.NDArray[np.float64]
NAMED = 5
"""So many of the oldest symbols are named."""


class OpenTime:
    """Open market time as a function: how much of its stretches, which do not overlap, lies before a moment."""

    def __init__(self, stretches: Sequence[tuple[datetime, datetime]]) -> None:
        ordered = sorted(stretches)
        self._starts = moments([start for start, _ in ordered])
        self._ends = moments([end for _, end in ordered])
        lengths = (self._ends - self._starts).astype(np.int64)
        self._before = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def ages(self, events: Moments, now: datetime) -> Minutes:
        """Return open minutes from each event to `now`: NaN for an unknown one (NaT), 0 for one in the future.

        An event before the first stretch is as old as all stretches together: at least so old.
        """
        age = (self._passed(moments([now]))[0] - self._passed(events)) / 60e6
        return np.where(np.isnat(events), np.nan, np.maximum(age, 0.0))

    def _passed(self, at: Moments) -> npt.NDArray[np.int64]:
        if len(self._starts) == 0:
            return np.zeros(len(at), np.int64)
        index = np.searchsorted(self._starts, at, side="right") - 1
        within = np.minimum(at, self._ends[index]) - self._starts[index]
        passed: npt.NDArray[np.int64] = self._before[index] + within.astype(np.int64)
        return np.where(index < 0, 0, passed)


@dataclass(frozen=True, slots=True)
class Symbols:
    """The symbols of a market, side by side: tier, hours, when their price was traded, when a source last answered."""

    names: npt.NDArray[Any]
    tiers: npt.NDArray[np.int64]
    groups: npt.NDArray[Any]
    events: Moments
    answered: Moments


@dataclass(frozen=True, slots=True)
class TierAges:
    """The ages of one tier in open minutes. `old` are those that no source answered for within `limit_minutes`."""

    tier: int
    listed: int
    old: int
    never: int
    """Symbols that no source ever answered for; they are among the old ones once they had their chance."""
    limit_minutes: float
    answer_minutes: tuple[float, float, float] | None
    """Median, 95th percentile and greatest age of the look; None before the first answer."""
    price_minutes: tuple[float, float, float] | None
    oldest: tuple[str, ...] = ()
    """Some of the old ones, the oldest first."""

    @property
    def old_share(self) -> float:
        """Return old / listed."""
        return self.old / self.listed if self.listed else 0.0

    @property
    def text(self) -> str:
        """Return "tier 1: 3 of 20 symbols without an answer for 5 open minutes (ATW, IAM, BCP); median age 1.0 min"."""
        named = f" ({', '.join(self.oldest)}{', …' if self.old > len(self.oldest) else ''})" if self.oldest else ""
        median = "" if self.answer_minutes is None else f"; median age {self.answer_minutes[0]:.1f} min"
        return (
            f"tier {self.tier}: {self.old} of {self.listed} symbols without an answer for "
            f"{self.limit_minutes:g} open minutes{named}{median}"
        )


def tier_ages(
    symbols: Symbols,
    hours: Mapping[str, OpenTime],
    *,
    now: datetime,
    waited_minutes: float,
    limit_minutes: float,
) -> tuple[TierAges, ...]:
    """Return the ages of each tier, tier 1 first.

    `hours` has the open time of each group of `symbols`. A symbol is old beyond the limit, but never before so many
    minutes were waited since quotes could come.
    """
    answer, price = np.full(len(symbols.names), np.nan), np.full(len(symbols.names), np.nan)
    for group, open_time in hours.items():
        of_group = symbols.groups == group
        answer[of_group] = open_time.ages(symbols.answered[of_group], now)
        price[of_group] = open_time.ages(symbols.events[of_group], now)
    is_late = waited_minutes > limit_minutes
    found = []
    for tier in np.unique(symbols.tiers):
        of_tier = symbols.tiers == tier
        looks, prices = answer[of_tier], price[of_tier]
        is_old = (np.isnan(looks) | (looks > limit_minutes)) & is_late
        found.append(
            TierAges(
                tier=int(tier),
                listed=len(looks),
                old=int(is_old.sum()),
                never=int(np.isnan(looks).sum()),
                limit_minutes=limit_minutes,
                answer_minutes=_spread(looks),
                price_minutes=_spread(prices),
                oldest=_oldest(symbols.names[of_tier][is_old], looks[is_old]),
            )
        )
    return tuple(found)


def moments(times: Sequence[datetime | None]) -> Moments:
    """Return aware times as an array in UTC; None is NaT."""
    naive = [None if time is None else time.astimezone(UTC).replace(tzinfo=None) for time in times]
    return np.array(naive, dtype="datetime64[us]")


def _spread(ages: Minutes) -> tuple[float, float, float] | None:
    """Return median, 95th percentile and greatest of the known ages, each the age of some symbol."""
    known = np.sort(ages)[: int((~np.isnan(ages)).sum())]
    if len(known) == 0:
        return None
    median, most = (float(known[math.ceil(share * len(known)) - 1]) for share in (0.5, 0.95))
    return round(median, 2), round(most, 2), round(float(known[-1]), 2)


def _oldest(names: npt.NDArray[Any], ages: Minutes) -> tuple[str, ...]:
    order = np.argsort(np.where(np.isnan(ages), -np.inf, -ages), kind="stable")
    return tuple(str(name) for name in names[order[:NAMED]])
