"""Daily history of the Casablanca exchange's site: JSON:API pages, newest first, links on the api host."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.randomness import digest
from market_pipeline.simulator.standing import Day
from market_pipeline.simulator.wire.format import Call, Reply, json_reply, ten

API_HOST = "https://api.casablanca-bourse.com"
PATH = "/fr/api/bourse_data/instrument_history"
LARGEST_PAGE = 250
DEFAULT_PAGE = 50
FIRST_INSTRUMENT_NUMBER = 460
EARLIEST = date(2013, 1, 1)
CONDITION = re.compile(r"filter\[([^\]]+)\]\[condition\]\[(path|operator|value)\]")
INSTRUMENT = "symbol.meta.drupal_internal__target_id"


def instrument_number(exchange: Exchange, symbol: str) -> int:
    """Return the site's number of an instrument: `field_symbol` of the board, the filter of its history."""
    return FIRST_INSTRUMENT_NUMBER + list(exchange.listings).index(symbol)


def uuid_of(*parts: object) -> str:
    """Return a made-up UUID that stays the same."""
    return str(UUID(int=digest(*parts, 1) << 64 | digest(*parts, 2), version=4))


def history(call: Call) -> Reply:
    """Answer one page. Without a filter on the instrument all of them are listed."""
    first, last, listings = _asked(call)
    dates = call.view.session_dates(first=first, last=last)
    keys = [(day, listing) for day in (dates[::-1] if _is_descending(call) else dates) for listing in listings]
    offset = _count(call.param("page[offset]"), 0)
    limit = min(_count(call.param("page[limit]"), DEFAULT_PAGE), LARGEST_PAGE)
    page = [
        (row, listing)
        for day, listing in keys[offset : offset + limit]
        for row in call.view.days(listing.symbol, first=day, last=day)
    ]
    document: dict[str, Any] = {"jsonapi": {"version": "1.0"}, "data": [_entry(call, *row) for row in page]}
    if page:
        included = {listing.symbol: listing for _, listing in page}
        document["included"] = [_instrument(listing) for listing in included.values()]
    document["links"] = _links(call, offset, limit, has_more=offset + limit < len(keys))
    return json_reply(document, content_type="application/vnd.api+json")


def _asked(call: Call) -> tuple[date, date, list[Listing]]:
    """Read the filters on date and instrument; whatever is not filtered is all of it."""
    exchange = call.view.exchange
    first, last = EARLIEST, datetime.fromtimestamp(call.view.at, exchange.timeline.zone).date()
    listings = list(exchange.listings.values())
    for condition in _conditions(call).values():
        value = condition.get("value", "")
        if condition.get("path") == INSTRUMENT:
            listings = [item for item in listings if str(instrument_number(exchange, item.symbol)) == value]
        elif condition.get("path") == "field_seance_date" and condition.get("operator") == ">=":
            first = max(first, _day(value, first))
        elif condition.get("path") == "field_seance_date" and condition.get("operator") == "<=":
            last = min(last, _day(value, last))
    return first, last, listings


def _conditions(call: Call) -> dict[str, dict[str, str]]:
    conditions: dict[str, dict[str, str]] = {}
    for name, value in call.query:
        if match := CONDITION.fullmatch(name):
            conditions.setdefault(match[1], {})[match[2]] = value
    return conditions


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return default


def _count(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


def _is_descending(call: Call) -> bool:
    directions = [
        value.upper() for name, value in call.query if name.startswith("sort[") and name.endswith("[direction]")
    ]
    return "DESC" in directions


def _entry(call: Call, day: Day, listing: Listing) -> dict[str, Any]:
    exchange = call.view.exchange
    identity = uuid_of("instrument_history", listing.symbol, day.session_date)
    close = day.close if day.trades is not None else day.previous_close
    attributes = {
        "created": _created(exchange, day.session_date),
        "openingPrice": ten(day.open),
        "coursCourant": ten(close),
        "highPrice": ten(day.high),
        "lowPrice": ten(day.low),
        "cumulTitresEchanges": ten(day.volume),
        "cumulVolumeEchange": ten(day.turnover),
        "totalTrades": [] if day.trades is None else str(day.trades),
        "capitalisation": ten(None if close is None else close * float(listing.fact("shares") or 0)),
        "coursAjuste": ten(close),
        "closingPrice": ten(close),
        "ratioConsolide": "1.0000000000",
    }
    symbol = {
        "data": {
            "type": "instrument",
            "id": uuid_of("instrument", listing.symbol),
            "meta": {"drupal_internal__target_id": instrument_number(exchange, listing.symbol)},
        },
        "links": {"related": {"href": f"{API_HOST}{PATH}/{identity}/symbol"}},
    }
    return {
        "type": "instrument_history", "id": identity, "attributes": attributes, "relationships": {"symbol": symbol},
    }  # fmt: skip


def _created(exchange: Exchange, day: date) -> str:
    session = exchange.timeline.session(day)
    return (
        f"{session.last_phase_end.astimezone(exchange.timeline.zone):%Y-%m-%dT%H:%M:%S}"
        if session
        else f"{day}T00:00:00"
    )


def _instrument(listing: Listing) -> dict[str, Any]:
    names = {f"libelle{language}": listing.name for language in ("FR", "AR", "EN")}
    attributes = {"symbol": listing.symbol, **names}
    return {"type": "instrument", "id": uuid_of("instrument", listing.symbol), "attributes": attributes}


def _links(call: Call, offset: int, limit: int, *, has_more: bool) -> dict[str, Any]:
    links = {"self": {"href": _address(call, offset, limit)}}
    if has_more:
        links["next"] = {"href": _address(call, offset + limit, limit)}
    return links


def _address(call: Call, offset: int, limit: int) -> str:
    """Return the page's address on the api host, whichever host was called."""
    query = [(name, value) for name, value in call.query if not name.startswith("page[")]
    return f"{API_HOST}{PATH}?{urlencode([*query, ('page[offset]', str(offset)), ('page[limit]', str(limit))])}"
