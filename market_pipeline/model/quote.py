"""One source's report on one instrument at one time, never edited afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PriceKind(StrEnum):
    """What the price is: only a trade is proof that somebody paid it."""

    TRADE = "trade"
    CLOSE = "close"
    REFERENCE = "reference"
    INDICATIVE = "indicative"


@dataclass(frozen=True, slots=True)
class Quote:
    """A report. Prices are in the instrument's main currency unit; None means that the source did not say.

    event_time is the exchange's time of the price, accurate to event_precision_seconds (86,400 for a page that
    gives a date only: the event lies anywhere within that day); received_time is ours. A source may give no time at
    all: then is_undated, and event_time is the moment at which we first saw this content.
    """

    market: str
    source: str
    symbol: str
    event_time: datetime
    received_time: datetime
    price: float | None
    price_kind: PriceKind
    event_precision_seconds: float = 1.0
    open: float | None = None
    high: float | None = None
    low: float | None = None
    previous_close: float | None = None
    volume: float | None = None
    """Shares (or base units) traded since the session opened."""
    turnover: float | None = None
    """Money traded since the session opened, in the instrument's currency."""
    bid: float | None = None
    bid_size: float | None = None
    ask: float | None = None
    ask_size: float | None = None
    market_cap: float | None = None
    """Market capitalisation in currency units (not billions)."""
    change_1d_percent: float | None = None
    change_ytd_percent: float | None = None
    currency: str | None = None
    name: str | None = None
    source_status: str | None = None
    """The source's own status token, verbatim."""
    payload_sha: str | None = None
    is_undated: bool = False
    """The source gave no time with a price that somebody paid. A reference price needs none: it holds while said."""
