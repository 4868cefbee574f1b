"""Kraken's public REST API (docs.kraken.com/api): numbers as text, pairs under long names, errors with status 200.

The minute and day charts show a flat row with count 0 for a minute without trades, as Kraken does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from itertools import islice
from typing import Any

from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.standing import BookLevel, Standing
from market_pipeline.simulator.tape import SECOND
from market_pipeline.simulator.viewpoint import Bar
from market_pipeline.simulator.wire.format import Call, Reply, Route, Wire, fixed, json_reply
from market_pipeline.simulator.wire.kraken_pairs import assets_of, find_pair, pair_facts, pair_id

MOST_ROWS = 720
MOST_TRADES = 1000
MOST_LEVELS = 500
INTERVALS_MINUTES = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
DAY_SECONDS = 86_400
HOUR_NS = 3600 * SECOND
LARGEST_SECOND = 10**14
"""A larger cursor counts nanoseconds."""
WARM_UP_SECONDS = 3600
"""A chart's first minutes may be quiet: the price before them is looked for so far back."""
ERROR_OF_STATUS = {
    401: "EGeneral:Permission denied",
    403: "EGeneral:Permission denied",
    404: "EGeneral:Unknown method",
    429: "EGeneral:Too many requests",
    500: "EGeneral:Internal error",
    503: "EService:Unavailable",
}


def refuse(status: int, _method: str, _path: str) -> Reply:
    """Return what Kraken answers with a status; an unknown method is an error with status 200."""
    return json_reply({"error": [ERROR_OF_STATUS.get(status, "EGeneral:Internal error")]}, status=status)


def _error(text: str) -> Reply:
    return json_reply({"error": [text]})


def _result(document: Any) -> Reply:
    return json_reply({"error": [], "result": document})


def _pairs(call: Call) -> list[Listing] | None:
    """Return the pairs that a call names, all without a name, None when one is unknown."""
    text = call.param("pair")
    if not text:
        return list(call.view.exchange.listings.values())
    found = [find_pair(call.view.exchange, name) for name in text.split(",")]
    return None if None in found else [listing for listing in found if listing is not None]


def _for_one(answer: Callable[[Call, Listing], Reply]) -> Callable[[Call], Reply]:
    def checked(call: Call) -> Reply:
        if not call.param("pair"):
            return _error("EGeneral:Invalid arguments")
        found = _pairs(call)
        return _error("EQuery:Unknown asset pair") if not found or len(found) != 1 else answer(call, found[0])

    return checked


def _asset_pairs(call: Call) -> Reply:
    listings = _pairs(call)
    if listings is None:
        return _error("EQuery:Unknown asset pair")
    return _result({pair_id(listing): pair_facts(listing) for listing in listings})


def _assets(call: Call) -> Reply:
    return _result(assets_of(call.view.exchange))


def _ticker(call: Call) -> Reply:
    listings = _pairs(call)
    if listings is None:
        return _error("EQuery:Unknown asset pair")
    rows = call.view.standings([listing.symbol for listing in listings])
    return _result({pair_id(row.listing): _ticker_row(call, row) for row in rows})


def _ticker_row(call: Call, row: Standing) -> dict[str, Any]:
    day = call.view.exchange.minutes(
        row.listing.symbol, start=call.view.at - DAY_SECONDS, end=call.view.at + 60, at=call.view.at
    )
    book = call.view.book(row, levels=1)
    volume = float(day.volume.sum())
    mean = float((day.volume * (day.open + day.high + day.low + day.close) / 4).sum()) / volume if volume else 0.0
    today = (row.turnover or 0.0) / row.volume if row.volume else 0.0
    low = min(filter(None, (row.low, float(day.low.min()) if len(day.low) else None)), default=None)
    high = max(filter(None, (row.high, float(day.high.max()) if len(day.high) else None)), default=None)
    price, lots = _price_text(row.listing), _lots
    return {
        "a": _best(book.asks, price), "b": _best(book.bids, price), "c": [price(row.price), lots(row.last_size)],
        "v": [lots(row.volume), lots(volume)], "p": [price(today), price(mean)],
        "t": [row.trades or 0, int(day.trades.sum())],
        "l": [price(row.low), price(low)], "h": [price(row.high), price(high)], "o": price(row.open),
    }  # fmt: skip


