"""Screen a whole market at the latest minute of each symbol: joins the newest rows and keeps those that match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import UsageError
from market_pipeline.storage.tables import UTC_TIME
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline.transforms.screen import known, read_screen, unknown_column

SCREENED = ("indicators_1m", "levels_1m", "bars_1m", "live_tickers")
"""Tables whose newest rows are joined by symbol; a column that several have is the first one's, unless it is named with
its table, like live_tickers.volume."""
_KEY = ("market", "symbol", "interval_start")


@dataclass(frozen=True)
class Screened:
    """What a screen found: the rows to show, how many symbols match, and how many were looked at."""

    rows: pa.Table
    matches: int
    symbols: int


@dataclass(frozen=True)
class Shown:
    """Which columns are shown (None: those that the condition names), in which order (-name: falling), how many rows.

    Rows come by symbol unless another order is asked for; nulls come last.
    """

    columns: Sequence[str] | None = None
    sort: str | None = None
    limit: int | None = None


def screen_market(warehouse: Warehouse, market: str, expression: str, *, shown: Shown = Shown()) -> Screened:
    """Return the symbols that meet a condition on their newest rows, with market, symbol, interval_start and columns.

    interval_start is that of the oldest row that was looked at, null where only live tickers were. Raise UsageError for
    a condition that is none, or a column that there is not.
    """
    every = _names(warehouse, only_numbers=False)
    screen = read_screen(expression, _names(warehouse, only_numbers=True))
    if shown.limit is not None and shown.limit < 1:
        raise UsageError(f"asked for at most {shown.limit} symbols; a retry does not help; give a limit of 1 or more")
    columns = list(screen.columns) if shown.columns is None else [_named(name, every) for name in shown.columns]
    order = _named(shown.sort.removeprefix("-"), every) if shown.sort else None
    joined = _joined(warehouse, market, [*screen.columns, *columns, *([order] if order else [])])
    numbers = {name: known(joined[name].combine_chunks().cast(pa.float64())) for name in screen.columns}
    found = joined.filter(screen.matches(numbers)) if joined.num_rows else joined
    if order is not None:
        found = found.sort_by([(order, "descending" if (shown.sort or "").startswith("-") else "ascending")])
    rows = _titled(found.slice(0, shown.limit), market, columns=columns, names=every)
    return Screened(rows, found.num_rows, joined.num_rows)


def _names(warehouse: Warehouse, *, only_numbers: bool) -> dict[str, str]:
    """Return every name that a column may be called by, in small letters → table.column."""
    bare, qualified = dict[str, str](), dict[str, str]()
    for table in (table for name in SCREENED for table in warehouse.tables if table.name == name):
        for field in table.schema:
            is_number = pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
            if field.name not in _KEY and (is_number or not only_numbers):
                qualified[f"{table.name}.{field.name}".lower()] = f"{table.name}.{field.name}"
                bare.setdefault(field.name.lower(), f"{table.name}.{field.name}")
    return {**qualified, **bare}


def _named(name: str, names: Mapping[str, str]) -> str:
    column = names.get(name.lower())
    if column is None:
        raise UsageError(
            f"asked a screen to show or sort by {name}: {unknown_column(name, names)}; a retry does not help"
        )
    return column


def _joined(warehouse: Warehouse, market: str, columns: Iterable[str]) -> pa.Table:
    """Return one row a symbol of the tables that the columns are of, by symbol; null where a table has no row."""
    of_table: dict[str, list[str]] = {}
    for column in dict.fromkeys(columns):
        table, _, name = column.partition(".")
        of_table.setdefault(table, []).append(name)
    parts = {table: _newest(warehouse, market, table=table, names=names) for table, names in of_table.items()}
    named = pa.chunked_array([chunk for part in parts.values() for chunk in part["symbol"].chunks], pa.string())
    symbols = named.unique().sort()
    joined: dict[str, pa.Array] = {
        "symbol": symbols,
        "interval_start": pa.nulls(len(symbols), UTC_TIME),
    }
    for table, part in parts.items():
        places = pc.index_in(symbols, value_set=part["symbol"].combine_chunks())
        for name in part.column_names:
            taken = part[name].combine_chunks().take(places)
            if name == "interval_start":
                joined[name] = _older(joined[name], taken)
            elif name != "symbol":
                joined[f"{table}.{name}"] = taken
    return pa.table(joined)


def _older(moments: pa.Array, others: pa.Array) -> pa.Array:
    """Return the older one of two, or the one that there is."""
    return pc.if_else(pc.coalesce(pc.less(others, moments), pc.is_null(moments)), others, moments)


def _newest(warehouse: Warehouse, market: str, *, table: str, names: Sequence[str]) -> pa.Table:
    key = [name for name in ("symbol", "interval_start") if name in warehouse.table(table).schema.names]
    return warehouse.latest(table, market, columns=[*key, *names])


def _titled(found: pa.Table, market: str, *, columns: Sequence[str], names: Mapping[str, str]) -> pa.Table:
    """Return the columns under their own names; with the table's where another table's column has that name."""
    titled = {"market": pa.repeat(pa.scalar(market), found.num_rows)}
    titled |= {name: found[name] for name in ("symbol", "interval_start")}
    for column in dict.fromkeys(columns):
        bare = column.partition(".")[2]
        titled[bare if names[bare.lower()] == column else column] = found[column]
    return pa.table(titled)
