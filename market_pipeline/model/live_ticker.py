"""The merged state of one instrument, with the provenance of every field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from market_pipeline.model.quote import PriceKind


@dataclass(frozen=True, slots=True)
class FieldProvenance:
    """Who supplied a field group and who lost, with the reason (stale, outlier_vs_median, not_a_trade …)."""

    source: str
    event_time: datetime
    received_time: datetime
    price_kind: PriceKind
    losers: Mapping[str, str] = field(default_factory=dict)
    """Losing source → "value: reason"."""


@dataclass(frozen=True, slots=True)
class PendingPrice:
    """A price held back because it jumped: it is shown once a second source or a later poll agrees."""

    price: float
    source: str
    event_time: datetime
    received_time: datetime
    since: datetime
    """received_time of the first poll that said so."""


@dataclass(frozen=True, slots=True)
class LiveTicker:
    """One instrument as we know it now; None means that no eligible source said."""

    market: str
    symbol: str
    event_time: datetime
    received_time: datetime
    price: float | None
    price_kind: PriceKind
    source: str
    flags: tuple[str, ...] = ()
    open: float | None = None
    high: float | None = None
    low: float | None = None
    previous_close: float | None = None
    volume: float | None = None
    turnover: float | None = None
    bid: float | None = None
    bid_size: float | None = None
    ask: float | None = None
    ask_size: float | None = None
    market_cap: float | None = None
    change_1d_percent: float | None = None
    change_ytd_percent: float | None = None
    provenance: Mapping[str, FieldProvenance] = field(default_factory=dict)
    """Field group (last, session, book, valuation, reference, change_ytd) → who supplied it."""
    pending: PendingPrice | None = None
    """The price that is being held back, if there is one."""
