"""Yahoo Finance's web API. All its hosts arrive under one prefix: query1, query2, fc, guce and consent.yahoo.com.

Quotes and summaries want a cookie (fc.yahoo.com) and the crumb that belongs to it; charts want neither.
"""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any

from market_pipeline.simulator.randomness import digest
from market_pipeline.simulator.viewpoint import Viewpoint
from market_pipeline.simulator.wire.format import HTML, Call, Reply, Route, Wire, json_reply
from market_pipeline.simulator.wire.yahoo_chart import Refused, chart
from market_pipeline.simulator.wire.yahoo_quote import quote_text, seen
from market_pipeline.simulator.wire.yahoo_summary import not_found, summary, timeseries
from market_pipeline.simulator.wire.yahoo_venues import SOURCE, Paper, papers_of

MOST_SYMBOLS = 1000
"""Ours: Yahoo's own limit is not known, and 200 are known to work."""
QUOTES_A_SECOND = 2
OTHERS_A_SECOND = 8
TEXT = "text/plain;charset=utf-8"
COOKIE_SECONDS = 31_557_600
CRUMB_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./"
TITLES = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error"}
DESCRIPTIONS = {401: "Invalid Crumb", 403: "Access denied", 404: "No data found, symbol may be delisted"}
BREAK = (
    b'<!DOCTYPE html>\n<html lang="en-us"><head><title>Yahoo</title></head><body><h1>Will be right back...</h1>'
    b"<p>Thank you for your patience. Our engineers are working quickly to resolve the issue.</p></body></html>"
)
CONSENT = (
    "<!DOCTYPE html>\n<html><head><title>Yahoo is part of the Yahoo family of brands</title></head><body>"
    '<form method="post" class="consent-form"><input type="hidden" name="csrfToken" value="{token}">'
    '<input type="hidden" name="sessionId" value="3_cc-session_{token}">'
    '<input type="hidden" name="originalDoneUrl" value="https://finance.yahoo.com/">'
    '<input type="hidden" name="namespace" value="yahoo">'
    '<button type="submit" name="agree" value="agree">Accept all</button></form></body></html>'
)
ENVELOPES = {"/v8/": "chart", "/v10/": "quoteSummary"}


def refuse(status: int, _method: str, path: str) -> Reply:
    """Return what Yahoo answers with a status: bare text when it limits, a page when it is down, else an error."""
    if status == 429:
        is_crumb = path.endswith("/getcrumb")
        return Reply(b"Edge: Too Many Requests" if is_crumb else b"Too Many Requests\r\n", 429, TEXT)
    if status >= 500:
        return Reply(BREAK, status, HTML)
    envelope = next((name for start, name in ENVELOPES.items() if path.startswith(start)), "finance")
    error = {"code": TITLES.get(status, "Bad Request"), "description": DESCRIPTIONS.get(status, TITLES.get(status))}
    return json_reply({envelope if status == 404 else "finance": {"result": None, "error": error}}, status=status)


def _cookie_page(call: Call) -> Reply:
    """Answer fc.yahoo.com: 404, and the cookie that everything else wants."""
    value = f"d=AQABB{digest(int(call.now), 'cookie'):016x}&S=AQAAA{digest(int(call.now), 'sign'):016x}"
    host = call.headers.get("host", "")
    domain = "; Domain=.yahoo.com" if host.partition(":")[0].endswith(".yahoo.com") else ""
    cookie = f"A3={value}; Max-Age={COOKIE_SECONDS}; Path=/{domain}; HttpOnly"
    return Reply(b"", 404, HTML, {"Set-Cookie": cookie})


def _cookie_of(call: Call) -> str | None:
    try:
        jar = SimpleCookie(call.headers.get("cookie", ""))
    except CookieError:
        return None
    return jar["A3"].value if "A3" in jar else None


def crumb_of(cookie: str) -> str:
    """Return the crumb that belongs to a cookie."""
    bits = digest(cookie, "crumb")
    return "".join(CRUMB_ALPHABET[bits >> 6 * place & 0x3F] for place in range(10)) + "y"


def _crumb(call: Call) -> Reply:
    cookie = _cookie_of(call)
    if cookie is None:
        error = {"code": "Unauthorized", "description": "Invalid Cookie"}
        return json_reply({"finance": {"result": None, "error": error}}, status=401)
    return Reply(crumb_of(cookie).encode(), content_type=TEXT)


