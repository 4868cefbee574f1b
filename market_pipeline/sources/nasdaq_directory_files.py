"""Reads the symbol directories of Nasdaq Trader (nasdaqtrader.com/Trader.aspx?id=SymbolDirDefs). Pure.

nasdaqlisted.txt: AAPL|Apple Inc. - Common Stock|Q|N|N|100|N|N
otherlisted.txt:  BRK.B|Berkshire Hathaway Inc. Class B Common Stock|N|BRK.B|N|100|N|BRK.B
Both end with a line like: File Creation Time: 1124202606:01|||||||
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from market_pipeline.errors import PayloadError
from market_pipeline.markets.schema import MarketFile, UniverseRule
from market_pipeline.model.instrument import Instrument
from market_pipeline.sources.universe import ListFormat, Row, Universe, universe_of

TRAILER = "File Creation Time:"
NASDAQ_COLUMNS = {
    "Symbol": "symbol",
    "Security Name": "name",
    "Market Category": "category",
    "Test Issue": "test_issue",
    "Financial Status": "financial_status",
    "Round Lot Size": "round_lot",
    "ETF": "etf",
}
OTHER_COLUMNS = {
    "ACT Symbol": "symbol",
    "Security Name": "name",
    "Exchange": "exchange",
    "ETF": "etf",
    "Round Lot Size": "round_lot",
    "Test Issue": "test_issue",
}
EXCHANGES = {"A": "nyse_american", "N": "nyse", "P": "nyse_arca", "V": "iex", "Z": "cboe_bzx"}
NASDAQ = "nasdaq"
WORDS = ("symbol", "name", "exchange", "category", "test_issue", "financial_status", "etf")
"""What a universe rule may speak of; what a file does not know of its rows is empty."""


def parse_directories(nasdaq: bytes, other: bytes, market: MarketFile, *, rule: UniverseRule) -> Universe:
    """Return the instruments that `rule` chooses from both files.

    A line that has not as many cells as the header counts as rejected. Raises PayloadError for a missing column and for
    a file without its last line: half a list would delist the rest.
    """
    ours, ours_broken = nasdaq_rows(nasdaq)
    others, others_broken = other_rows(other)
    tier_1 = frozenset(market.tier_1)

    def instrument(row: Row) -> Instrument:
        symbol = row["symbol"]
        return Instrument(
            market=market.market,
            symbol=symbol,
            name=row["name"],
            currency=market.currency,
            tier=1 if symbol in tier_1 else 2,
            lot_size=float(row["round_lot"]) if row["round_lot"].isdigit() else None,
            group=next((group for group, members in market.group_members.items() if symbol in members), None),
        )

    form = ListFormat({word: word for word in WORDS}, is_readable=_is_readable, instrument=instrument)
    chosen = universe_of([*ours, *others], market, rule=rule, form=form)
    return replace(chosen, rejected=chosen.rejected + ours_broken + others_broken)


def nasdaq_rows(body: bytes) -> tuple[list[Row], int]:
    """Return the rows of nasdaqlisted.txt, and how many lines are none."""
    rows, broken = _rows(body, NASDAQ_COLUMNS, file="nasdaqlisted.txt")
    return [row | {"exchange": NASDAQ} for row in rows], broken


def other_rows(body: bytes) -> tuple[list[Row], int]:
    """Return the rows of otherlisted.txt, and how many lines are none.

    An exchange that we have no word for keeps its letter.
    """
    rows, broken = _rows(body, OTHER_COLUMNS, file="otherlisted.txt")
    unsaid = {"category": "", "financial_status": ""}
    return [row | unsaid | {"exchange": EXCHANGES.get(row["exchange"], row["exchange"])} for row in rows], broken


def _is_readable(row: Row) -> bool:
    return bool(row["symbol"]) and bool(row["name"])


def _rows(body: bytes, columns: Mapping[str, str], *, file: str) -> tuple[list[dict[str, str]], int]:
    lines = [line for line in body.decode("utf-8", "replace").splitlines() if line.strip()]
    header = [name.strip() for name in lines[0].split("|")] if lines else []
    missing = [name for name in columns if name not in header]
    if missing:
        raise PayloadError(
            f"tried to read {file} of Nasdaq Trader and did not find {', '.join(missing)} in its header: a retry does "
            "not help; compare it with nasdaqtrader.com/Trader.aspx?id=SymbolDirDefs"
        )
    if not lines[-1].startswith(TRAILER):
        raise PayloadError(
            f"tried to read {file} of Nasdaq Trader and its last line is not its creation time, after {len(lines)} "
            "lines: it was cut off; a retry may help"
        )
    places = [(word, header.index(name)) for name, word in columns.items()]
    table = [line.split("|") for line in lines[1:-1]]
    whole = [cells for cells in table if len(cells) == len(header)]
    return [{word: cells[place].strip() for word, place in places} for cells in whole], len(table) - len(whole)
