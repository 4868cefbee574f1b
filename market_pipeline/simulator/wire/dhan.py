"""Dhan HQ v2: quotes keyed by security id, charts as columns, the instrument master (dhanhq.co/docs/v2).

Times of last trades are IST wall time as text; chart timestamps are epoch seconds as floats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from market_pipeline.simulator.standing import BookLevel, Standing, is_nan
from market_pipeline.simulator.viewpoint import Bar
from market_pipeline.simulator.wire.dhan_master import master_csv, security_ids, symbols_by_id
from market_pipeline.simulator.wire.dhan_text import columns_text, plain_columns
from market_pipeline.simulator.wire.format import Call, Reply, Route, Wire, html_page, json_reply, whole

SEGMENT = "NSE_EQ"
MOST_INSTRUMENTS = 1000
LONGEST_CHART = timedelta(days=90)
INTERVALS = {"1": 1, "5": 5, "15": 15, "25": 25, "60": 60}
SESSION_OPEN_UTC_SECONDS = 3 * 3600 + 45 * 60
"""09:15 IST, from which longer intervals are counted."""
NEVER = "01/01/1980 00:00:00"
IST = ZoneInfo("Asia/Kolkata")
DEPTH_LEVELS = 5
EXPIRED_TOKEN = "expired"  # noqa: S105 - the token that this simulation refuses

ERRORS = {
    "DH-901": (401, "Invalid_Authentication", "Client ID or user generated access token is invalid or expired."),
    "DH-903": (403, "Invalid_Access", "User account is not allowed to use this API."),
    "DH-904": (
        429, "Rate_Limit",
        "Too many requests on server from single user breaching rate limits. Try throttling API calls.",
    ),
    "DH-905": (400, "Input_Exception", "Missing required fields, bad values for parameters etc."),
    "DH-907": (
        400, "Data_Error", "System is unable to fetch data due to incorrect parameters or no data present.",
    ),
    "DH-908": (500, "Internal_Server_Error", "Server was not able to process API request."),
    "DH-909": (503, "Network_Error", "Network error where the API was unable to communicate with the backend system."),
}  # fmt: skip
FEED_ERRORS = {
    401: ("807", "Access token is expired"),
    429: ("805", "Too many requests. Further requests may result in the user being blocked."),
}
CODE_OF_STATUS = {401: "DH-901", 403: "DH-903", 429: "DH-904", 500: "DH-908", 503: "DH-909"}


class _Refused(Exception):  # noqa: N818 - it carries an answer, not a failure of ours
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def error_reply(code: str) -> Reply:
    """Return the answer that carries one of Dhan's error codes."""
    status, kind, message = ERRORS[code]
    return json_reply({"errorType": kind, "errorCode": code, "errorMessage": message}, status=status)


def refuse(status: int, _method: str, path: str) -> Reply:
    """Return what Dhan answers with a status: the market feed has its own form of 401 and 429."""
    if path.startswith("/v2/marketfeed/") and status in FEED_ERRORS:
        code, message = FEED_ERRORS[status]
        return json_reply({"data": {code: message}, "status": "failed"}, status=status)
    if status == 404:
        return Reply(html_page("404 Not Found", "<body><h1>404 Not Found</h1></body>"), 404, "text/html")
    return error_reply(CODE_OF_STATUS.get(status, "DH-908"))


def _guarded(answer: Callable[[Call, Any], Reply]) -> Callable[[Call], Reply]:
    def checked(call: Call) -> Reply:
        token = call.headers.get("access-token", "")
        if not token or token == EXPIRED_TOKEN:
            return refuse(401, "POST", call.path) if token else error_reply("DH-901")
        body = call.json()
        if not isinstance(body, dict):
            return error_reply("DH-905")
        try:
            return answer(call, body)
        except _Refused as refused:
            return error_reply(refused.code)

    return checked


def _quotes(call: Call, body: dict[str, Any]) -> Reply:
    if not call.headers.get("client-id"):
        raise _Refused("DH-901")
    wanted = {segment: ids for segment, ids in body.items() if isinstance(ids, list)}
    if not wanted or sum(map(len, wanted.values())) > MOST_INSTRUMENTS:
        raise _Refused("DH-905")
    symbols = symbols_by_id(call.view.exchange)
    asked = [symbols[str(number)] for number in wanted.get(SEGMENT, ()) if str(number) in symbols]
    ids = security_ids(call.view.exchange)
    encode = {"ltp": _ltp, "ohlc": _ohlc}.get(call.path.rsplit("/", 1)[-1], _quote)
    data = {ids[row.listing.symbol]: encode(call, row) for row in call.view.standings(asked)}
    return json_reply({"data": {SEGMENT: data} if data else {}, "status": "success"})


def _ltp(_call: Call, row: Standing) -> dict[str, Any]:
    return {"last_price": row.price}


def _ohlc(_call: Call, row: Standing) -> dict[str, Any]:
    zero = None if row.has_traded else 0.0
    return {
        "last_price": row.price,
        "ohlc": {
            "close": row.previous_close,
            "high": row.high if row.high is not None else zero,
            "low": row.low if row.low is not None else zero,
            "open": row.open if row.open is not None else zero,
        },
    }


