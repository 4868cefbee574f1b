"""Tables and extracts that are small enough to be one file a market: small tables, and the newest rows of big ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.errors import UsageError
from market_pipeline.storage.layout import Layout
from market_pipeline.storage.newest import NewestFiles
from market_pipeline.storage.parquet import conform, encode
from market_pipeline.storage.rows import merge, newest_of_each
from market_pipeline.storage.tables import Table


class WholeFiles:
    """Reads and rewrites them. Writers hold the market's lock."""

    def __init__(self, layout: Layout, tables: Iterable[Table]) -> None:
        self._tables = [table for table in tables if table.is_small or table.has_latest]
        self._files = {
            table.name: NewestFiles(layout.small(table.name) if table.is_small else layout.latest(table.name))
            for table in self._tables
        }

    def make_seeds(self) -> None:
        """Make sure that every table's files can be read before its first rows."""
        for table in self._tables:
            self._files[table.name].seed(table.stored_schema)

    def rows(self, table: Table, market: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a small table's rows, or the newest rows of a big one, whole or some columns of them.

        Raises UsageError for a big one that keeps none.
        """
        if table.name not in self._files:
            raise UsageError(f"{table.name} keeps no newest rows; those that do: {', '.join(sorted(self._files))}")
        files = self._files[table.name]
        if columns is None:
            rows = files.read(market)
        else:
            rows = files.read_columns(market, [table.twins.get(name, name) for name in columns])
        return conform(table.schema.empty_table() if rows is None else rows, table, columns)

    def select(self, table: Table, market: str, sessions: Sequence[date] | None) -> pa.Table:
        """Return a small table's rows of these session dates, or all."""
        rows = self.rows(table, market)
        if sessions is None or "session_date" not in rows.column_names:
            return rows
        return rows.filter(pc.is_in(rows.column("session_date"), value_set=pa.array(sessions, pa.date32())))

    def since(self, table: Table, market: str, first: date, *, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a small table's rows of session dates from `first` on, without loading the rest."""
        condition = pc.field("session_date") >= pa.scalar(first, pa.date32())
        rows = self._files[table.name].read_part(market, columns, condition)
        return conform(table.schema.empty_table() if rows is None else rows, table, columns)

    def session_dates(self, table: Table, market: str) -> list[date]:
        """Return the session dates in a small table, oldest first; none for one that is not about sessions."""
        rows = self.rows(table, market)
        return sorted(rows.column("session_date").unique().to_pylist()) if "session_date" in table.key else []

    def merge_small(self, table: Table, market: str, rows: pa.Table) -> int:
        """Merge rows into a small table by its key; return how many rows they replaced."""
        existing = self.rows(table, market)
        merged = merge(table, existing, rows)
        self._files[table.name].write(market, encode(table, merged))
        return int(existing.num_rows + rows.num_rows - merged.num_rows)

    def replace_sessions(
        self, table: Table, market: str, rows: pa.Table, *, sessions: Sequence[date], since: date | None
    ) -> int:
        """Let `rows` take the place of all rows of these sessions; return how many rows went.

        Rows of sessions before `since` go too.
        """
        existing = self.rows(table, market)
        days = existing.column("session_date")
        is_kept = pc.invert(pc.is_in(days, value_set=pa.array(sessions, pa.date32())))
        if since is not None:
            is_kept = pc.and_(is_kept, pc.greater_equal(days, pa.scalar(since, pa.date32())))
        kept = existing.filter(is_kept)
        self._files[table.name].write(market, encode(table, pa.concat_tables([kept, rows])))
        return int(existing.num_rows - kept.num_rows)

    def drop_before(self, table: Table, market: str, column: str, *, before: datetime) -> int:
        """Drop a small table's rows whose time in `column` is before `before`; return how many."""
        existing = self.rows(table, market)
        is_kept = pc.fill_null(pc.greater_equal(existing.column(column), pa.scalar(before)), fill_value=True)
        kept = existing.filter(is_kept)
        gone = int(existing.num_rows - kept.num_rows)
        if gone:
            self._files[table.name].write(market, encode(table, kept))
        return gone

    def update_latest(self, table: Table, market: str, rows: pa.Table) -> None:
        """Let rows of the same or a newer minute take the place of the newest rows; older ones change nothing."""
        if not table.has_latest:
            return
        existing = self.rows(table, market)
        merged = newest_of_each(table, pa.concat_tables([existing, newest_of_each(table, rows)]))
        self._files[table.name].write(market, encode(table, merged))
