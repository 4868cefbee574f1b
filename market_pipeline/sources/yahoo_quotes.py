"""Reads Yahoo's v7 quote answer, the only one of its that serves many symbols. Pure.

A record: {"symbol":"AAPL","currency":"USD","marketState":"REGULAR","regularMarketPrice":287.15,
"regularMarketTime":1795534200,"regularMarketVolume":12164500,"bid":287.12,"bidSize":3,"exchangeDataDelayedBy":0,…}
Prices before and after the session (preMarketPrice, postMarketPrice) are never taken for the session's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from market_pipeline.errors import PayloadError
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.parsing.readings import (
    FUTURE_TOLERANCE,
    Page,
    amount,
    price,
    signed,
    text_of,
    trade_reading,
)
from market_pipeline.sources.yahoo_payloads import WITHOUT_VOLUME, Report, Unit, moment, results_of, unit_of

type Row = Mapping[str, Any]

SHARES_A_LOT = {"us_market": 100}
"""How many shares a bidSize of 1 is, by Yahoo's `market`; where nobody knows, the size stays unknown."""


def parse_quotes(body: bytes, page: Page, *, kind: PriceKind, delay_seconds: int = 0) -> dict[str, Report[Quote]]:
    """Return what the answer says of each code. The symbol of a quote is still Yahoo's code.

    `kind` is what the market file says these prices are. A quote that Yahoo calls later than `delay_seconds` says so in
    its reason. Raises PayloadError when the body is no quote answer.
    """

    def read(row: Row) -> Report[Quote]:
        quote = read_quote(row, page, kind)
        seen = trade_reading(quote, page)
        return Report(seen.status, quote, seen.reason or _delay(row, delay_seconds))

    return read_rows(body, read)


def read_rows[Record](body: bytes, read: Callable[[Row], Report[Record]]) -> dict[str, Report[Record]]:
    """Return code → what `read` makes of its row; of several rows for a code the newest wins, the others count.

    A row that cannot be read is a parse_error of its code, and a row without a code belongs to nobody.
    """
    reports: dict[str, Report[Record]] = {}
    for code, row, older in _newest(results_of(body, "quoteResponse")):
        try:
            report = read(row)
        except PayloadError as error:
            report = Report(OutcomeStatus.PARSE_ERROR, reason=str(error), rejected=1)
        reports[code] = Report(report.status, report.record, report.reason, report.rejected + older)
    return reports


def _newest(rows: list[Any]) -> Iterator[tuple[str, Row, int]]:
    by_code: dict[str, list[Row]] = {}
    for row in rows:
        code = row.get("symbol") if isinstance(row, dict) else None
        if isinstance(code, str) and code:
            by_code.setdefault(code, []).append(row)
    for code, found in by_code.items():
        yield code, max(reversed(found), key=_age_rank), len(found) - 1


def _age_rank(row: Row) -> float:
    seconds = row.get("regularMarketTime")
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def read_quote(row: Row, page: Page, kind: PriceKind) -> Quote:
    """Turn a row into a quote in the currency's main unit. Raises PayloadError for a price or time that cannot be."""
    unit = unit_of(row.get("currency"))
    last, event_time = unit.scaled(price(row, "regularMarketPrice")), event_time_of(row, page)
    if last is None:
        raise PayloadError("no regularMarketPrice")
    if event_time is None:
        raise PayloadError("no regularMarketTime: the price may be of any day")
    bid, bid_size, ask, ask_size = book_of(row, unit)
    return Quote(
        market=page.market,
        source=page.source,
        symbol=row["symbol"],
        event_time=event_time,
        received_time=page.received_time,
        price=last,
        price_kind=kind,
        open=unit.scaled(price(row, "regularMarketOpen")),
        high=unit.scaled(price(row, "regularMarketDayHigh")),
        low=unit.scaled(price(row, "regularMarketDayLow")),
        previous_close=unit.scaled(price(row, "regularMarketPreviousClose")),
        volume=volume_of(row, "regularMarketVolume"),
        bid=bid,
        bid_size=bid_size,
        ask=ask,
        ask_size=ask_size,
        market_cap=amount(row, "marketCap") or None,
        change_1d_percent=signed(row, "regularMarketChangePercent"),
        currency=unit.currency,
        name=text_of(row.get("longName")) or text_of(row.get("shortName")),
        source_status=text_of(row.get("marketState")),
        payload_sha=page.payload_sha,
    )


def event_time_of(row: Row, page: Page) -> datetime | None:
    """Return the exchange's time of the session's price. Raises PayloadError for one in the future."""
    event_time = moment(row, "regularMarketTime")
    if event_time is not None and event_time > page.received_time + FUTURE_TOLERANCE:
        raise PayloadError(f"regularMarketTime {event_time:%Y-%m-%d %H:%M:%S}Z is in the future")
    return event_time


def volume_of(row: Row, key: str) -> float | None:
    """Return a volume in shares or contracts, None for what has none: currencies, and indices that send 0."""
    kind = row.get("quoteType")
    if kind in WITHOUT_VOLUME:
        return None
    volume = amount(row, key)
    return volume or None if kind == "INDEX" else volume


def book_of(row: Row, unit: Unit) -> tuple[float | None, float | None, float | None, float | None]:
    """Return bid, its size, ask and its size in shares. An index has no book, whatever Yahoo sends."""
    if row.get("quoteType") == "INDEX":
        return None, None, None, None
    bid, ask = unit.scaled(price(row, "bid")), unit.scaled(price(row, "ask"))
    lot = SHARES_A_LOT.get(str(row.get("market")))
    bid_lots, ask_lots = amount(row, "bidSize"), amount(row, "askSize")
    return bid, _shares(bid, bid_lots, lot), ask, _shares(ask, ask_lots, lot)


def _shares(side: float | None, lots: float | None, lot: int | None) -> float | None:
    return lots * lot if side is not None and lots and lot is not None else None


def _delay(row: Row, declared_seconds: int) -> str | None:
    minutes = amount(row, "exchangeDataDelayedBy") or 0.0
    if 60 * minutes <= declared_seconds:
        return None
    return f"Yahoo says {minutes:g} min late, the market file declares {declared_seconds} s"