def _quote(call: Call, row: Standing) -> dict[str, Any]:
    book = call.view.book(row, levels=DEPTH_LEVELS)
    buys, sells = [_depth(side) for side in (book.bids, book.asks)]
    unknown = None if row.has_traded else 0
    prices = _ohlc(call, row)
    return {
        "average_price": _average(row),
        "buy_quantity": 17 * sum(level["quantity"] for level in buys),
        "depth": {"buy": buys, "sell": sells},
        "last_price": row.price,
        "last_quantity": unknown if row.last_size is None else whole(row.last_size),
        "last_trade_time": _ist_text(row),
        "lower_circuit_limit": _limit(row, 0.9),
        "net_change": row.change if row.has_traded else 0.0,
        "ohlc": prices["ohlc"],
        "oi": 0,
        "oi_day_high": 0,
        "oi_day_low": 0,
        "sell_quantity": 17 * sum(level["quantity"] for level in sells),
        "upper_circuit_limit": _limit(row, 1.1),
        "volume": unknown if row.volume is None else whole(row.volume),
    }


def _depth(side: Sequence[BookLevel]) -> list[dict[str, Any]]:
    levels = [{"quantity": level.size, "orders": level.orders, "price": level.price} for level in side]
    return levels + [{"quantity": 0, "orders": 0, "price": 0.0}] * (DEPTH_LEVELS - len(levels))


def _average(row: Standing) -> float | None:
    if not row.volume:
        return 0.0 if row.volume == 0 or not row.has_traded else None
    return round((row.turnover or 0.0) / row.volume, 2)


def _limit(row: Standing, factor: float) -> float | None:
    if row.previous_close is None or is_nan(row.previous_close):
        return row.previous_close
    scale, tick = 10**row.listing.decimals, row.listing.tick
    return float(round(row.previous_close * factor * scale / tick) * tick / scale)


def _ist_text(row: Standing) -> str:
    if row.traded_at is None:
        return NEVER
    return f"{datetime.fromtimestamp(row.traded_at, IST):%d/%m/%Y %H:%M:%S}"


def _intraday(call: Call, body: dict[str, Any]) -> Reply:
    symbol = _symbol(call, body)
    interval = INTERVALS.get(str(body.get("interval", "1")))
    start, end = (_ist_moment(body.get(name)) for name in ("fromDate", "toDate"))
    if interval is None or end < start or end - start > LONGEST_CHART:
        raise _Refused("DH-905")
    first, last = start.timestamp(), end.timestamp() + 1
    if call.view.is_plain and interval == 1:
        return Reply(plain_columns(call.view.slices(symbol, start=first, end=last)))
    bars = call.view.bars(symbol, start=first, end=last)
    return Reply(columns_text(_grouped(bars, interval)))


def _grouped(bars: list[Bar], minutes: int) -> list[Bar]:
    """Join bars into intervals counted from 09:15 IST."""
    if minutes == 1:
        return bars
    groups: dict[int, list[Bar]] = {}
    for bar in bars:
        offset = (bar.start % 86_400 - SESSION_OPEN_UTC_SECONDS) % (60 * minutes)
        groups.setdefault(bar.start - offset, []).append(bar)
    return [_joined(start, group) for start, group in groups.items()]


def _joined(start: int, bars: list[Bar]) -> Bar:
    known = [bar for bar in bars if bar.close is not None]
    if not known:
        return Bar(start, None, None, None, None, None, 0)
    highs, lows = [bar.high or 0.0 for bar in known], [bar.low or 0.0 for bar in known]
    volume = sum(bar.volume or 0.0 for bar in known)
    return Bar(start, known[0].open, max(highs), min(lows), known[-1].close, volume, sum(bar.trades for bar in known))


def _historical(call: Call, body: dict[str, Any]) -> Reply:
    symbol = _symbol(call, body)
    first, end = (_ist_moment(body.get(name)).date() for name in ("fromDate", "toDate"))
    if end < first:
        raise _Refused("DH-905")
    days = call.view.days(symbol, first=first, last=end - timedelta(days=1))
    rows = [
        Bar(_ist_midnight(day.session_date), day.open, day.high, day.low, day.close, day.volume, 0)
        for day in days
        if day.trades is not None
    ]
    return Reply(columns_text(rows))


def _symbol(call: Call, body: dict[str, Any]) -> str:
    if not all(body.get(name) for name in ("securityId", "exchangeSegment", "instrument", "fromDate", "toDate")):
        raise _Refused("DH-905")
    symbol = symbols_by_id(call.view.exchange).get(str(body["securityId"]))
    if symbol is None or body["exchangeSegment"] != SEGMENT:
        raise _Refused("DH-907")
    return symbol


def _ist_moment(text: object) -> datetime:
    """Read `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS`, IST."""
    try:
        return datetime.fromisoformat(str(text)).replace(tzinfo=IST)
    except ValueError:
        raise _Refused("DH-905") from None


def _ist_midnight(day: date) -> int:
    return int(datetime.combine(day, time(), IST).astimezone(UTC).timestamp())


def _asked_symbol(call: Call) -> str | None:
    body = call.json()
    number = body.get("securityId") if isinstance(body, dict) else None
    return symbols_by_id(call.view.exchange).get(str(number))


def _master(call: Call) -> Reply:
    return Reply(master_csv(call.view.exchange), content_type="text/csv")


_FEED = _guarded(_quotes)
WIRE = Wire(
    source="dhan",
    routes=(
        Route("POST", "/v2/marketfeed/ltp", _FEED, limit_per_second=1),
        Route("POST", "/v2/marketfeed/ohlc", _FEED, limit_per_second=1),
        Route("POST", "/v2/marketfeed/quote", _FEED, limit_per_second=1),
        Route("POST", "/v2/charts/intraday", _guarded(_intraday), _asked_symbol, limit_per_second=5),
        Route("POST", "/v2/charts/historical", _guarded(_historical), _asked_symbol, limit_per_second=5),
        Route("GET", "/api-data/api-scrip-master.csv", _master),
    ),
    refuse=refuse,
)
