"""Reads the pages of afx.kwayisi.org: the board of an exchange, and a company's figures and last sessions. Pure.

The board has no open, high or low, and names its date only in a sentence ("NSE trading summary for Friday, November 20,
2026"); nothing is made up for what it does not say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from market_pipeline.errors import PayloadError
from market_pipeline.model.bar import DailyBar
from market_pipeline.model.metrics import Metrics
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.parsing.html_tables import named_texts, rows_below, tables, text_in
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

TICKER, NAME, VOLUME, PRICE, CHANGE, DATE, CLOSE = "Ticker", "Name", "Volume", "Price", "Change", "Date", "Close"
BOARD = {name.casefold(): name for name in (TICKER, NAME, VOLUME, PRICE, CHANGE)}
HISTORY = {name.casefold(): name for name in (DATE, VOLUME, CLOSE)}
EPS, PE, YIELD, SHARES, CAP = "eps", "pe_ratio", "dividend_yield", "shares_outstanding", "market_cap"
FIGURES = {
    "earnings per share": EPS,
    "price/earning ratio": PE,
    "dividend yield": YIELD,
    "shares outstanding": SHARES,
    "market capitalization": CAP,
}

_TAG = re.compile(r"<[^>]*>")
_SUMMARY = re.compile(r"trading summary for (?:[a-z]+day,? )?([a-z]+ \d{1,2}, \d{4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class History:
    """The sessions of a company's page in time order; `set_aside` counts what could not be read, by reason."""

    bars: tuple[DailyBar, ...]
    set_aside: Mapping[str, int] = field(default_factory=dict)


def parse_board(body: bytes, page: Page) -> Board:
    """Read the board of an exchange. A bad row becomes a parse_error of its own code; the others stand.

        <tr><td><a href="https://afx.kwayisi.org/nse/scom.html">SCOM</a><td><a href="…">Safaricom Plc</a><td>9,402,100
          <td>34.20<td class="lo">-0.15

    A share without a volume did not trade: its price is an older close. Raises PayloadError for a page that is cut
    short or has no such table.
    """
    _refuse_half_a_page(body, page.source)
    names, rows = rows_below(body, page.source, headings=BOARD, needed=(TICKER, PRICE, VOLUME))
    day = board_day(body)
    texts = [named_texts(cells, names, page.source) for cells in rows]
    return gather((text_of(row.get(TICKER)), _read_row(row, page, day)) for row in texts)


def board_day(body: bytes) -> date | None:
    """Return the date that a board says it is of, None where it does not say."""
    words = " ".join(_TAG.sub(" ", body.decode("utf-8", errors="replace")).split())
    match = _SUMMARY.search(words)
    try:
        return None if match is None else datetime.strptime(match[1].title(), "%B %d, %Y").date()  # noqa: DTZ007
    except ValueError:
        return None


def _read_row(row: Mapping[str, str], page: Page, day: date | None) -> Reading:
    try:
        return _judge(row, page, day)
    except PayloadError as error:
        return Reading(OutcomeStatus.PARSE_ERROR, reason=str(error))


def _judge(row: Mapping[str, str], page: Page, day: date | None) -> Reading:
    if PRICE not in row:
        raise PayloadError(f"the row has fewer cells than the headings: {dict(row)}")
    value = price(row, PRICE, "en")
    if value is None:
        return Reading(OutcomeStatus.EMPTY, reason="the board lists the share without a price")
    volume, change = amount(row, VOLUME, "en"), signed(row, CHANGE, "en")
    is_traded = bool(volume) and day is not None
    quote = Quote(
        market=page.market,
        source=page.source,
        symbol=row[TICKER],
        event_time=start_of(day or page.today, page),
        event_precision_seconds=ONE_DAY_SECONDS,
        received_time=page.received_time,
        price=value,
        price_kind=_kind(is_traded=is_traded, is_today=day == page.today),
        previous_close=_previous_close(value, change) if is_traded else None,
        volume=volume if is_traded else None,
        currency=page.currency,
        name=text_of(row.get(NAME)),
        payload_sha=page.payload_sha,
    )
    if is_traded:
        return trade_reading(quote, page)
    reason = "the board names no date: its prices may be of any day" if day is None else f"no trade on {day}"
    return Reading(OutcomeStatus.NOT_TRADED, quote, reason)