def _price_text(listing: Listing) -> Callable[[float | None], str | None]:
    """Tickers, trades and books show at least five decimals, whatever the pair has."""
    return lambda value: fixed(value, max(5, listing.decimals))


def _lots(value: float | None) -> str | None:
    text = fixed(value, 8)
    # a part of a recorded volume may have more decimals, and all parts together are the volume
    return text if value is None or text is None or float(text) == value else f"{Decimal(repr(value)):f}"


def _best(side: tuple[BookLevel, ...], price: Callable[[float | None], str | None]) -> list[str | None]:
    if not side:
        return [price(0.0), "0", "0.000"]
    return [price(side[0].price), str(int(side[0].size)), f"{side[0].size:.3f}"]


def _depth(call: Call, listing: Listing) -> Reply:
    rows = call.view.standings([listing.symbol])
    levels = min(_count(call, 100), MOST_LEVELS)
    book = call.view.book(rows[0], levels=levels) if rows else None
    price = _price_text(listing)

    def side(levels: tuple[BookLevel, ...]) -> list[Any]:
        return [[price(level.price), f"{level.size:.3f}", level.placed_at] for level in levels]

    return _result(
        {pair_id(listing): {"asks": side(book.asks) if book else [], "bids": side(book.bids) if book else []}}
    )


