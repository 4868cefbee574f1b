"""Yahoo's v10 quoteSummary and its fundamentals timeseries: numbers as {"raw", "fmt"}, an unknown one as {}.

Here `dividendYield` is a fraction, unlike the quote's. Some companies have no statements at all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from market_pipeline.simulator.company import Statements
from market_pipeline.simulator.viewpoint import Viewpoint
from market_pipeline.simulator.wire.format import Call, Reply, json_reply, whole
from market_pipeline.simulator.wire.yahoo_quote import FIRST_TRADE, Seen, name_of, seen
from market_pipeline.simulator.wire.yahoo_venues import Paper

COUNTRIES = {"sr_market": "Saudi Arabia", "gb_market": "United Kingdom", "us_market": "United States"}
UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
TIMESERIES = {
    "TotalDebt": "total_debt", "TotalAssets": "total_assets", "TotalRevenue": "total_revenue",
    "NetIncome": "net_income", "InterestIncome": "interest_income", "CashAndCashEquivalents": "total_cash",
    "CashCashEquivalentsAndShortTermInvestments": "total_cash",
}  # fmt: skip
YEARS_OF_STATEMENTS = 4


def number(value: float | None, text: str | None = None) -> dict[str, Any]:
    """Return a number as quoteSummary writes it."""
    if value is None:
        return {}
    return {"raw": value, "fmt": text or _short(value)}


def _short(value: float) -> str:
    for size, letter in UNITS:
        if abs(value) >= size:
            return f"{value / size:.2f}".rstrip("0").rstrip(".") + letter
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _day(day: date) -> dict[str, Any]:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return {"raw": int(moment.timestamp()), "fmt": day.isoformat()}


def summary(call: Call, view: Viewpoint, paper: Paper) -> Reply:
    """Return the modules that a call asks for, of one known instrument."""
    rows = seen(view, [paper])
    wanted = [name for name in (call.param("modules") or "").split(",") if name]
    known = {name: MODULES[name] for name in wanted if name in MODULES}
    if not rows or not known:
        return not_found(paper.code)
    modules = {name: make(view, rows[0]) for name, make in known.items()}
    return json_reply({"quoteSummary": {"result": [{k: v for k, v in modules.items() if v}], "error": None}})


def not_found(code: str) -> Reply:
    """Return the answer to an unknown symbol."""
    error = {"code": "Not Found", "description": f"Quote not found for symbol: {code}"}
    return json_reply({"quoteSummary": {"result": None, "error": error}}, status=404)


def _profile(_view: Viewpoint, item: Seen) -> dict[str, Any]:
    if not item.paper.is_share:
        return {}
    company = item.paper.company
    is_known = company.statements is not None
    sector, industry = (company.sector, company.industry) if is_known else ("", "")
    keys = {"industryKey": _key(industry), "sectorKey": _key(sector)} if is_known else {}
    country = COUNTRIES.get(item.paper.venue.market, "")
    return {"maxAge": 86400, "country": country, "industry": industry, "sector": sector, **keys}


def _key(text: str) -> str:
    return "-".join(text.lower().replace("&", " ").replace("-", " ").split())


def _quote_type(_view: Viewpoint, item: Seen) -> dict[str, Any]:
    paper = item.paper
    return {
        "exchange": paper.venue.exchange, "quoteType": paper.venue.kind, "symbol": paper.code,
        "underlyingSymbol": paper.code, "shortName": name_of(paper), "longName": name_of(paper),
        "firstTradeDateEpochUtc": FIRST_TRADE, "timeZoneFullName": paper.venue.zone, "market": paper.venue.market,
        "maxAge": 1,
    }  # fmt: skip


def _financial_data(_view: Viewpoint, item: Seen) -> dict[str, Any]:
    if not item.paper.is_share:
        return {}
    books, company = item.paper.company.statements, item.paper.company
    return {
        "maxAge": 86400,
        "currentPrice": number(item.paper.shown(item.shown.price)),
        "totalCash": number(books.total_cash if books else None),
        "totalCashPerShare": number(round(books.total_cash / company.shares, 3) if books else None),
        "totalDebt": number(books.total_debt if books else None),
        "totalRevenue": number(books.total_revenue if books else None),
        "financialCurrency": item.paper.main_currency if books else None,
    }


def _key_statistics(_view: Viewpoint, item: Seen) -> dict[str, Any]:
    if not item.paper.is_share:
        return {}
    company, day = item.paper.company, item.now.session_date
    is_known = company.statements is not None
    year_end = _year_end(day)
    return {
        "maxAge": 1,
        "sharesOutstanding": number(company.shares),
        "bookValue": number(company.book_value),
        "trailingEps": number(company.eps),
        "forwardEps": number(company.eps_forward),
        "lastFiscalYearEnd": _day(year_end) if is_known else {},
        "nextFiscalYearEnd": _day(date(year_end.year + 1, 12, 31)) if is_known else {},
        "mostRecentQuarter": _day(_quarter_end(day)) if is_known else {},
    }


def _year_end(day: date) -> date:
    """Return the end of the last year whose report is out: in March."""
    return date(day.year - (1 if day.month > 3 else 2), 12, 31)


def _quarter_end(day: date) -> date:
    """Return the end of the last quarter whose report is out: 45 days later."""
    reported = day - timedelta(days=45)
    return date(reported.year, 1 + (reported.month - 1) // 3 * 3, 1) - timedelta(days=1)


def _summary_detail(_view: Viewpoint, item: Seen) -> dict[str, Any]:
    paper, row = item.paper, item.shown
    detail: dict[str, Any] = {
        "maxAge": 1,
        "currency": paper.currency,
        "previousClose": number(paper.shown(row.previous_close)),
        "open": number(paper.shown(row.open)),
        "dayLow": number(paper.shown(row.low)),
        "dayHigh": number(paper.shown(row.high)),
        "volume": number(whole(row.volume) if paper.venue.has_volume else 0),
    }
    if not paper.is_share or row.price is None:
        return detail
    company = paper.company
    share = company.dividend_rate / row.price
    detail["marketCap"] = number(round(row.price * company.shares))
    detail["trailingPE"] = number(round(row.price / company.eps, 6)) if company.eps > 0 else {}
    detail["dividendRate"] = number(company.dividend_rate or None)
    detail["dividendYield"] = number(round(share, 4), f"{100 * share:.2f}%") if share else {}
    return detail


def _income_statements(_view: Viewpoint, item: Seen) -> dict[str, Any]:
    books = item.paper.company.statements if item.paper.is_share else None
    if books is None:
        return {}
    ends = _year_ends(item.now.session_date)
    rows = [
        {
            "maxAge": 1,
            "endDate": _day(end),
            "totalRevenue": number(_aged(books.total_revenue, age)),
            "netIncome": number(_aged(books.net_income, age)),
            "interestExpense": {},
            "totalOtherIncomeExpenseNet": {},
        }
        for age, end in enumerate(ends)
    ]
    return {"maxAge": 86400, "incomeStatementHistory": rows}


def _year_ends(day: date) -> list[date]:
    last = _year_end(day)
    return [date(last.year - age, 12, 31) for age in range(YEARS_OF_STATEMENTS)]


def _aged(value: int, age: int) -> int:
    """Return a figure as it was so many years ago."""
    return round(value * 0.95**age)


MODULES: dict[str, Callable[[Viewpoint, Seen], dict[str, Any]]] = {
    "assetProfile": _profile,
    "summaryProfile": _profile,
    "quoteType": _quote_type,
    "financialData": _financial_data,
    "defaultKeyStatistics": _key_statistics,
    "summaryDetail": _summary_detail,
    "incomeStatementHistory": _income_statements,
}


def timeseries(call: Call, view: Viewpoint, paper: Paper) -> Reply:
    """Return statements by type, oldest first; a type without figures has a `meta` and nothing else."""
    rows = seen(view, [paper])
    asked = [name for key, text in call.query if key == "type" for name in text.split(",")] or ["shares_out"]
    day = rows[0].now.session_date if rows else None
    result = [_series(paper, name, day) for name in asked]
    return json_reply({"timeseries": {"result": result, "error": None}})


def _series(paper: Paper, name: str, day: date | None) -> dict[str, Any]:
    series: dict[str, Any] = {"meta": {"symbol": [paper.code], "type": [name]}}
    if day is None or not paper.is_share:
        return series
    if name == "shares_out":
        stamps = [_day(end)["raw"] for end in reversed(_year_ends(day))]
        return series | {"timestamp": stamps, name: [paper.company.shares] * len(stamps)}
    books = paper.company.statements
    field = TIMESERIES.get(name.removeprefix("annual")) if name.startswith("annual") else None
    if books is None or field is None:
        return series
    ends = list(enumerate(_year_ends(day)))[::-1]
    points = [_point(paper, books, field, end=end, age=age) for age, end in ends]
    return series | {"timestamp": [_day(end)["raw"] for _, end in ends], name: points}


def _point(paper: Paper, books: Statements, field: str, *, end: date, age: int) -> dict[str, Any]:
    return {
        "asOfDate": end.isoformat(),
        "periodType": "12M",
        "currencyCode": paper.main_currency,
        "reportedValue": number(_aged(getattr(books, field), age)),
    }
