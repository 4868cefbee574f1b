"""What the merge tests are written in: a market of three resellers, one of two independent feeds, and a clock face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from market_pipeline.markets.schema import MarketFile
from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.transforms.merge import MergeResult, merge_tickers

NOW = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
"""A Friday, two and a half hours before Casablanca closes."""
TODAY = datetime(2026, 11, 20, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
BVC, WAFA, AFRICAN = "casablanca_bourse", "wafa_bourse", "african_markets"
DAY = 86_400.0


def source(name: str, **rule: Any) -> dict[str, Any]:
    return {"name": name, "terms": "for tests", "max_age_minutes": 45, **rule}


def market(**changes: Any) -> MarketFile:
    """Casablanca: three sources that resell one feed, ATW with a tick of 0.05, a daily band of 10 %."""
    text = {
        "market": "casablanca",
        "title": "Casablanca",
        "exchange": "Casablanca Stock Exchange",
        "country": "Morocco",
        "currency": "MAD",
        "calendar": {"name": "XCAS", "zone": "Africa/Casablanca"},
        "sources": [source(name, feed_group="bvc_feed") for name in (BVC, WAFA, AFRICAN)],
        "symbols": [{"symbol": "ATW", "name": "Attijariwafa Bank", "tick_size": 0.05}],
        "merge": {"daily_band_percent": 10.0},
    }
    return MarketFile.model_validate(text | changes)


CASABLANCA = market()
INDEPENDENT = market(sources=[source(name) for name in ("alpha", "beta", "gamma")], merge={})
"""Three sources with feeds of their own, no daily band."""


def open_minutes(a: datetime, b: datetime, *, group: str | None = None) -> float:
    """Minutes of 09:30–15:30 UTC, Monday to Friday, between two moments; the group `asleep` never trades."""
    if group == "asleep":
        return 0.0
    start, end = a, b
    total, day = 0.0, start.date()
    while day <= end.date():
        opening, closing = (datetime.combine(day, at, UTC) for at in (time(9, 30), time(15, 30)))
        if day.weekday() < 5:
            total += max((min(end, closing) - max(start, opening)).total_seconds(), 0) / 60
        day += timedelta(days=1)
    return total


def quote(source: str = BVC, price: float | None = 739.0, *, minutes_ago: float = 1, **fields: Any) -> Quote:
    """A trade of ATW some minutes before NOW, received at NOW."""
    given = {
        "market": "casablanca",
        "source": source,
        "symbol": "ATW",
        "event_time": NOW - timedelta(minutes=minutes_ago),
        "received_time": NOW,
        "price": price,
        "price_kind": PriceKind.TRADE,
    }
    return Quote(**(given | fields))


def day_quote(source: str = AFRICAN, price: float | None = 739.0, *, day: date | None = None, **fields: Any) -> Quote:
    """A report that names only the date of its price."""
    at = TODAY if day is None else datetime.combine(day, time(), UTC)
    return quote(source, price, event_time=at, event_precision_seconds=DAY, **fields)


def merge(
    quotes: Sequence[Quote],
    *,
    previous: LiveTicker | None = None,
    market_file: MarketFile = CASABLANCA,
    now: datetime = NOW,
) -> MergeResult:
    known: Mapping[str, LiveTicker] = {} if previous is None else {previous.symbol: previous}
    return merge_tickers(quotes, now=now, market_file=market_file, previous=known, open_minutes=open_minutes)


def ticker(
    quotes: Sequence[Quote],
    *,
    previous: LiveTicker | None = None,
    market_file: MarketFile = CASABLANCA,
    now: datetime = NOW,
) -> LiveTicker:
    """The one ticker that a merge of one symbol gives."""
    (only,) = merge(quotes, previous=previous, market_file=market_file, now=now).tickers
    return only


def reasons(result: MergeResult) -> dict[str, str]:
    return {item.quote.source: str(item.reason) for item in result.set_aside}
