"""Reads one page of the daily history of Casablanca's exchange: a JSON:API document, newest session first.

The link to the next page names the exchange's other host; only its query is taken, never its address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from market_pipeline.errors import PayloadError
from market_pipeline.model.bar import DailyBar
from market_pipeline.sources.parsing.readings import Page, amount, as_utc, load_json, payload_error, price, text_of

PATH_END = "/bourse_data/instrument_history"

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """The bars of one page as sent, why rows were set aside, and the query of the next page (None on the last)."""

    bars: tuple[DailyBar, ...]
    rejections: tuple[str, ...]
    next_query: Query | None


def parse_history(body: bytes, page: Page, *, code: str) -> HistoryPage:
    """Read the sessions of the share called `code`. A bad row, or one of another share, is set aside with its reason.

    One message, shortened (prices as traded; *titres* are shares, *volume* is money in MAD):

        {"data":[{"type":"instrument_history","attributes":{"created":"2026-11-19T15:40:00",
           "openingPrice":"697.0000000000","highPrice":"701.0000000000","lowPrice":"696.2000000000",
           "closingPrice":"699.5000000000","cumulTitresEchanges":"39412.0000000000",
           "cumulVolumeEchange":"27541118.1000000000","capitalisation":"150491017030.5000000000", ...},
           "relationships":{"symbol":{"data":{"type":"instrument","id":"0b1f6a52-…"}}}}],
         "included":[{"type":"instrument","id":"0b1f6a52-…","attributes":{"symbol":"ATW"}}],
         "links":{"next":{"href":"https://api.casablanca-bourse.com/fr/api/bourse_data/instrument_history?…"}}}

    Raises PayloadError when the document as a whole is not a page of the history.
    """
    document = load_json(body, source=page.source)
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise payload_error(page.source, "a list of sessions in data", document)
    names = _included_symbols(document)
    bars: list[DailyBar] = []
    rejections: list[str] = []
    for row in rows:
        try:
            bars.append(_read_row(row, names, page, code=code))
        except PayloadError as error:
            rejections.append(str(error))
    return HistoryPage(tuple(bars), tuple(rejections), _next_query(document, page.source))


def newest_per_session(bars: Sequence[DailyBar]) -> tuple[DailyBar, ...]:
    """Return one bar a session in time order; the one that was listed first wins (the source lists newest first)."""
    first: dict[date, DailyBar] = {}
    for bar in bars:
        first.setdefault(bar.session_date, bar)
    return tuple(first[day] for day in sorted(first))


def _read_row(row: object, names: Mapping[str, str], page: Page, *, code: str) -> DailyBar:
    attributes = row.get("attributes") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(attributes, dict):
        raise PayloadError(f"a row without attributes: {str(row)[:80]}")
    owner = names.get(_symbol_id(row), code)
    if owner != code:
        raise PayloadError(f"a row of {owner} where {code} was asked for")
    session_date = _session_date(attributes, page)
    close = _close(attributes, is_past=session_date < page.today)
    if close is None:
        raise PayloadError(f"the session of {session_date} has no closing price")
    return DailyBar(
        market=page.market,
        source=page.source,
        symbol=code,
        session_date=session_date,
        close=close,
        open=price(attributes, "openingPrice"),
        high=price(attributes, "highPrice"),
        low=price(attributes, "lowPrice"),
        volume=amount(attributes, "cumulTitresEchanges"),
        turnover=amount(attributes, "cumulVolumeEchange"),
        market_cap=price(attributes, "capitalisation"),
    )


def _close(attributes: Mapping[str, object], *, is_past: bool) -> float | None:
    closing, last = price(attributes, "closingPrice"), price(attributes, "coursCourant")
    # until the session has closed, closingPrice still is the close of the session before
    return (closing or last) if is_past else last


def _session_date(attributes: Mapping[str, object], page: Page) -> date:
    text = text_of(attributes.get("created")) or ""
    try:
        return as_utc(datetime.fromisoformat(text), page).astimezone(page.zone).date()
    except (ValueError, PayloadError) as error:
        raise PayloadError(f"created: {error}") from error


def _symbol_id(row: Mapping[str, Any]) -> str:
    try:
        return str(row["relationships"]["symbol"]["data"]["id"])
    except (TypeError, KeyError, IndexError):
        return ""


def _included_symbols(document: Mapping[str, Any]) -> dict[str, str]:
    """Map the ids of the instruments that came along to their tickers."""
    names: dict[str, str] = {}
    included = document.get("included")
    for item in included if isinstance(included, list) else ():
        attributes = item.get("attributes") if isinstance(item, dict) else None
        symbol = text_of(attributes.get("symbol")) if isinstance(attributes, dict) else None
        if symbol is not None:
            names[str(item.get("id"))] = symbol
    return names


def _next_query(document: Mapping[str, Any], source: str) -> Query | None:
    links = document.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else link
    if not href:
        return None
    try:
        parts = urlsplit(str(href))
    except ValueError as error:
        raise payload_error(source, "the address of the next page", href) from error
    if not parts.path.endswith(PATH_END):
        raise payload_error(source, f"a next page under {PATH_END}", href)
    return tuple(parse_qsl(parts.query, keep_blank_values=True))
