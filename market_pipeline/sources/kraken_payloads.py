"""Reads what Kraken sends (docs.kraken.com/api): tickers, charts, trades, books, pairs. Pure.

A ticker: {"XXBTZUSD":{"a":["91000.1","1","1.000"],"b":[…],"c":["91000.1","0.001"],"v":["812.4","2004.2"],…}}
A chart:  {"XXBTZUSD":[[1795167000,"90980.0","91010.0","90955.1","91000.0","90984.2","3.51200417",87],…],"last":…}
A trade:  ["90980.00000","0.00100000",1795167001.2345679,"b","m","",81230011]; a level of the book: [price, size, time]
Where a ticker has two numbers, the first is since 00:00 UTC and the second of the last 24 hours.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from market_pipeline.errors import UnknownSymbol
from market_pipeline.markets.schema import SymbolRule
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.order_book import Level, OrderBook
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.model.tick import Tick
from market_pipeline.sources.kraken_dialect import answer_names, exchange, pair_of, result_of, unreadable
from market_pipeline.sources.parsing.charts import Chart, Circumstances, Days, Row, Window, checked_chart, checked_days

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_ticker(
    record: Mapping[str, Any], instrument: Instrument, around: Circumstances, *, precision_seconds: float
) -> Quote:
    """Turn a ticker into a quote whose volume, high and low are of the present UTC day.

    A ticker has no time: the last trade lies somewhere within the poll's cadence before its content was first seen,
    which is not known here: see is_undated. Raises PayloadError when a field is missing or no number.
    """
    try:
        ticker = exchange().parse_ticker(dict(record), None)
        volume = float(record["v"][0])
        return Quote(
            market=around.market,
            source=around.source,
            symbol=instrument.symbol,
            event_time=around.received_time,
            received_time=around.received_time,
            price=_required(_price(record["c"][0])),
            price_kind=PriceKind.TRADE,
            event_precision_seconds=precision_seconds,
            open=_price(record["o"]),
            high=_price(record["h"][0]),
            low=_price(record["l"][0]),
            volume=volume,
            turnover=volume * float(record["p"][0]),
            bid=_price(ticker["bid"]),
            bid_size=ticker["bidVolume"] if ticker["bid"] else None,
            ask=_price(ticker["ask"]),
            ask_size=ticker["askVolume"] if ticker["ask"] else None,
            currency=instrument.currency,
            name=instrument.name,
            payload_sha=around.payload_sha,
            is_undated=True,
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise unreadable(f"the ticker of {instrument.symbol}", error) from None


def _price(value: Any) -> float | None:
    """Return a price; None and 0 stand for none."""
    if value is None:
        return None
    price = float(value)
    if not math.isfinite(price) or price < 0:
        raise ValueError(f"a price of {value}")
    return price or None


def _required(price: float | None) -> float:
    if price is None:
        raise ValueError("no last price")
    return price


def parse_chart(body: bytes, code: str, *, symbol: str, window: Window) -> Chart:
    """Return the finished minute bars of an OHLC answer. Raises PayloadError for another shape."""
    # the question has a start and no end, so what comes after the window is no fault of the answer
    rows = [row for row in _rows(body, code) if row.seconds < window.end.timestamp()]
    return checked_chart(symbol, rows, window)


def parse_daily(body: bytes, code: str, *, first: date, last: date) -> Days:
    """Return the good rows of a daily OHLC answer, first <= UTC date <= last. Raises PayloadError for another shape."""
    return checked_days(_rows(body, code), first=first, last=last, zone=UTC)


def _rows(body: bytes, code: str) -> list[Row]:
    try:
        return [_row(row) for row in pair_of(result_of(body), code)]
    except (IndexError, TypeError, ValueError) as error:
        raise unreadable(f"the chart of {code}", error) from None


def _row(row: list[Any]) -> Row:
    # ccxt drops the mean price and the number of trades
    milliseconds, first, high, low, last, volume = exchange().parse_ohlcv(row)
    return Row(milliseconds / 1000, first, high, low, last, volume, volume * float(row[5]), int(row[7]))


def parse_trades(body: bytes, code: str, *, symbol: str) -> tuple[tuple[Tick, ...], str]:
    """Return the trades of a page in their order, and the cursor of the next one. Raises PayloadError."""
    result = result_of(body)
    try:
        return tuple(_tick(row, symbol) for row in pair_of(result, code)), str(result["last"])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise unreadable(f"the trades of {code}", error) from None


def _tick(row: list[Any], symbol: str) -> Tick:
    # ccxt cuts the time to milliseconds; Kraken has more
    trade = exchange().parse_trade(row, None)
    moment = EPOCH + timedelta(microseconds=round(row[2] * 1_000_000))
    return Tick(symbol, moment, trade["price"], trade["amount"], trade["id"])


def parse_book(body: bytes, code: str, *, symbol: str, received_time: datetime) -> OrderBook:
    """Return the resting orders, best first. Raises PayloadError for another shape."""
    try:
        # ccxt takes anything for a book, and makes an empty one of it
        sides = {side: pair_of(result_of(body), code)[side] for side in ("bids", "asks")}
        book = exchange().parse_order_book(sides, code)
        bids, asks = (tuple(Level(*row[:2]) for row in book[side]) for side in ("bids", "asks"))
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise unreadable(f"the book of {code}", error) from None
    return OrderBook(symbol, received_time, bids, asks)


def parse_pairs(body: bytes) -> tuple[Mapping[str, Any], ...]:
    """Return ccxt's description of every pair (id, symbol, active, precision …). Raises PayloadError."""
    document = {"error": [], "result": result_of(body)}
    reader = copy.copy(exchange())
    reader.publicGetAssetPairs = lambda _params=None: document
    try:
        return tuple(reader.fetch_markets())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable("the pairs", error) from None


def listed_pair(pairs: Sequence[Mapping[str, Any]], code: str) -> Mapping[str, Any]:
    """Return the pair that `code` names: ccxt's symbol, or Kraken's id or short name. Raises UnknownSymbol for none."""
    names = answer_names(code)
    for pair in pairs:
        if pair["symbol"] == code or pair["id"] in names or pair.get("altname") in names:
            return pair
    raise UnknownSymbol(f"Kraken lists no pair {code}: a retry does not help; correct its alias in the market file")


def listed_instrument(rule: SymbolRule, pair: Mapping[str, Any], *, market: str, source: str) -> Instrument:
    """Return the market file's symbol with the id, the currency, and the price and size steps that Kraken lists."""
    steps = pair["precision"]
    others = tuple(Alias(a.source, a.code, a.valid_from, a.valid_to) for a in rule.aliases if a.source != source)
    return Instrument(
        market=market,
        symbol=rule.symbol,
        name=rule.name,
        currency=pair["quote"],
        tier=rule.tier,
        tick_size=steps["price"],
        lot_size=steps["amount"],
        group=rule.group,
        aliases=(*others, Alias(source, pair["id"])),
    )
