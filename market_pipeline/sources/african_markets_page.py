"""Reads the page of listed companies of African Markets: one table among others, English numbers, dates without time.

The table is found by its headings, because its id changes and its columns have moved before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import parse_qs, urlsplit

from market_pipeline.errors import Blocked, PayloadError
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.parsing.html_tables import Cells, links_in, named_texts, rows_below
from market_pipeline.sources.parsing.readings import (
    ONE_DAY_SECONDS,
    Board,
    Page,
    Reading,
    amount,
    gather,
    payload_error,
    price,
    signed,
    start_of,
    text_of,
    trade_reading,
)

COMPANY, PRICE, CHANGE_1D, CHANGE_YTD, MARKET_CAP, DATE = "Company", "Price", "1D", "YTD", "M.Cap", "Date"
NEEDED = frozenset({COMPANY, PRICE, DATE})
HEADINGS = {name.casefold(): name for name in (COMPANY, PRICE, CHANGE_1D, CHANGE_YTD, MARKET_CAP, DATE)}
CHALLENGE = re.compile(rb"verify you are human|challenge-form|captcha", re.IGNORECASE)
CAP_UNITS = (1e9, 1.0)
"""The page has been seen with caps in billions and with full numbers, both in the exchange's currency."""
CAP_TOLERANCE = 2.0
"""A cap may differ from price × shares by this factor (share classes, old share counts); the units differ by 1e9."""
YEARS_BACK = 8
"""29 February recurs at the latest after eight years."""

_SPACED = re.compile(r"\d{1,3}(?: \d{3})+")
"""Full caps have been seen with spaces between the thousands, unlike every other number of the page."""
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?")


@dataclass(frozen=True, slots=True)
class Row:
    """The texts of one company's cells by heading; a cell of an unknown heading is left out."""

    code: str | None
    cells: Mapping[str, str]
    is_whole: bool


def challenge(status: int, body: bytes) -> Blocked | None:
    """Return an error when a page of status 2xx has no table but asks the visitor to prove to be a person."""
    if not 200 <= status < 300 or b"<table" in body.lower() or CHALLENGE.search(body) is None:
        return None
    return Blocked(
        f"asked african_markets for the listed companies, saw HTTP {status} with a page that only a person can pass: "
        "a retry soon does not help; ask less often (cadence_minutes) or turn this source off"
    )


def parse_listed_companies(body: bytes, page: Page, *, shares: Mapping[str, float]) -> Board:
    """Read the table of companies. A bad row becomes a parse_error of its own code; the others stand.

    `shares` are the shares outstanding by code, as far as known: only they tell in which unit the caps are written.
    One row of the page:

        <tr class="tabrow"><td><a href="/en/stock-markets/bvc/listed-companies/company?code=ATW">ATTIJARIWAFA BANK</a>
          </td><td>Financials</td><td>1,105.00</td><td>+0.90%</td><td>-1.23%</td><td>155.97</td><td>20/11</td></tr>

    Raises PayloadError when the page is cut short or has no such table.
    """
    rows = _company_rows(body, page.source)
    units = {unit for row in rows if (unit := _unit_of(row, shares)) is not None}
    unit = units.pop() if len(units) == 1 else None
    return gather((row.code, _read_row(row, page, shares=shares, unit=unit)) for row in rows)


def _company_rows(body: bytes, source: str) -> list[Row]:
    # half a page still parses, with half a number in its last cell
    if b"</html" not in body[-4096:].lower():
        raise payload_error(source, "a whole page", f"{len(body)} bytes that do not end in </html>")
    names, rows = rows_below(body, source, headings=HEADINGS, needed=NEEDED)
    return [_row(cells, names, source) for cells in rows]


