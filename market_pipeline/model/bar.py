"""Open, high, low, close and volume of one interval, labelled by the interval's start in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class BarOrigin(StrEnum):
    """Where a bar comes from, best first: the source's own chart, our ticks, or one poll a minute."""

    CHART = "chart"
    TICKS = "ticks"
    SAMPLED = "sampled"


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute of one instrument. Volume and turnover are None where they cannot be known."""

    market: str
    symbol: str
    interval_start: datetime
    session_date: date
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    origin: BarOrigin
    is_final: bool
    known_at: datetime
    turnover: float | None = None
    n_ticks: int | None = None
    is_synthetic: bool = False
    revision: int = 0


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A bar as a source's chart sends it, before we say what it means. interval_start is UTC."""

    symbol: str
    interval_start: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    turnover: float | None = None
    n_ticks: int | None = None


@dataclass(frozen=True, slots=True)
class DailyBar:
    """One session of one instrument as a source's history gives it: prices as traded, unless it says otherwise."""

    market: str
    source: str
    symbol: str
    session_date: date
    close: float
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
    turnover: float | None = None
    market_cap: float | None = None
    adjusted_close: float | None = None
    """The source's own close, adjusted for every later split and dividend that it knows of."""
    dividend: float | None = None
    """Cash per share that this session is the first to trade without, in the same units as the prices."""
    split_ratio: float | None = None
    """New shares for an old one, effective from this session on: 7.0 for a 7:1 split, 0.1 for a consolidation."""
    is_split_adjusted: bool = False
    """True where the source has divided prices and dividend by every later split already (as Yahoo does)."""