def _kind(*, is_traded: bool, is_today: bool) -> PriceKind:
    if not is_traded:
        return PriceKind.REFERENCE
    return PriceKind.TRADE if is_today else PriceKind.CLOSE


def _previous_close(value: float, change: float | None) -> float | None:
    before = None if change is None else round(value - change, 4)
    return before if before is not None and before > 0 else None


def parse_figures(body: bytes, page: Page, code: str) -> tuple[Metrics, str | None]:
    """Read a company's figures, and say which could not be read. What the page does not state is None.

        <tr><td>Earnings Per Share</td><td class="hi">2.3863</td></tr>
        <tr><td>Dividend Yield</td><td>6.56%</td></tr><tr><td>Market Capitalization</td><td>1.4T</td></tr>

    Raises PayloadError for a page that is cut short or has none of them.
    """
    _refuse_half_a_page(body, page.source)
    pairs = [row for table in tables(body, page.source) for row in table if len(row) == 2]
    texts = {text_in(name).casefold(): text_in(value) for name, value in pairs}
    found = {field: texts[label] for label, field in FIGURES.items() if label in texts}
    if not found:
        raise payload_error(page.source, f"figures of a company ({', '.join(FIGURES)})", f"{len(body)} bytes without")
    values, problems = dict[str, float | None](), []
    for name in found:
        try:
            values[name] = _figure(found, name)
        except PayloadError as error:
            problems.append(str(error))
    metrics = Metrics(
        page.market,
        page.source,
        code,
        page.received_time,
        market_cap=values.get(CAP),
        pe_ratio=values.get(PE),
        dividend_yield=values.get(YIELD),
        eps=values.get(EPS),
        shares_outstanding=values.get(SHARES),
        currency=page.currency,
        payload_sha=page.payload_sha,
    )
    return metrics, "; ".join(problems) or None


def _figure(texts: Mapping[str, str], name: str) -> float | None:
    if name == EPS:
        return signed(texts, name, "en")
    value = price(texts, name, "en")
    if name != YIELD or value is None:
        return value
    if not texts[name].endswith("%"):
        raise PayloadError(f"{name} {texts[name]!r} has no percent sign: its unit is not known")
    return value / 100


def parse_history(body: bytes, page: Page, code: str, *, first: date, last: date) -> History:
    """Read a company's last sessions from `first` to `last`, both included: about ten, closes and volumes only.

        <tr><td>2026-11-19</td><td>9.41M</td><td>34.35</td><td>+0.10</td><td>0.29%</td></tr>

    A session without a volume saw no trade and has no bar. Of two rows for a session the first stands. Raises
    PayloadError for a page that is cut short or has no such table.
    """
    _refuse_half_a_page(body, page.source)
    names, rows = rows_below(body, page.source, headings=HISTORY, needed=HISTORY.values())
    bars: dict[date, DailyBar] = {}
    set_aside = Counter[str]()
    for cells in rows:
        try:
            bar = _read_session(named_texts(cells, names, page.source), page, code)
        except PayloadError as error:
            set_aside[str(error)] += 1
            continue
        if bar is None or not first <= bar.session_date <= last:
            continue
        if bar.session_date in bars:
            set_aside[f"{bar.session_date} stands twice"] += 1
        else:
            bars[bar.session_date] = bar
    return History(tuple(bars[day] for day in sorted(bars)), set_aside)


def _read_session(row: Mapping[str, str], page: Page, code: str) -> DailyBar | None:
    try:
        day = date.fromisoformat(row.get(DATE, ""))
    except ValueError:
        raise PayloadError(f"the date {row.get(DATE)!r} is not written YYYY-MM-DD") from None
    start_of(day, page)  # refuses a future one
    close, volume = price(row, CLOSE, "en"), amount(row, VOLUME, "en")
    if close is None:
        raise PayloadError(f"the session of {day} has no close")
    return DailyBar(page.market, page.source, code, day, close, volume=volume) if volume else None


def _refuse_half_a_page(body: bytes, source: str) -> None:
    """Raise PayloadError for a page that ends inside a table: half a number would still be one.

    Unlike most tags, that of a table's end may not be left out in HTML.
    """
    opened, closed = (len(re.findall(tag, body, re.IGNORECASE)) for tag in (rb"<table\b", rb"</table\s*>"))
    if opened > closed:
        raise payload_error(source, "a whole page", f"{len(body)} bytes in which a table does not end")
