"""Nasdaq Trader's symbol directories: text with bars between the columns, CRLF, the creation time in the last line.

A replay lists exactly the recorded symbols. (nasdaqtrader.com/Trader.aspx?id=SymbolDirDefs)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.us_listing import left_out
from market_pipeline.simulator.wire.format import HTML, Call, Reply, Route, Wire, html_page

TEXT = "text/plain"
ZONE = ZoneInfo("America/New_York")
FOLDER = "/dynamic/SymDir"
OWN = "QGS"
"""Letters of Nasdaq's own three tiers; everything else is listed elsewhere."""
NASDAQ_HEADER = "Symbol|Security Name|Market Category|Test Issue|Financial Status|Round Lot Size|ETF|NextShares"
OTHER_HEADER = "ACT Symbol|Security Name|Exchange|CQS Symbol|ETF|Round Lot Size|Test Issue|NASDAQ Symbol"
SECONDS_A_FILE = 1800
"""The files are made anew so often."""
FEW_SHARES_A_LOT = {"BRK.A": "1"}


def refuse(status: int, _method: str, _path: str) -> Reply:
    """Return what the site answers with a status: a page."""
    return Reply(html_page(f"{status}", f"<body><h2>{status} - Error</h2></body>"), status, HTML)


def _file(call: Call, body: str, *, bars: int) -> Reply:
    made = datetime.fromtimestamp(call.now // SECONDS_A_FILE * SECONDS_A_FILE, ZONE)
    return Reply(f"{body}File Creation Time: {made:%m%d%Y%H:%M}{'|' * bars}\r\n".encode(), content_type=TEXT)


def _nasdaq_listed(call: Call) -> Reply:
    return _file(call, _own_rows(call.view.exchange), bars=7)


def _other_listed(call: Call) -> Reply:
    return _file(call, _other_rows(call.view.exchange), bars=6)


def _rows(exchange: Exchange) -> Iterable[Mapping[str, str]]:
    yield from ({**listing.facts, "symbol": symbol} for symbol, listing in exchange.listings.items())
    if exchange.is_model:
        yield from left_out()


@lru_cache(maxsize=8)
def _own_rows(exchange: Exchange) -> str:
    """Return header and rows of what Nasdaq lists itself, by symbol."""
    rows = sorted(_own_row(row) for row in _rows(exchange) if _place(row) in OWN)
    return "".join(f"{line}\r\n" for line in [NASDAQ_HEADER, *rows])


@lru_cache(maxsize=8)
def _other_rows(exchange: Exchange) -> str:
    """Return header and rows of what is listed elsewhere, by symbol."""
    rows = sorted(_other_row(row) for row in _rows(exchange) if _place(row) not in OWN)
    return "".join(f"{line}\r\n" for line in [OTHER_HEADER, *rows])


def _place(row: Mapping[str, str]) -> str:
    return row.get("listed") or "Q"


def _own_row(row: Mapping[str, str]) -> str:
    test, fund = row.get("is_test", "N"), "Y" if row.get("kind") == "etf" else "N"
    return "|".join((row["symbol"], row.get("name") or row["symbol"], _place(row), test, "N", "100", fund, "N"))


def _other_row(row: Mapping[str, str]) -> str:
    symbol, fund = row["symbol"], "Y" if row.get("kind") == "etf" else "N"
    cqs, nasdaq = row.get("cqs") or symbol.replace("$", "p"), row.get("nasdaq") or symbol.replace("$", "-")
    lot = FEW_SHARES_A_LOT.get(symbol, "100")
    name = row.get("name") or symbol
    return "|".join((symbol, name, _place(row), cqs, fund, lot, row.get("is_test", "N"), nasdaq))


WIRE = Wire(
    source="nasdaq_directory",
    routes=(
        Route("GET", f"{FOLDER}/nasdaqlisted.txt", _nasdaq_listed),
        Route("GET", f"{FOLDER}/otherlisted.txt", _other_listed),
    ),
    refuse=refuse,
)
