"""Checks what people ask for by name: symbols and indicator columns. A wrong name is answered with those near it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from market_pipeline.errors import UsageError
from market_pipeline.indicators.catalogue import all_indicators
from market_pipeline.markets.schema import MarketFile
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.tables import BARS_1M, INSTRUMENTS, LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse

type Symbols = str | Sequence[str] | None
"""One symbol, some, or None: all."""
type Columns = str | Sequence[str] | None
"""One column, some, or None: all."""

_KEY = ("market", "symbol", "interval_start", "session_date", "known_at")


def checked_symbols(warehouse: Warehouse, file: MarketFile, symbols: Symbols) -> list[str] | None:
    """Return the symbols asked for; None for all. Raise UsageError for one that the market does not know."""
    if symbols is None:
        return None
    asked = listed(symbols)
    known = {rule.symbol for rule in file.symbols}
    for table in (INSTRUMENTS, LIVE_TICKERS, BARS_1M):
        known.update(warehouse.latest(table, file.market, columns=["symbol"])["symbol"].to_pylist())
    for symbol in asked:
        if symbol not in known:
            raise _unknown("symbol", symbol, sorted(known), where=f"{file.market} has {len(known):,} symbols")
    return list(dict.fromkeys(asked))


def checked_columns(columns: Columns, *, is_stored: bool) -> list[str]:
    """Return the columns asked for, in the catalogue's case; None for all. Raise UsageError for one that there is not.

    `is_stored`: those of the table indicators_1m, which may have more than the catalogue computes.
    """
    stored = (column.name for column in indicators_1m().columns if column.name not in _KEY)
    computed = (name for indicator in all_indicators() for name in indicator.columns)
    known = {name.lower(): name for name in (stored if is_stored else computed)}
    asked = list(known) if columns is None else listed(columns)
    for name in asked:
        if name.lower() not in known:
            where = "`market-pipeline indicators` lists them"
            raise _unknown("indicator", name, list(known.values()), where=where)
    return list(dict.fromkeys(known[name.lower()] for name in asked))


def listed(names: str | Sequence[str]) -> list[str]:
    """Return one name as a list of one."""
    return [names] if isinstance(names, str) else list(names)


def _unknown(kind: str, name: str, known: Sequence[str], *, where: str) -> UsageError:
    by_small = {text.lower(): text for text in known}
    near = [by_small[found] for found in difflib.get_close_matches(name.lower(), by_small, n=3)]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return UsageError(
        f"asked for the {kind} {name!r}: there is none of that name{hint}; a retry does not help; {where}"
    )
