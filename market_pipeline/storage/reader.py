"""Reads slices, whatever version they are in. A file that vanished is listed again; an unreadable one is set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import structlog

from market_pipeline.errors import WarehouseBusy
from market_pipeline.storage.layout import UNREADABLE, Layout, Slice
from market_pipeline.storage.locks import MarketLocks
from market_pipeline.storage.parquet import conform, read_whole
from market_pipeline.storage.tables import Table

log = structlog.get_logger("market_pipeline.storage")
ATTEMPTS = 5
SET_ASIDE_WAIT_SECONDS = 1.0
SESSION_SPAN = timedelta(days=2)
"""A session's minutes lie within so many days of its date, in any zone."""


@dataclass(frozen=True)
class Selection:
    """Which rows and columns: since <= minute < until; None means all."""

    since: datetime | None = None
    until: datetime | None = None
    symbols: Sequence[str] | None = None
    columns: Sequence[str] | None = None


class Reader:
    """Reads slices of one warehouse. `unreadable_count` says how many files this reader set aside."""

    def __init__(self, layout: Layout, locks: MarketLocks) -> None:
        self._layout = layout
        self._locks = locks
        self._schemas: dict[tuple[str, str], list[str]] = {}
        self.unreadable_count = 0

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        return connection

    def read(self, table: Table, list_slices: Callable[[], Sequence[Slice]], selection: Selection) -> pa.Table:
        """Return the selected rows of the slices that `list_slices` names, in no promised order.

        It is called again when a file vanished between listing and opening.
        """
        for attempt in range(ATTEMPTS):
            slices = list_slices()
            try:
                return self._read_quickly(table, slices, selection)
            except duckdb.Error as error:
                log.warning("slices_read_one_by_one", table=table.name, files=len(slices), reason=str(error)[:200])
            try:
                return self._read_one_by_one(table, slices, selection)
            except FileNotFoundError:
                if attempt == ATTEMPTS - 1:
                    raise
        return selected(table, table.schema.empty_table(), selection)

    def read_slice(self, table: Table, found: Slice) -> pa.Table | None:
        """Return all rows of one slice in the table's present schema; None when it is unreadable.

        Raises FileNotFoundError when it is gone.
        """
        try:
            return conform(read_whole(found.path), table)
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException):
            self.set_aside(found)
            return None

    def set_aside(self, found: Slice) -> None:
        """Rename an unreadable slice, so that it poisons no query.

        Nothing happens if it is readable after all, or while a writer is busy; the next reader tries again.
        """
        with suppress(WarehouseBusy, FileNotFoundError), self._locks.hold(found.market, SET_ASIDE_WAIT_SECONDS):
            try:
                read_whole(found.path)
            except (OSError, pa.ArrowException) as error:
                self.put_away(found, error)

    def put_away(self, found: Slice, error: Exception) -> None:
        """Rename a slice that was found unreadable and say so. The caller holds the market's lock."""
        aside = found.path.with_name(found.path.name + UNREADABLE)
        found.path.rename(aside)
        self.unreadable_count += 1
        log.error(
            "slice_unreadable",
            path=self._layout.relative(aside),
            table=found.table,
            market=found.market,
            session_date=str(found.session_date),
            reason=str(error)[:200],
            what_to_do="its rows are missing: backfill the session",
        )

    def _read_quickly(self, table: Table, slices: Sequence[Slice], selection: Selection) -> pa.Table:
        """Let DuckDB read all files of a version at once: twice as fast as opening them one by one."""
        wanted = list(selection.columns or table.schema.names)
        parts = []
        for version in dict.fromkeys(found.version for found in slices):
            files = [str(found.path) for found in slices if found.version == version]
            sql, values = _query(table, self._columns_of(table, version), selection)
            rows = self._connection.cursor().sql(sql, params=[files, *values]).to_arrow_table()
            parts.append(conform(rows, table, wanted))
        return pa.concat_tables(parts) if parts else table.schema.empty_table().select(wanted)

    def _columns_of(self, table: Table, version: str) -> list[str]:
        """Return the columns that a version has; its zero-row file knows."""
        if version == table.version:
            return list(table.stored_schema.names)
        key = (table.name, version)
        if key not in self._schemas:
            self._schemas[key] = pq.read_schema(self._layout.seed("live", table, version)).names
        return self._schemas[key]

    def _read_one_by_one(self, table: Table, slices: Iterable[Slice], selection: Selection) -> pa.Table:
        """Read file by file, leaving out what cannot be read. Raises FileNotFoundError for one that vanished."""
        parts = [table.schema.empty_table()]
        for found in slices:
            rows = self.read_slice(table, found)
            if rows is not None:
                parts.append(rows)
        return selected(table, pa.concat_tables(parts), selection)


def _query(table: Table, present: Sequence[str], selection: Selection) -> tuple[str, list[Any]]:
    wanted = selection.columns or table.schema.names
    columns = ", ".join(_stored(table, name, present) for name in wanted)
    conditions, values = ["true"], list[Any]()
    if selection.since is not None:
        conditions.append(f'"{table.minute_column}" >= ?')
        values.append(selection.since)
    if selection.until is not None:
        conditions.append(f'"{table.minute_column}" < ?')
        values.append(selection.until)
    if selection.symbols is not None:
        conditions.append(f"symbol IN ({', '.join('?' * len(selection.symbols)) or 'NULL'})")
        values.extend(selection.symbols)
    where = " AND ".join(conditions)
    return f"SELECT {columns} FROM read_parquet(?, hive_partitioning=false) WHERE {where}", values  # noqa: S608 values are bound


def _stored(table: Table, name: str, present: Sequence[str]) -> str:
    """Return the SQL of one column: itself, the one that holds its values, or null where the version has neither."""
    held = next((found for found in (name, table.twins.get(name)) if found in present), None)
    return f'"{name}"' if held == name else f'{f'"{held}"' if held else "NULL"} AS "{name}"'


def selected(table: Table, rows: pa.Table, selection: Selection) -> pa.Table:
    """Apply a selection to rows in memory."""
    minutes = rows.column(table.minute_column)
    if selection.since is not None:
        rows = rows.filter(pc.greater_equal(minutes, pa.scalar(selection.since, minutes.type)))
        minutes = rows.column(table.minute_column)
    if selection.until is not None:
        rows = rows.filter(pc.less(minutes, pa.scalar(selection.until, minutes.type)))
    if selection.symbols is not None:
        rows = rows.filter(pc.is_in(rows.column("symbol"), value_set=pa.array(selection.symbols, pa.string())))
    return rows.select(list(selection.columns)) if selection.columns is not None else rows


def within(slices: Sequence[Slice], selection: Selection) -> list[Slice]:
    """Leave out slices that cannot hold a selected minute."""
    since, until = selection.since, selection.until
    return [
        found for found in slices if (since is None or _end(found) > since) and (until is None or _start(found) < until)
    ]


def _start(found: Slice) -> datetime:
    return found.minute or datetime.combine(found.session_date, time(), UTC) - SESSION_SPAN


def _end(found: Slice) -> datetime:
    if found.minute is not None:
        return found.minute + timedelta(minutes=1)
    return datetime.combine(found.session_date, time(), UTC) + SESSION_SPAN
