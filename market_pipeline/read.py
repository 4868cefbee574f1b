"""Typed access for people: bars, indicators, tickers and screens of what is stored, as pandas, Arrow or DuckDB.

Reads only; nothing has to run. The feed is the one that the settings name, or `feed_folder` (like "data/live"). Times
are UTC and aware, unknown is null. What is wrong is a UsageError that says what there is. More: docs/reading.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import UsageError
from market_pipeline.markets.loader import load_market
from market_pipeline.model.timeframe import timeframe_named
from market_pipeline.steps.asked import Columns, Symbols, checked_columns, checked_symbols, listed
from market_pipeline.steps.screen_market import Shown, screen_market
from market_pipeline.steps.stored_feed import stored_feed
from market_pipeline.steps.time_range import Moment, TimeRange, time_range
from market_pipeline.steps.timeframe_bars import TimeframeBars
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.relation import Relation, relation_of
from market_pipeline.storage.tables import LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

# ruff: noqa: PLR0917  the order of parameters is part of the contract

type Folder = Path | str | None
type Form = Literal["pandas", "arrow", "duckdb"]

__all__ = ["Moment", "Relation", "bars", "indicators", "screen", "tickers"]


@overload
def bars(
    market: str,
    symbols: Symbols = None,
    timeframe: str = "1m",
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    as_: Literal["pandas"] = "pandas",
    feed_folder: Folder = None,
) -> pd.DataFrame: ...


@overload
def bars(
    market: str,
    symbols: Symbols = None,
    timeframe: str = "1m",
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    as_: Literal["arrow"],
    feed_folder: Folder = None,
) -> pa.Table: ...


@overload
def bars(
    market: str,
    symbols: Symbols = None,
    timeframe: str = "1m",
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    as_: Literal["duckdb"],
    feed_folder: Folder = None,
) -> Relation: ...


def bars(
    market: str,
    symbols: Symbols = None,
    timeframe: str = "1m",
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    as_: Form = "pandas",
    feed_folder: Folder = None,
) -> pd.DataFrame | pa.Table | Relation:
    """Return a market's bars with the columns of bars_1m, by symbol and interval_start.

    timeframe: 1m, 5m, 15m, 30m, 1h or 1d (pandas' names too), counted from each session's opening. `start` is included;
    an `end` that is a moment is excluded, one that is a date is the last session. Bars are whole wherever a question
    begins. A symbol that traded nothing has no bars.

    >>> from market_pipeline import read
    >>> read.bars("india", "RELIANCE", "1h", start="2026-11-19")[["interval_start", "close", "is_final"]]
    """
    warehouse, file = stored_feed(feed_folder), load_market(market)
    wanted, named = time_range(start, end), checked_symbols(warehouse, file, symbols)
    source = TimeframeBars(warehouse, file, timeframe=timeframe_named(timeframe), symbols=named)
    found = source.read(wanted.sessions(source.stored_sessions()))
    return _as(_in_order(wanted.rows(found)), as_)


@overload
def indicators(
    market: str,
    symbols: Symbols = None,
    timeframe: str = "1m",
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    columns: Columns = None,
    as_: Literal["pandas"] = "pandas",
    feed_folder: Folder = None,
) -> pd.DataFrame: ...


@overload
def indicators(
    market: str,
    symbols: Symbols = None,
    timeframe: str = "1m",
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    columns: Columns = None,
    as_: Literal["arrow"],
    feed_folder: Folder = None,
) -> pa.Table: ...


@overload
def indicators(
    market: str,
    symbols: Symbols = None,
    timeframe: str = "1m",
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    columns: Columns = None,
    as_: Literal["duckdb"],
    feed_folder: Folder = None,
) -> Relation: ...


def indicators(
    market: str,
    symbols: Symbols = None,
    timeframe: str = "1m",
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    columns: Columns = None,
    as_: Form = "pandas",
    feed_folder: Folder = None,
) -> pd.DataFrame | pa.Table | Relation:
    """Return indicators (all, or `columns`, whatever their case) with market, symbol, interval_start, session_date.

    At 1m they are those of indicators_1m, rounded as stored; at other timeframes they are computed from `bars` as
    float64, exactly as TA-Lib does, on a window that reaches back far enough whatever `start` is. There pandas-ta's are
    computed only where `columns` names them, being slow. start, end as for `bars`.

    >>> from market_pipeline import read
    >>> read.indicators("india", ["RELIANCE", "TCS"], "5m", columns=["RSI_14", "SMA_20"])
    """
    warehouse, file = stored_feed(feed_folder), load_market(market)
    wanted, named = time_range(start, end), checked_symbols(warehouse, file, symbols)
    name = timeframe_named(timeframe)
    chosen = checked_columns(columns, is_stored=name == "1m")
    if name == "1m":
        return _as(_in_order(_stored_indicators(warehouse, market, wanted, (named, chosen))), as_)
    from market_pipeline.steps.timeframe_indicators import timeframe_indicators

    source = TimeframeBars(warehouse, file, timeframe=name, symbols=named)
    sessions = wanted.sessions(source.stored_sessions())
    slow = source.traded_symbols() if columns is not None else ()
    found = timeframe_indicators(source, sessions, columns=chosen, pandas_ta_for=slow)
    return _as(_in_order(wanted.rows(found)), as_)


@overload
def tickers(
    market: str, symbols: Symbols = None, *, as_: Literal["pandas"] = "pandas", feed_folder: Folder = None
) -> pd.DataFrame: ...


@overload
def tickers(market: str, symbols: Symbols = None, *, as_: Literal["arrow"], feed_folder: Folder = None) -> pa.Table: ...


@overload
def tickers(
    market: str, symbols: Symbols = None, *, as_: Literal["duckdb"], feed_folder: Folder = None
) -> Relation: ...


def tickers(
    market: str, symbols: Symbols = None, *, as_: Form = "pandas", feed_folder: Folder = None
) -> pd.DataFrame | pa.Table | Relation:
    """Return the merged state of each symbol now: the columns of live_tickers, by symbol.

    >>> from market_pipeline import read
    >>> read.tickers("casablanca")[["symbol", "price", "change_1d_percent", "source"]]
    """
    warehouse, file = stored_feed(feed_folder), load_market(market)
    named = checked_symbols(warehouse, file, symbols)
    found = warehouse.latest(LIVE_TICKERS, market)
    if named is not None:
        found = found.filter(pc.is_in(found["symbol"], value_set=pa.array(named, pa.string())))
    return _as(found.sort_by("symbol"), as_)


@overload
def screen(
    market: str,
    expression: str,
    *,
    columns: Columns = None,
    sort: str | None = None,
    limit: int | None = None,
    as_: Literal["pandas"] = "pandas",
    feed_folder: Folder = None,
) -> pd.DataFrame: ...


@overload
def screen(
    market: str,
    expression: str,
    *,
    columns: Columns = None,
    sort: str | None = None,
    limit: int | None = None,
    as_: Literal["arrow"],
    feed_folder: Folder = None,
) -> pa.Table: ...


@overload
def screen(
    market: str,
    expression: str,
    *,
    columns: Columns = None,
    sort: str | None = None,
    limit: int | None = None,
    as_: Literal["duckdb"],
    feed_folder: Folder = None,
) -> Relation: ...


def screen(
    market: str,
    expression: str,
    *,
    columns: Columns = None,
    sort: str | None = None,
    limit: int | None = None,
    as_: Form = "pandas",
    feed_folder: Folder = None,
) -> pd.DataFrame | pa.Table | Relation:
    """Return the symbols that meet a condition at their latest minute, with the columns it names, or `columns`.

    The condition names columns of indicators_1m, bars_1m and live_tickers, whatever their case: comparisons (chained
    for between), and, or, not, + - * /, abs, min, max. Unknown never matches. `sort` is a column; "-column" falls.

    >>> from market_pipeline import read
    >>> read.screen("india", "rsi_14 < 30 and close > sma_200", columns=["name", "price"], sort="rsi_14", limit=10)
    """
    load_market(market)
    shown = Shown(None if columns is None else listed(columns), sort, limit)
    return _as(screen_market(stored_feed(feed_folder), market, expression, shown=shown).rows, as_)


def _stored_indicators(
    warehouse: Warehouse, market: str, wanted: TimeRange, asked: tuple[list[str] | None, list[str]]
) -> pa.Table:
    symbols, columns = asked
    table = indicators_1m()
    names = ["market", "symbol", "interval_start", "session_date", *columns, "known_at"]
    sessions = wanted.sessions(warehouse.sessions(table, market))
    return wanted.rows(warehouse.read(table, market, sessions=sessions, symbols=symbols, columns=names))


def _in_order(table: pa.Table) -> pa.Table:
    return table.sort_by([("symbol", "ascending"), ("interval_start", "ascending")])


def _as(table: pa.Table, form: str) -> pd.DataFrame | pa.Table | Relation:
    match form:
        case "pandas":
            return table.to_pandas()
        case "arrow":
            return table
        case "duckdb":
            return relation_of(table)
    raise UsageError(f"asked for the result as {form!r}; a retry does not help; there are pandas, arrow and duckdb")
