"""The Casablanca exchange's own site: a board of all shares, and daily history as JSON:API (Drupal).

Numbers are text with ten decimals; "no value" is `[]`, null, blank or a dash, never the same twice. Times are local.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from market_pipeline.model.session import SessionState
from market_pipeline.simulator.listing import Trading
from market_pipeline.simulator.randomness import digest
from market_pipeline.simulator.standing import Book, Standing
from market_pipeline.simulator.wire.casablanca_history import API_HOST, history, instrument_number, uuid_of
from market_pipeline.simulator.wire.format import HTML, Call, Reply, Route, Wire, html_page, json_reply, ten

PREFIXES = ("/api/proxy/fr/api", "/fr/api")
"""The same paths on the site (through its proxy) and on the api host."""
NONE: list[str] = []
"""Drupal's empty value."""
REJECTED = (
    "<body><p>The requested URL was rejected. Please consult with your administrator.</p>\n"
    '<p>Your support ID is: 1298044178830041752</p><a href="javascript:history.back();">[Go Back]</a></body>'
)
TITLES = {401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}
STATUS_TRADED = "T"


def refuse(status: int, method: str, path: str) -> Reply:
    """Return what the site answers with a status: a firewall's page for 403, JSON:API errors otherwise."""
    if status == 403:
        return Reply(html_page("Request Rejected", REJECTED), 403, HTML)
    path = path.removeprefix("/api/proxy")
    detail = f'No route found for "{method} {path}"' if status == 404 else TITLES.get(status, "Service Unavailable")
    error = {
        "title": TITLES.get(status, "Service Unavailable"), "status": str(status), "detail": detail,
        "links": {
            "via": {"href": f"{API_HOST}{path}"},
            "info": {"href": "http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.4.5"},
        },
    }  # fmt: skip
    version = {"version": "1.0", "meta": {"links": {"self": {"href": "http://jsonapi.org/format/1.0/"}}}}
    return json_reply({"jsonapi": version, "errors": [error]}, status=status, content_type="application/vnd.api+json")


def _board(call: Call) -> Reply:
    numbers = {symbol: index for index, symbol in enumerate(call.view.exchange.listings)}
    rows = [_row(call, row, numbers[row.listing.symbol]) for row in call.view.standings()]
    return json_reply({"data": {"values": rows}})


def _row(call: Call, row: Standing, number: int) -> dict[str, Any]:
    symbol = row.listing.symbol
    return {
        "id": str(70500 + number),
        "uuid": uuid_of("market_watch", symbol),
        "type": "market_watch",
        "ticker": symbol,
        "label": row.listing.name,
        "sous_secteur": row.listing.fact("sector_fr"),
        "field_symbol": str(instrument_number(call.view.exchange, symbol)),
        "instrument_url": f"/fr/live-market/instruments/{quote(symbol)}",
        "field_etat_cot_val": _status(row),
        **(_traded(call, row) if row.has_traded else _not_traded(call, row)),
        "field_capitalisation": _market_cap(row),
        **_book(call, row),
        "field_last_transactions": NONE,
        "field_pto": _theoretical_open(row),
    }


def _status(row: Standing) -> str:
    if row.listing.trading is Trading.SUSPENDED:
        return "S"
    if row.has_traded:
        return STATUS_TRADED
    if row.listing.trading is Trading.NEVER:
        return "N.T"
    if _is_before_open(row):
        return "PRE"
    return STATUS_TRADED if digest(row.listing.symbol, "status") % 2 else "N.T"


def _is_before_open(row: Standing) -> bool:
    waits = row.state in (SessionState.PRE_OPEN, SessionState.AUCTION)
    return waits and not row.has_traded and row.listing.trading is Trading.CONTINUOUS


def _traded(call: Call, row: Standing) -> dict[str, Any]:
    price = ten(row.price)
    moment = None if row.traded_at is None else _local(call, row.traded_at)
    return {
        "field_cours_courant": price,
        "field_closing_price": price if row.is_final else ten(row.previous_close),
        "field_static_reference_price": ten(row.previous_close),
        "field_dynamic_reference_price": price,
        "field_opening_price": ten(row.open),
        "field_high_price": ten(row.high),
        "field_low_price": ten(row.low),
        "field_last_traded_price": price if row.price is not None else None,
        "field_last_traded_time": moment,
        "field_transact_time": _local(call, max(call.view.at - 4, row.traded_at or 0)),
        "field_var_veille": ten(row.change_percent),
        "field_difference": ten(row.change),
        "field_cumul_titres_echanges": ten(row.volume),
        "field_cumul_volume_echange": ten(row.turnover),
        "field_total_trades": str(row.trades),
    }


def _not_traded(call: Call, row: Standing) -> dict[str, Any]:
    """Three ways of saying nothing, as the board has them: for a quiet, an idle and a suspended share."""
    reference = ten(row.price)
    status = _status(row)
    if status == "S":
        dynamic, last, last_time, change = reference, None, " ", "0.0000000000"
        moment = f"{row.session_date}T08:10:00"
    elif status == "N.T":
        dynamic, last, last_time, change = " ", NONE, "", "-"
        moment = _local(call, call.view.at - 60)
    else:
        dynamic, last, last_time, change = (NONE if status == "PRE" else "-"), None, None, "0.0000000000"
        moment = _local(call, call.view.at - 60)
    return {
        "field_cours_courant": "-" if status == "N.T" else reference,
        "field_closing_price": reference,
        "field_static_reference_price": reference,
        "field_dynamic_reference_price": dynamic,
        "field_opening_price": NONE,
        "field_high_price": NONE,
        "field_low_price": NONE,
        "field_last_traded_price": last,
        "field_last_traded_time": last_time,
        "field_transact_time": moment,
        "field_var_veille": change,
        "field_difference": " " if status == "N.T" else "0.0000000000",
        "field_cumul_titres_echanges": NONE,
        "field_cumul_volume_echange": NONE,
        "field_total_trades": NONE,
    }


def _book(call: Call, row: Standing) -> dict[str, Any]:
    book = Book() if row.listing.trading in (Trading.SUSPENDED, Trading.NEVER) else call.view.book(row, levels=1)
    blank = "-" if row.listing.trading is Trading.SUSPENDED else " "
    sides: dict[str, Any] = {}
    for name, side in (("bid", book.bids), ("ask", book.asks)):
        sides[f"field_best_{name}_price"] = ten(side[0].price) if side else blank
        sides[f"field_best_{name}_size"] = ten(side[0].size) if side else NONE
    return sides


def _theoretical_open(row: Standing) -> Any:
    if not _is_before_open(row) or row.price is None:
        return NONE
    ticks = digest(row.listing.symbol, row.session_date, "pto") % 5 - 2
    return ten(row.price + ticks * row.listing.tick_size)


def _market_cap(row: Standing) -> Any:
    shares = row.listing.fact("shares")
    return NONE if row.price is None or not shares else ten(row.price * float(shares))


def _local(call: Call, at: float) -> str:
    return f"{datetime.fromtimestamp(at, call.view.exchange.timeline.zone):%Y-%m-%dT%H:%M:%S}"


WIRE = Wire(
    source="casablanca_bourse",
    routes=tuple(
        Route("GET", f"{prefix}/{path}", answer)
        for prefix in PREFIXES
        for path, answer in (
            ("bourse/dashboard/ticker", _board),
            ("bourse_data/instrument_history", history),
        )
    ),
    refuse=refuse,
)
