"""AFX: an exchange's board and a page for each company, in HTML that leaves out every end tag it may.

Prices are delayed; the board names its date in a sentence and has neither times nor highs and lows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape

from market_pipeline.simulator.company import Company, company_of
from market_pipeline.simulator.standing import Day, Standing, is_nan
from market_pipeline.simulator.viewpoint import Viewpoint
from market_pipeline.simulator.wire.exchanges import viewpoint_of
from market_pipeline.simulator.wire.format import HTML, Call, Reply, Route, Wire

SOURCE = "afx"
SITE = "https://afx.kwayisi.org"
SESSIONS_SHOWN = 10
DAYS_BACK = timedelta(days=40)
MOST_GAINERS = 3
UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
TITLES = {403: "403 Forbidden", 404: "404 Not Found", 429: "429 Too Many Requests"}


def refuse(status: int, _method: str, _path: str) -> Reply:
    """Return what the site answers with a status: always a page."""
    title = TITLES.get(status, str(status))
    return Reply(_page(title, f"<p>{title}"), status, HTML)


def _board(call: Call) -> Reply:
    exchange = call.path.split("/")[1]
    view = viewpoint_of(call, SOURCE, exchange)
    if view is None:
        return refuse(404, "GET", call.path)
    standings = view.standings()
    rows = "\n".join(_row(row, exchange) for row in standings)
    day = max((row.session_date for row in standings), default=None)
    summary = "" if day is None else f"<p>{exchange.upper()} trading summary for {day:%A, %B} {day.day}, {day.year}</p>"
    body = (
        f"{_index()}\n{_gainers(standings)}\n"
        "<div class=t><table><thead><tr><th>Ticker<th>Name<th>Volume<th>Price<th>Change</thead>"
        f"<tbody>\n{rows}</tbody></table></div>{summary}"
    )
    return Reply(_page(f"{exchange.upper()} Live", body), content_type=HTML)


def _index() -> str:
    return (
        "<div class=t><table><thead><tr><th>NASI Index<th>Year-to-Date<th>Market Cap.</thead><tbody><tr>"
        "<td>177.81 (-0.52)<td>+25.70 (16.9%)<td>KES 2.7Tr</tbody></table></div>"
    )


def _gainers(standings: Sequence[Standing]) -> str:
    """Return the table above the board, which no reader may take for it."""
    risen = [row for row in standings if row.has_traded and (row.change_percent or 0) > 0]
    best = sorted(risen, key=lambda row: -(row.change_percent or 0))[:MOST_GAINERS]
    rows = "".join(f"<tr><td>{r.listing.symbol}<td>{_price(r.price)}<td>{r.change_percent:+.2f}%" for r in best)
    heading = f"<th colspan=3>Top Gainers ({len(best)})"
    return f"<div class=t><table><thead><tr>{heading}</thead><tbody>{rows}</tbody></table></div>"


def _row(row: Standing, exchange: str) -> str:
    listing = row.listing
    link = f'<a href="{SITE}/{exchange}/{listing.symbol.lower()}.html" title="{escape(listing.name)}">'
    change = _signed(row.change if row.has_traded else None)
    tone = ' class="lo"' if change.startswith("-") else ' class="hi"' if change.startswith("+") else ""
    cells = (
        f"{link}{listing.symbol}</a>",
        f"{link}{escape(listing.name)}</a>",
        _counted(row.volume if row.has_traded else None),
        _price(row.price),
    )
    return f"<tr>{''.join(f'<td>{cell}' for cell in cells)}<td{tone}>{change}"


def _company(call: Call) -> Reply:
    _, exchange, page = call.path.split("/")
    view = viewpoint_of(call, SOURCE, exchange)
    symbol = page.removesuffix(".html").upper()
    listing = view.exchange.listings.get(symbol) if view is not None and page == page.lower() else None
    if view is None or listing is None:
        return refuse(404, "GET", call.path)
    figures = _pairs(_figures(company_of(listing), _newest_price(view, symbol)))
    body = f"{_pairs([('Sector', listing.fact('sector_en'))])}\n{figures}\n<h2>Last 10 days of trading</h2>\n"
    return Reply(_page(f"{listing.name} ({symbol})", f"{body}{_history(view, symbol)}"), content_type=HTML)


def _newest_price(view: Viewpoint, symbol: str) -> float | None:
    price = next((row.price for row in view.standings([symbol])), None)
    return None if price is None or is_nan(price) else price


def _figures(company: Company, price: float | None) -> list[tuple[str, str]]:
    if price is None:
        return [("Earnings Per Share", f"{company.eps:.4f}")]
    ratio = f"{price / company.eps:.2f}" if company.eps > 0 else "-"
    return [
        ("Earnings Per Share", f"{company.eps:.4f}"),
        ("Price/Earning Ratio", ratio),
        ("Dividend Per Share", f"{company.dividend_rate:g}"),
        ("Dividend Yield", f"{100 * company.dividend_rate / price:.2f}%"),
        ("Shares Outstanding", _short(company.shares)),
        ("Market Capitalization", _short(company.shares * price)),
    ]


def _pairs(pairs: list[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in pairs)
    return f"<div class=t><table><tbody>{rows}</tbody></table></div>"


def _history(view: Viewpoint, symbol: str) -> str:
    last = datetime.fromtimestamp(view.at, view.exchange.timeline.zone).date()
    days = view.days(symbol, first=last - DAYS_BACK, last=last)[-SESSIONS_SHOWN:]
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _day(day))}</tr>" for day in reversed(days))
    heads = "".join(f"<th>{name}</th>" for name in ("Date", "Volume", "Close", "Change", "Change%"))
    return f"<div class=t><table data-hist><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"


def _day(day: Day) -> tuple[str, ...]:
    """Return the cells of a session; one without a trade repeats the close before and has no volume."""
    if day.close is None:
        return str(day.session_date), "", _price(day.previous_close), "", ""
    change = day.close - day.previous_close
    percent = "" if is_nan(change) else f"{100 * change / day.previous_close:.2f}%"
    return str(day.session_date), _short(day.volume), _price(day.close), _signed(change), percent


def _price(value: float | None) -> str:
    if value is None:
        return ""
    return "NaN" if is_nan(value) else f"{value:,.2f}"


def _signed(value: float | None) -> str:
    if value is None:
        return ""
    return "NaN" if is_nan(value) else f"{value:+.2f}" if round(value, 2) else "0.00"


def _counted(value: float | None) -> str:
    if value is None:
        return ""
    return "NaN" if is_nan(value) else f"{value:,.0f}"


def _short(value: float | None) -> str:
    """Return a large number with its unit, 9.41M or 40.1B; small ones are written out."""
    if value is None or is_nan(value):
        return _counted(value)
    for size, letter in UNITS:
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:,.0f}"


def _page(title: str, body: str) -> bytes:
    head = f"<!DOCTYPE html>\n<html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
    return (
        f"{head}\n<body><div class=c><h1>{escape(title)}</h1>\n{body}\n<footer><p>&copy; AFX</footer></div>\n".encode()
    )


def _asked_symbol(call: Call) -> str | None:
    return call.path.rpartition("/")[2].removesuffix(".html").upper() or None


WIRE = Wire(
    source=SOURCE,
    routes=(
        Route("GET", "/{exchange}/", _board),
        Route("GET", "/{exchange}/{page}", _company, symbol_of=_asked_symbol),
    ),
    refuse=refuse,
)
