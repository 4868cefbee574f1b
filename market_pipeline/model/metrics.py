"""What changes slowly about an instrument: one source's report on its valuation, ranges, book and balance sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Metrics:
    """A source's report. Money is in the main unit of `currency` (dollars, not cents); None means it did not say."""

    market: str
    source: str
    symbol: str
    received_time: datetime
    event_time: datetime | None = None
    """The exchange's time of volume, day range and book; None where the source gives none."""
    volume: float | None = None
    """Shares (or base units) traded since the session opened."""
    day_high: float | None = None
    day_low: float | None = None
    market_cap: float | None = None
    """Currency units, not billions."""
    pe_ratio: float | None = None
    """Price by the earnings of the last twelve months."""
    dividend_yield: float | None = None
    """A fraction of the price: 0.031 means 3.1 %. A source that says percent is divided by 100 in its parser."""
    week_52_low: float | None = None
    week_52_high: float | None = None
    average_volume_3m: float | None = None
    """Shares a session."""
    bid: float | None = None
    bid_size: float | None = None
    """Shares, not lots."""
    ask: float | None = None
    ask_size: float | None = None
    """Shares, not lots."""
    eps: float | None = None
    """Earnings per share of the last twelve months."""
    book_value: float | None = None
    """Per share."""
    earnings_date: date | None = None
    """The next (else the last) report, in the exchange's zone."""
    shares_outstanding: float | None = None
    currency: str | None = None
    payload_sha: str | None = None


@dataclass(frozen=True, slots=True)
class Fundamentals:
    """The inputs of a Sharia screen from one balance sheet and its income statement, in currency units."""

    market: str
    source: str
    symbol: str
    received_time: datetime
    period_end: date | None = None
    """The last day of the period that the statements cover."""
    total_debt: float | None = None
    """Interest-bearing debt, short and long term."""
    cash_and_interest_bearing_deposits: float | None = None
    """Interest-bearing deposits and cash held at interest."""
    impermissible_income: float | None = None
    """Interest and other income that the standard does not permit, over the period."""
    total_revenue: float | None = None
    """Total income over the same period."""
    sector: str | None = None
    """The source's own wording of the line of business."""
    currency: str | None = None
    payload_sha: str | None = None


type MetricValue = float | date

METRIC_GROUPS: dict[str, tuple[str, ...]] = {
    "volume": ("volume",),
    "day_range": ("day_high", "day_low"),
    "book": ("bid", "bid_size", "ask", "ask_size"),
    "market_cap": ("market_cap",),
    "pe_ratio": ("pe_ratio",),
    "dividend_yield": ("dividend_yield",),
    "week_52_range": ("week_52_low", "week_52_high"),
    "average_volume_3m": ("average_volume_3m",),
    "eps": ("eps",),
    "book_value": ("book_value",),
    "earnings_date": ("earnings_date",),
    "shares_outstanding": ("shares_outstanding",),
}
"""Group → fields that come from one source or not at all: never one's low beside another's high."""
OF_THE_SESSION = frozenset({"volume", "day_range", "book"})
"""Groups that speak of the session in progress (else the last one): a new session's opening ends them."""
METRIC_FIELDS = tuple(name for fields in METRIC_GROUPS.values() for name in fields)


@dataclass(frozen=True, slots=True)
class FieldOrigin:
    """Who supplied a field, and the time for which it holds."""

    source: str
    """A source's name, or ours: instruments, bars_1d, derived."""
    as_of: datetime


@dataclass(frozen=True, slots=True)
class InstrumentMetrics:
    """The merged metrics of one instrument: a field that nobody told is absent from both mappings."""

    market: str
    symbol: str
    currency: str | None
    values: Mapping[str, MetricValue]
    origins: Mapping[str, FieldOrigin]