def _row(cells: Cells, names: list[str | None], source: str) -> Row:
    texts = named_texts(cells, names, source)
    if _SPACED.fullmatch(texts.get(MARKET_CAP, "")):
        texts[MARKET_CAP] = texts[MARKET_CAP].replace(" ", ",")
    code = next((code for link in links_in(cells) if (code := _code(link)) is not None), None)
    return Row(code, texts, is_whole=len(cells) == len(names))


def _code(link: str) -> str | None:
    try:
        return text_of(parse_qs(urlsplit(link).query).get("code", [""])[0])
    except ValueError:
        return None


def _read_row(row: Row, page: Page, *, shares: Mapping[str, float], unit: float | None) -> Reading:
    try:
        return _judge(row, page, shares=shares, unit=unit)
    except PayloadError as error:
        return Reading(OutcomeStatus.PARSE_ERROR, reason=str(error))


def _judge(row: Row, page: Page, *, shares: Mapping[str, float], unit: float | None) -> Reading:
    if not row.is_whole:
        raise PayloadError(f"the row has other cells than the headings: {dict(row.cells)}")
    value = price(row.cells, PRICE, "en")
    if value is None:
        return Reading(OutcomeStatus.EMPTY, reason="the page lists the company without a price")
    day = _day(row.cells[DATE], page.today)
    cap, cap_problem = _market_cap(row, shares, unit)
    quote = Quote(
        market=page.market,
        source=page.source,
        symbol=row.code or "",
        event_time=start_of(day, page),
        event_precision_seconds=ONE_DAY_SECONDS,
        received_time=page.received_time,
        price=value,
        # the last price of a day that is over is its close
        price_kind=PriceKind.TRADE if day == page.today else PriceKind.CLOSE,
        market_cap=cap,
        change_1d_percent=signed(row.cells, CHANGE_1D, "en"),
        change_ytd_percent=signed(row.cells, CHANGE_YTD, "en"),
        currency=page.currency,
        name=_name(row),
        payload_sha=page.payload_sha,
    )
    reading = trade_reading(quote, page)
    reasons = [reason for reason in (reading.reason, cap_problem) if reason]
    return replace(reading, reason="; ".join(reasons) or None)


def _name(row: Row) -> str | None:
    name = text_of(row.cells[COMPANY])
    return None if name is None or "\ufffd" in name else name


def _day(text: str, today: date) -> date:
    """Read dd/mm/yyyy, or dd/mm as the latest such day that is not after `today`."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise PayloadError(f"the date {text!r} is neither dd/mm nor dd/mm/yyyy")
    day, month = int(match[1]), int(match[2])
    years = [int(match[3])] if match[3] else range(today.year, today.year - YEARS_BACK - 1, -1)
    for year in years:
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if match[3] or found <= today:
            return found
    raise PayloadError(f"the date {text!r} is not in the calendar")


def _unit_of(row: Row, shares: Mapping[str, float]) -> float | None:
    """Return the unit in which the row's cap agrees with price × shares; None when that cannot be told."""
    try:
        cap, value = price(row.cells, MARKET_CAP, "en"), price(row.cells, PRICE, "en")
    except PayloadError:
        return None
    outstanding = shares.get(row.code or "")
    if cap is None or value is None or outstanding is None:
        return None
    expected = value * outstanding
    return next((u for u in CAP_UNITS if expected / CAP_TOLERANCE <= cap * u <= expected * CAP_TOLERANCE), None)


def _market_cap(row: Row, shares: Mapping[str, float], unit: float | None) -> tuple[float | None, str | None]:
    """Return the cap in currency units, or None with the reason why its unit is not certain."""
    cap = amount(row.cells, MARKET_CAP, "en") or None
    if cap is None:
        return None, None
    if (row.code or "") in shares:
        own_unit = _unit_of(row, shares)
        problem = f"market cap {cap:g} left out: in no unit does it fit price × shares outstanding"
        return (cap * own_unit, None) if own_unit is not None else (None, problem)
    if unit is None:
        return None, f"market cap {cap:g} left out: its unit is not known without shares outstanding"
    return cap * unit, None
