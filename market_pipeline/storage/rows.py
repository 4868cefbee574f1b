"""Checks and rearranges rows before they are written: schema, one row a key, split by session and minute. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import StorageError
from market_pipeline.storage.tables import Table

MINUTE_MICROSECONDS = 60_000_000
_MINUTE = "_minute"
_POSITION = "_position"


def of_symbols(rows: pa.Table, symbols: Sequence[str] | None) -> pa.Table:
    """Return the rows of these symbols; None means all."""
    return rows if symbols is None else rows.filter(pc.is_in(rows["symbol"], pa.array(symbols, pa.string())))


def check_rows(table: Table, market: str, rows: pa.Table) -> pa.Table:
    """Return `rows` in the table's column order, one row a key (the last one wins).

    Null is a value like any other in the rest of the key. Raises StorageError naming the first column that is
    missing, unknown, of another type, null where it must not be, or of another market.
    """
    _check_columns(table, rows)
    rows = rows.select(table.schema.names)
    required = {"market", "symbol", "session_date", table.minute_column} & set(rows.column_names)
    for name in sorted(required):
        if rows.column(name).null_count:
            raise _refusal(table, f"column {name} is null in {rows.column(name).null_count} of {rows.num_rows} rows")
    other = [name for name in rows.column("market").unique().to_pylist() if name != market]
    if other:
        raise _refusal(table, f"column market holds {other[0]!r}, and the rows were given for {market!r}")
    return rows if table.is_appended else last_of_each(table, rows)


def _check_columns(table: Table, rows: pa.Table) -> None:
    seen = {field.name: field.type for field in rows.schema}
    known = {field.name: field.type for field in table.schema}
    for name in seen:
        if name not in known:
            raise _refusal(table, f"column {name} is not one of its columns")
    for name, type_ in known.items():
        if name not in seen:
            raise _refusal(table, f"column {name} is missing")
        if seen[name] != type_:
            raise _refusal(table, f"column {name} is {seen[name]}, and the table has {type_}")


def _refusal(table: Table, seen: str) -> StorageError:
    return StorageError(
        f"rows for {table.name} were refused: {seen}; nothing was written. A retry cannot help: "
        "correct the step that makes the rows (schemas are in storage/tables/)"
    )


def last_of_each(table: Table, rows: pa.Table) -> pa.Table:
    """Keep the last row of every key and minute, in the order in which they stand."""
    columns = [rows.column(name) for name in table.key]
    names = list(table.key)
    if table.minute_column not in names and not table.is_small:
        columns.append(pa.array(minutes_of(table, rows)))
        names.append(_MINUTE)
    last = _last_positions(names, columns) if rows.num_rows else []
    return rows if len(last) == rows.num_rows else rows.take(last)  # a session of us is gigabytes: no copy for nothing


def newest_of_each(table: Table, rows: pa.Table) -> pa.Table:
    """Keep each key's row of the newest minute; of two with the same minute the later one in `rows`."""
    if rows.num_rows == 0:
        return rows
    names = [name for name in table.key if name != table.minute_column]
    order = pc.sort_indices(rows, sort_keys=[(table.minute_column, "ascending")])
    keys = rows.select(names).take(order)
    return rows.take(order.take(_last_positions(names, keys.columns)))


def merge(table: Table, existing: pa.Table, rows: pa.Table) -> pa.Table:
    """Return `existing` with `rows` added, which are one a key; each replaces the row with its key and minute."""
    return last_of_each(table, pa.concat_tables([existing, rows])) if existing.num_rows else rows


def by_session(rows: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """Yield the rows of each session date, oldest first."""
    for day, part in _groups(rows, rows.column("session_date").cast(pa.int32()).to_numpy()):
        yield pa.scalar(day, pa.int32()).cast(pa.date32()).as_py(), part


def by_minute(table: Table, rows: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    """Yield the rows of each minute (UTC), oldest first."""
    for minute, part in _groups(rows, minutes_of(table, rows)):
        yield datetime.fromtimestamp(minute * 60, UTC), part


def minutes_of(table: Table, rows: pa.Table) -> npt.NDArray[np.int64]:
    """Return each row's minute as minutes since 1970 UTC; for a column of dates the date's midnight."""
    column = rows.column(table.minute_column).cast(pa.timestamp("us", tz="UTC"))
    minutes: npt.NDArray[np.int64] = column.cast(pa.int64()).to_numpy() // MINUTE_MICROSECONDS
    return minutes


def sort_rows(table: Table, rows: pa.Table) -> pa.Table:
    """Sort by symbol (where there is one), minute and the rest of the key, as session files are."""
    leading = [name for name in ("symbol",) if name in table.schema.names]
    keys = dict.fromkeys((*leading, table.minute_column, *table.key))
    return rows.take(pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in keys]))


def _groups(rows: pa.Table, values: npt.NDArray[Any]) -> Iterator[tuple[int, pa.Table]]:
    if len(values) == 0:
        return
    if (values == values[0]).all():
        yield int(values[0]), rows
        return
    order = np.argsort(values, kind="stable")
    found, starts = np.unique(values[order], return_index=True)
    ordered = rows.take(pa.array(order))
    for value, start, end in zip(found, starts, [*starts[1:], len(values)], strict=True):
        yield int(value), ordered.slice(start, end - start)


def _last_positions(names: Sequence[str], columns: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Array:
    positions = pa.array(np.arange(len(columns[0])))
    keys = pa.Table.from_arrays([*columns, positions], names=[*names, _POSITION])
    last = keys.group_by(list(names), use_threads=False).aggregate([(_POSITION, "max")]).column(f"{_POSITION}_max")
    return last.take(pc.sort_indices(last))