def _ohlc(call: Call, listing: Listing) -> Reply:
    text = call.param("interval") or "1"
    minutes = int(text) if text.isdigit() else 0
    if minutes not in INTERVALS_MINUTES:
        return _error("EGeneral:Invalid arguments:interval")
    step = 60 * minutes
    running = int(call.view.at) // step * step
    since = (_since(call.param("since")) or 0) // SECOND
    first = max(running - (MOST_ROWS - 1) * step, since // step * step)
    rows = _chart(call, listing, step=step, first=first)
    shown = [_chart_row(row, listing) for row in rows if row.start >= first and row.start > since]
    finished = [row.start for row in rows if row.start < running]
    return _result({pair_id(listing): shown, "last": finished[-1] if finished else 0})


def _chart(call: Call, listing: Listing, *, step: int, first: int) -> list[Bar]:
    if step % DAY_SECONDS == 0:
        bars = _daily_bars(call, listing, first=first)
    else:
        bars = call.view.bars(listing.symbol, start=first - WARM_UP_SECONDS, end=call.view.at + 60)
    if step == 60:
        return _filled(bars, call) if call.view.exchange.is_model else bars
    grouped: dict[int, list[Bar]] = {}
    for bar in bars:
        grouped.setdefault(bar.start // step * step, []).append(bar)
    return [_joined(start, group) for start, group in grouped.items()]


def _filled(bars: list[Bar], call: Call) -> list[Bar]:
    """Put a flat row without volume into each minute that has none."""
    filled: list[Bar] = []
    for bar in bars:
        while filled and filled[-1].start < bar.start - 60:
            filled.append(_flat(filled[-1], filled[-1].start + 60))
        filled.append(bar)
    running = int(call.view.at) // 60 * 60
    while filled and call.view.is_plain and filled[-1].start < running:
        filled.append(_flat(filled[-1], filled[-1].start + 60))
    return filled


def _flat(before: Bar, start: int) -> Bar:
    return Bar(start, before.close, before.close, before.close, before.close, 0.0, 0)


def _daily_bars(call: Call, listing: Listing, *, first: int) -> list[Bar]:
    start = datetime.fromtimestamp(max(first, 0), UTC).date()
    today = datetime.fromtimestamp(call.view.at, UTC).date()
    days = call.view.days(listing.symbol, first=start, last=today - timedelta(days=1))
    bars = [
        Bar(_midnight(day.session_date), day.open, day.high, day.low, day.close, day.volume, day.trades or 0)
        for day in days
    ]
    rows = (row for row in call.view.standings([listing.symbol]) if row.has_traded)
    now = [Bar(_midnight(today), row.open, row.high, row.low, row.price, row.volume, row.trades or 0) for row in rows]
    return bars + now


def _midnight(day: Any) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _joined(start: int, bars: list[Bar]) -> Bar:
    highs = [bar.high for bar in bars if bar.high is not None]
    lows = [bar.low for bar in bars if bar.low is not None]
    volume = sum(bar.volume or 0.0 for bar in bars)
    return Bar(
        start, bars[0].open, max(highs, default=None), min(lows, default=None), bars[-1].close, volume,
        sum(bar.trades for bar in bars),
    )  # fmt: skip


def _chart_row(row: Bar, listing: Listing) -> list[Any]:
    prices = (row.open, row.high, row.low, row.close)
    known = [price for price in prices if price is not None]
    mean = sum(known) / len(known) if known and row.trades else 0.0
    vwap = f"{mean:.{listing.decimals}f}" if row.trades else "0.0"
    return [row.start, *(fixed(price, listing.decimals) for price in prices), vwap, _lots(row.volume), row.trades]


def _trades(call: Call, listing: Listing) -> Reply:
    now_ns = int(call.view.at * SECOND)
    since = _since(call.param("since"))
    most = min(_count(call, MOST_TRADES), MOST_TRADES)
    trades = call.view.trades(listing.symbol, after_ns=now_ns - HOUR_NS if since is None else since)
    found = list(trades)[-most:] if since is None else list(islice(trades, most))
    price = _price_text(listing)
    rows = [
        [
            price(t.price),
            _lots(t.size),
            t.time_ns / SECOND,
            "b" if t.is_buy else "s",
            "l" if t.trade_id % 3 else "m",
            "",
            t.trade_id,
        ]
        for t in found
    ]
    last = found[-1].time_ns if found else since if since is not None else now_ns
    return _result({pair_id(listing): rows, "last": str(last)})


def _since(text: str | None) -> int | None:
    """Read a trade cursor: nanoseconds as Kraken's `last` has them, or seconds."""
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number * SECOND) if number < LARGEST_SECOND else int(text)


def _count(call: Call, default: int) -> int:
    text = call.param("count") or ""
    return int(text) if text.isdigit() else default


def _time(call: Call) -> Reply:
    moment = datetime.fromtimestamp(int(call.now), UTC)
    return _result({"unixtime": int(call.now), "rfc1123": format_datetime(moment)})


def _status(call: Call) -> Reply:
    return _result({"status": "online", "timestamp": f"{datetime.fromtimestamp(call.now, UTC):%Y-%m-%dT%H:%M:%SZ}"})


def _asked_symbol(call: Call) -> str | None:
    listing = find_pair(call.view.exchange, call.param("pair") or "")
    return listing.symbol if listing else None


WIRE = Wire(
    source="kraken",
    routes=(
        Route("GET", "/0/public/Time", _time),
        Route("GET", "/0/public/SystemStatus", _status),
        Route("GET", "/0/public/Assets", _assets),
        Route("GET", "/0/public/AssetPairs", _asset_pairs),
        Route("GET", "/0/public/Ticker", _ticker, _asked_symbol),
        Route("GET", "/0/public/OHLC", _for_one(_ohlc), _asked_symbol),
        Route("GET", "/0/public/Trades", _for_one(_trades), _asked_symbol),
        Route("GET", "/0/public/Depth", _for_one(_depth), _asked_symbol),
    ),
    refuse=refuse,
)
