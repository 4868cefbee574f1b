"""Reads what Dhan HQ v2 sends (dhanhq.co/docs/v2): quotes, charts as columns, and its two shapes of errors. Pure.

A quote:  {"data":{"NSE_EQ":{"2885":{"last_price":1520.5,"last_trade_time":"20/11/2026 14:00:01",…}}},"status":…}
A chart:  {"open":[…],"high":[…],"low":[…],"close":[…],"volume":[…],"timestamp":[1795146300.0,…]}
An error: {"errorType":"…","errorCode":"DH-904","errorMessage":"…"}, or {"data":{"807":"…"},"status":"failed"}
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from market_pipeline.errors import (
    Blocked,
    MarketPipelineError,
    NoData,
    PayloadError,
    RateLimited,
    SourceUnreachable,
    Transient,
    Unauthorised,
    UnknownSymbol,
)
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.parsing.charts import Chart, Circumstances, Days, Row, Window, checked_chart, checked_days

TIME_FORMAT = "%d/%m/%Y %H:%M:%S"
NEVER_BEFORE_YEAR = 1990
"""An instrument that has not traded carries a last trade of 01/01/1980."""
OVERLOAD_PAUSE_SECONDS = 60.0
"""After 805 ("further requests may result in the user being blocked") the source is left alone for so long."""
CENT = 0.005

_RENEW = (Unauthorised, "renew DHAN_API_TOKEN (it lives one day) and check DHAN_CLIENT_ID")
_SUBSCRIBE = (Unauthorised, "the account needs Dhan's Data API subscription")
_OURS = (PayloadError, "our request is wrong; compare it with the manual")
_THEIRS = (SourceUnreachable, "wait for Dhan to recover")
_MEANINGS: dict[str, tuple[type[MarketPipelineError], str]] = {
    **dict.fromkeys(("DH-901", "807", "808", "809", "810"), _RENEW),
    **dict.fromkeys(("DH-902", "DH-903", "806"), _SUBSCRIBE),
    **dict.fromkeys(("DH-904", "805"), (RateLimited, "lower kind_budgets in the market file if it lasts")),
    **dict.fromkeys(("DH-908", "DH-909", "DH-910", "800"), _THEIRS),
    "DH-907": (NoData, "there is nothing for this time, or the instrument is wrong"),
    "DH-911": (Blocked, "allow this machine's address for the token"),
    "813": (UnknownSymbol, "refresh the instruments"),
}


def refusal(status: int, body: bytes) -> MarketPipelineError | None:
    """Return what an error body means; None for an answer, and for a body that is not Dhan's JSON."""
    if 200 <= status < 300 and b'"errorCode"' not in body[:200] and b'"failed"' not in body[-40:]:
        return None
    try:
        code, message = _code_of(json.loads(body))
    except (ValueError, AttributeError):
        return None
    if not code:
        return None
    kind, advice = _MEANINGS.get(code, _OURS)
    text = f"asked Dhan and saw {code} ({message}): {advice}"
    if issubclass(kind, Transient):
        pause = OVERLOAD_PAUSE_SECONDS if code == "805" else None
        return kind(f"{text}; a retry may help", retry_after_seconds=pause)
    return kind(f"{text}; a retry does not help")


def _code_of(document: Mapping[str, Any]) -> tuple[str, str]:
    if document.get("errorCode"):
        return str(document["errorCode"]), str(document.get("errorMessage"))
    codes = document.get("data") if document.get("status") == "failed" else None
    return next(((str(code), str(message)) for code, message in (codes or {}).items()), ("", ""))


def parse_quotes(body: bytes, segment: str) -> Mapping[str, Any]:
    """Return security id → quote record of one segment. Ids that Dhan does not know are absent.

    Raises PayloadError for a body of another shape.
    """
    try:
        document = json.loads(body)
        records = document["data"].get(segment, {})
        if document["status"] != "success" or not isinstance(records, dict):
            raise ValueError("status or shape")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable("quotes", error) from None
    return records


def read_quote(record: Mapping[str, Any], instrument: Instrument, around: Circumstances) -> Quote:
    """Turn one record into a quote; without a trade today its price is a reference.

    Raises PayloadError when a field has the wrong type, and NoData when there is no price at all.
    """
    try:
        return _quote(record, instrument, around)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(f"the quote of {instrument.symbol}", error) from None


def _quote(record: Mapping[str, Any], instrument: Instrument, around: Circumstances) -> Quote:
    price, day, volume = _price(record["last_price"]), record.get("ohlc") or {}, record.get("volume")
    if price is None:
        raise NoData(f"Dhan names {instrument.symbol}, but no price: a retry may help after its first trade")
    traded_at = _moment(record.get("last_trade_time"), around.zone)
    is_trade = traded_at is not None and bool(volume)
    bid, ask = _best(record, "buy"), _best(record, "sell")
    return Quote(
        market=around.market,
        source=around.source,
        symbol=instrument.symbol,
        event_time=traded_at or around.received_time,
        received_time=around.received_time,
        price=price,
        price_kind=PriceKind.TRADE if is_trade else PriceKind.REFERENCE,
        open=_price(day.get("open")),
        high=_price(day.get("high")),
        low=_price(day.get("low")),
        previous_close=_previous_close(price, day.get("close"), record.get("net_change")),
        volume=None if volume is None else float(volume),
        bid=bid[0],
        bid_size=bid[1],
        ask=ask[0],
        ask_size=ask[1],
        currency=instrument.currency,
        name=instrument.name,
        payload_sha=around.payload_sha,
    )


def _price(value: Any) -> float | None:
    """Return a price; Dhan writes 0 for none."""
    if value is None:
        return None
    price = float(value)
    if not math.isfinite(price):
        raise ValueError("a price that is not finite")
    return price if price > 0 else None


def _best(record: Mapping[str, Any], side: str) -> tuple[float | None, float | None]:
    levels = (record.get("depth") or {}).get(side) or []
    price = _price(levels[0]["price"]) if levels else None
    return (price, float(levels[0]["quantity"])) if price is not None else (None, None)


def _previous_close(price: float, close: Any, change: Any) -> float | None:
    """Return the close before today: `ohlc.close` during the session, but after it that field is today's own close."""
    stated = _price(close)
    if change is None:
        return stated
    by_change = price - float(change)
    return stated if stated is not None and abs(by_change - stated) < CENT else _price(round(by_change, 2))


def _moment(text: Any, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    moment = datetime.strptime(text, TIME_FORMAT).replace(tzinfo=zone)
    return moment.astimezone(UTC) if moment.year >= NEVER_BEFORE_YEAR else None


def parse_chart(body: bytes, symbol: str, window: Window) -> Chart:
    """Return the finished minute bars of a chart. Raises PayloadError for a body of another shape."""
    return checked_chart(symbol, _rows(body), window)


def parse_daily(body: bytes, *, first: date, last: date, zone: ZoneInfo) -> Days:
    """Return the good rows of a daily chart, first <= session date <= last, stamped with the session's midnight.

    Raises PayloadError for a body of another shape.
    """
    return checked_days(_rows(body), first=first, last=last, zone=zone)


def _rows(body: bytes) -> list[Row]:
    try:
        chart = json.loads(body)
        columns = [chart[name] for name in ("timestamp", "open", "high", "low", "close", "volume")]
        return [Row(*values) for values in zip(*columns, strict=True)]
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable("a chart", error) from None


def _unreadable(what: str, error: Exception) -> PayloadError:
    return PayloadError(
        f"tried to read {what} from Dhan and got {type(error).__name__} ({error}): a retry does not help; "
        "compare the kept payload with dhanhq.co/docs/v2"
    )
