"""African Markets' list of an exchange's companies: a table with a random id, English numbers, dates without year.

Prices are delayed like everybody's; the page knows no time of day.
"""

from __future__ import annotations

import string
from datetime import date, datetime, timedelta
from html import escape

from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.listing import Listing, Trading
from market_pipeline.simulator.randomness import digest
from market_pipeline.simulator.standing import Standing, is_nan
from market_pipeline.simulator.viewpoint import Viewpoint
from market_pipeline.simulator.wire.exchanges import viewpoint_of
from market_pipeline.simulator.wire.format import HTML, Call, Reply, Route, Wire, html_page

SOURCE = "african_markets"
ALPHABET = string.ascii_letters + string.digits
DAY_MONTH_FOR_DAYS = 180
"""Older dates carry their year."""
DELISTED = {"bvc": ("LYD", "LYDEC", "Utilities"), "nse": ("KENO", "KENOLKOBIL", "Energy and Petroleum")}
"""The real page keeps a company that is gone: exchange → code, name, sector."""
HEADERS = ("Company", "Sector", "Price", "1D", "YTD", "M.Cap", "Date")


def refuse(status: int, _method: str, _path: str) -> Reply:
    """Return what the site answers with a status: always a page."""
    if status == 403:
        challenge = "<h2>Verify you are human by completing the action below.</h2>"
        body = f'<body><div class="main-wrapper"><h1>www.african-markets.com</h1>{challenge}</div></body>'
        return Reply(html_page("Just a moment...", body), 403, HTML)
    return Reply(html_page(f"{status}", f"<body><h1>Error {status}</h1></body>"), status, HTML)


def _listed_companies(call: Call) -> Reply:
    exchange = call.path.split("/")[3]
    view = viewpoint_of(call, SOURCE, exchange)
    if view is None:
        return refuse(404, "GET", call.path)
    rows = [_row(view, exchange, row) for row in view.standings()]
    table = _random_id(view, call.now)
    heads = "".join(f"<th>{name}</th>" for name in HEADERS)
    lines = [
        '<!DOCTYPE html>\n<html lang="en-gb" dir="ltr">\n<head>\n<meta charset="utf-8">',
        f'<title>Listed Companies - {exchange.upper()} - African Markets</title>\n</head>\n<body class="site">',
        _index_table(view, exchange),
        f'<table id="nav_{table[:5].lower()}"><tr><td>Market&nbsp;cap</td><td>Sector</td></tr></table>',
        "<h1>Listed Companies</h1>",
        f'<table id="tab_{table}" class="table table-striped tabtable-{table}"><thead><tr>{heads}</tr></thead><tbody>',
        *rows,
        _delisted(exchange),
        "</tbody></table>\n<footer>Prices are delayed or end of day.</footer>\n</body>\n</html>\n",
    ]
    return Reply("\n".join(lines).encode(), content_type=HTML)


def _random_id(view: Viewpoint, now: float) -> str:
    bits = digest(view.exchange.seed, int(now), "table")
    return "".join(ALPHABET[bits >> 5 * place & 0x1F] for place in range(10))


def _index_table(view: Viewpoint, exchange: str) -> str:
    day = datetime.fromtimestamp(view.at, view.exchange.timeline.zone)
    index = "MASI" if exchange == "bvc" else f"{exchange.upper()} All Share"
    return (
        '<table class="market-summary"><thead><tr><th>Index</th><th>Price</th><th>1D</th><th>YTD</th><th>Date</th></tr>'
        f'</thead><tbody>\n<tr><td><a href="/en/stock-markets/{exchange}/indices?code=MASI">{index}</a></td>'
        f"<td>18,432.55</td><td>+0.21%</td><td>-2.40%</td><td>{day:%d/%m}</td></tr>\n</tbody></table>"
    )


def _link(exchange: str, code: str, name: str) -> str:
    return f'<a href="/en/stock-markets/{exchange}/listed-companies/company?code={code}">{name}</a>'


def _delisted(exchange: str) -> str:
    if exchange not in DELISTED:
        return ""
    code, name, sector = DELISTED[exchange]
    return (
        f'<tr class="tabrow"><td>{_link(exchange, code, name)}</td><td>{sector}</td>'
        "<td>-</td><td>-</td><td>-</td><td>-</td><td>29/12</td></tr>"
    )


def _row(view: Viewpoint, exchange: str, row: Standing) -> str:
    listing = row.listing
    code = listing.fact("african_code") or listing.symbol
    today = datetime.fromtimestamp(view.at, view.exchange.timeline.zone).date()
    cells = (
        _link(exchange, code, _name(listing)),
        escape(listing.fact("sector_en")),
        _number(row.price) + ("&nbsp;" if digest(listing.symbol) % 7 == 0 else ""),
        _percent(row.change_percent if row.has_traded else None),
        _percent(_year_to_date(view, row, today)).replace("-", _minus(listing)),
        _market_cap(row),
        _date(row, today, view.exchange),
    )
    return f'<tr class="tabrow">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _name(listing: Listing) -> str:
    name = escape(listing.fact("name_en") or listing.name)
    return name.replace(" ", "&nbsp;") if digest(listing.symbol) % 5 == 0 else name


def _minus(listing: Listing) -> str:
    """Return the sign that a row writes; some carry the true one. A lone dash, which means no value, stays."""
    return "&minus;" if digest(listing.symbol) % 3 == 0 and listing.trading is Trading.CONTINUOUS else "-"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return "NaN" if is_nan(value) else f"{value:,.2f}"


def _percent(value: float | None) -> str:
    if value is None or is_nan(value):
        return "-"
    return f"{value:+.2f}%" if round(value, 2) else "0.00%"


def _year_to_date(view: Viewpoint, row: Standing, today: date) -> float | None:
    if row.price is None or row.listing.trading is not Trading.CONTINUOUS:
        return None
    start = view.exchange.close_on(row.listing.symbol, date(today.year - 1, 12, 31))
    return 100 * (row.price / start - 1)


def _market_cap(row: Standing) -> str:
    shares = row.listing.fact("shares")
    if row.price is None or is_nan(row.price) or not shares:
        return "-"
    return f"{row.price * float(shares) / 1e9:,.2f}"


def _date(row: Standing, today: date, exchange: Exchange) -> str:
    if row.traded_at is None:
        return f"{today - timedelta(days=400):%d/%m/%Y}"
    day = datetime.fromtimestamp(row.traded_at, exchange.timeline.zone).date()
    return f"{day:%d/%m}" if (today - day).days < DAY_MONTH_FOR_DAYS else f"{day:%d/%m/%Y}"


WIRE = Wire(
    source=SOURCE,
    routes=(Route("GET", "/en/stock-markets/{exchange}/listed-companies", _listed_companies),),
    refuse=refuse,
)