def _with_crumb(answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
    def checked(call: Call) -> Reply:
        cookie = _cookie_of(call)
        if cookie is None or call.param("crumb") != crumb_of(cookie):
            return refuse(401, "GET", call.path)
        return answer(call)

    return checked


def _found(call: Call, codes: list[str]) -> list[tuple[str, str, Paper]]:
    """Return (code, market, instrument) of the known codes, in the order that they are asked for."""
    found: dict[str, tuple[str, str, Paper]] = {}
    wanted = {code.upper() for code in codes}
    for market in call.markets:
        papers = papers_of(market, call.view_of(market).exchange)
        for code in wanted & papers.keys() - found.keys():
            found[code] = code, market, papers[code]
    return [found[code] for code in dict.fromkeys(map(str.upper, codes)) if code in found]


def _quotes(call: Call) -> Reply:
    codes = [code for code in (call.param("symbols") or "").split(",") if code]
    if not codes or len(codes) > MOST_SYMBOLS:
        description = 'Missing value for the "symbols" argument' if not codes else "Too many symbols"
        error = {"code": "Bad Request", "description": description}
        return json_reply({"quoteResponse": {"result": None, "error": error}}, status=400)
    by_market: dict[str, list[Paper]] = {}
    order = _found(call, codes)
    for _, market, paper in order:
        by_market.setdefault(market, []).append(paper)
    texts: dict[str, list[str]] = {}
    for market, papers in by_market.items():
        view = call.view_of(market)
        for item in seen(view, papers):
            text = quote_text(view, item, delay_seconds=call.now - view.at)
            texts.setdefault(item.paper.code, []).append(text)
    rows = ",".join(text for code, _, _ in order for text in texts.get(code, ()))
    return Reply(f'{{"quoteResponse":{{"result":[{rows}],"error":null}}}}'.encode())


def _for_one(
    answer: Callable[[Call, Viewpoint, Paper], Reply], unknown: Callable[[str], Reply]
) -> Callable[[Call], Reply]:
    def checked(call: Call) -> Reply:
        code = call.path.rsplit("/", 1)[-1]
        found = _found(call, [code])
        if not found:
            return unknown(code)
        _, market, paper = found[0]
        return answer(call, call.view_of(market), paper)

    return checked


def _no_chart(_code: str) -> Reply:
    return Refused(404, "Not Found", DESCRIPTIONS[404]).reply()


def _no_series(code: str) -> Reply:
    series: list[dict[str, Any]] = [{"meta": {"symbol": [code]}}]
    return json_reply({"timeseries": {"result": series, "error": None}})


def _consent(call: Call) -> Reply:
    return Reply(CONSENT.format(token=f"{digest(int(call.now), 'csrf'):016x}").encode(), content_type=HTML)


def _asked_symbol(call: Call) -> str | None:
    codes = (call.param("symbols") or call.path.rsplit("/", 1)[-1]).split(",")
    found = _found(call, codes) if len(codes) == 1 else []
    return found[0][2].listing.symbol if found else None


_CHART = _for_one(chart, _no_chart)
_SERIES = _for_one(timeseries, _no_series)
WIRE = Wire(
    source=SOURCE,
    routes=(
        Route("GET", "", _cookie_page),
        Route("GET", "/", _cookie_page),
        Route("GET", "/v1/test/getcrumb", _crumb),
        Route("GET", "/consent", _consent),
        Route("POST", "/v2/collectConsent", _consent),
        Route("GET", "/copyConsent", _cookie_page),
        Route("GET", "/v7/finance/quote", _with_crumb(_quotes), _asked_symbol, limit_per_second=QUOTES_A_SECOND),
        Route("GET", "/v8/finance/chart/{symbol}", _CHART, _asked_symbol, limit_per_second=OTHERS_A_SECOND),
        Route(
            "GET", "/v10/finance/quoteSummary/{symbol}", _with_crumb(_for_one(summary, not_found)), _asked_symbol,
            limit_per_second=OTHERS_A_SECOND,
        ),
        Route(
            "GET", "/ws/fundamentals-timeseries/v1/finance/timeseries/{symbol}", _SERIES, _asked_symbol,
            limit_per_second=OTHERS_A_SECOND,
        ),
    ),
    refuse=refuse,
)  # fmt: skip
