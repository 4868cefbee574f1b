"""What a report is made of: the figures of one session, counted so that those of several add up.

None is "nothing stored"; an empty collection is "looked, and there was none".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np

type Spread = Mapping[float, int]
"""Value → how often it was seen: percentiles of several sessions can be taken of it."""
type Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class TierCycle:
    """What one cycle found of one tier. `seconds` is from the minute's start until its tickers were merged."""

    minute: datetime
    tier: int
    fresh: int
    listed: int
    seconds: float | None
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AgePoint:
    """Ages of all prices in one minute, in minutes of open market time."""

    minute: datetime
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class StepFigures:
    """How long a step (a source's part of it) took in each cycle of open hours, in ms."""

    step: str
    source: str | None
    milliseconds: Spread


@dataclass(frozen=True, slots=True)
class PriceAges:
    """How old each price was in each cycle of open hours, to a tenth of an open minute."""

    spread: Spread
    points: tuple[AgePoint, ...]
    without_price: int
    """Tickers that had no price, or no time of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests of one source and kind: symbols asked for, what became of them, and how long answers took (ms)."""

    source: str
    kind: str
    answered: int
    failed_by_status: Mapping[str, int]
    other: int
    """Deferred, delisted, unknown: neither answered nor failed."""
    latencies: Spread


@dataclass(frozen=True, slots=True)
class GapFigures:
    """Gaps of one symbol (* for all), cause and state."""

    symbol: str
    cause: str
    state: str
    gaps: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Move:
    """Where an instrument that traded in the session stood at its end; the change is against the previous close."""

    symbol: str
    name: str | None
    price: float
    change_percent: float | None


@dataclass(frozen=True, slots=True)
class BudgetFigures:
    """One budget over the cycles of a session; `used` counts the requests of all markets that share it."""

    source: str
    kind: str
    host: str | None
    used: int
    peak_a_minute: int
    cycles: int
    limit_a_minute: float | None
    breaker_minutes: int
    slowed_minutes: int


@dataclass(frozen=True, slots=True)
class LevelFigures:
    """Expected symbol-minutes of tier 1, those that were there in time, and the share that is promised."""

    expected: int
    good: int
    late: int
    missing: int
    objective: float


@dataclass(frozen=True)
class SessionFigures:
    """Everything counted of one session. `stretches` are its open hours as far as they have passed."""

    session_date: date
    stretches: tuple[Stretch, ...]
    cycles: tuple[TierCycle, ...] | None = None
    ages: PriceAges | None = None
    asked: tuple[Asked, ...] | None = None
    failed_by_symbol: Mapping[str, int] = field(default_factory=dict)
    set_aside: Mapping[str, int] | None = None
    """Symbol → records that were set aside."""
    gaps: tuple[GapFigures, ...] | None = None
    moves: tuple[Move, ...] | None = None
    budgets: tuple[BudgetFigures, ...] | None = None
    level: LevelFigures | None = None
    steps: tuple[StepFigures, ...] | None = None


def spread(values: Any, decimals: int = 1) -> Spread:
    """Count an array's values, rounded."""
    found, counts = np.unique(np.round(np.asarray(values, float), decimals), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def together(spreads: Iterable[Spread]) -> Spread:
    """Return several spreads as one."""
    total: Counter[float] = Counter()
    for one in spreads:
        total.update(one)
    return total


def percentile(counted: Spread, percent: float) -> float | None:
    """Return the smallest value that so many percent of all values do not exceed; None of none."""
    rank, seen = math.ceil(sum(counted.values()) * percent / 100), 0
    for value in sorted(counted):
        seen += counted[value]
        if seen >= rank:
            return value
    return None
