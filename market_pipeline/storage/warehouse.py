"""The warehouse of one feed: what steps write rows to and read them from.

Rows are in slices: Parquet files of one table, session and minute (live tier), or of one closed session (session
tier). Everything that changes a market's slices holds that market's lock; readers need none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from market_pipeline.clock import Clock
from market_pipeline.errors import UsageError
from market_pipeline.storage import market_duckdb
from market_pipeline.storage.closed import SCHEMA as CLOSED_SCHEMA
from market_pipeline.storage.closed import ClosedSessions
from market_pipeline.storage.files import file_state
from market_pipeline.storage.layout import Layout, Slice
from market_pipeline.storage.live import LiveTier, SlicesWritten
from market_pipeline.storage.locks import LOCK_TIMEOUT_SECONDS, MarketLocks
from market_pipeline.storage.market_duckdb import MarketDuckDB
from market_pipeline.storage.newest import NewestFiles
from market_pipeline.storage.parquet import has_both_ends
from market_pipeline.storage.reader import Reader, Selection, selected, within
from market_pipeline.storage.rows import by_session, check_rows
from market_pipeline.storage.seeds import make_seeds
from market_pipeline.storage.sessions import SessionTier
from market_pipeline.storage.sweeping import Sweeper, SweepReport
from market_pipeline.storage.tables import BASE_TABLES, Table
from market_pipeline.storage.whole_files import WholeFiles


@dataclass(frozen=True)
class WriteReport:
    """What a write did. Of two given rows with the same key and minute only the last one counts."""

    rows_written: int = 0
    rows_replaced: int = 0
    slices: int = 0


class Warehouse:
    """Reads and writes the tables of one feed. `tables` says which there are; indicators_1m has to be named."""

    def __init__(
        self,
        feed_folder: Path,
        tables: Sequence[Table] = BASE_TABLES,
        *,
        clock: Clock,
        lock_timeout_seconds: float = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        self.layout = Layout(feed_folder.absolute())
        self.tables = tuple(tables)
        self._locks = MarketLocks(self.layout, lock_timeout_seconds)
        self._reader = Reader(self.layout, self._locks)
        self._closed = ClosedSessions(NewestFiles(self.layout.closed))
        self._live = LiveTier(self.layout, self._reader)
        self._sessions = SessionTier(self.layout, self._reader, closed=self._closed, clock=clock)
        self._sweeper = Sweeper(self.layout, self._closed)
        self._whole = WholeFiles(self.layout, self.tables)
        self._is_prepared = False
        self._clock = clock
        self.write_seconds = 0.0
        """How long this warehouse has written since it was opened, waiting for locks included."""

    @property
    def unreadable_count(self) -> int:
        """Return how many unreadable slices this warehouse set aside since it was opened."""
        return self._reader.unreadable_count

    @property
    def sliced_tables(self) -> list[Table]:
        """Return the tables that are kept in slices."""
        return [table for table in self.tables if not table.is_small]

    def write(self, table: Table | str, market: str, rows: pa.Table) -> WriteReport:
        """Merge rows into the slices of their minutes: a row replaces the one with its key, others are kept.

        Rows of a closed session go into its session file. Writing the same rows again changes nothing. Raises
        StorageError for rows that do not fit the table or a disk that refuses, WarehouseBusy when another writer
        keeps the lock.
        """
        table = self.table(table)
        rows = check_rows(table, market, rows)
        if rows.num_rows == 0:
            return WriteReport()
        with self._writing(market):
            if table.is_small:
                written = SlicesWritten(self._whole.merge_small(table, market, rows), 1)
            else:
                parts = [self._write_day(table, market, session_date=day, rows=part) for day, part in by_session(rows)]
                written = SlicesWritten(sum(p.rows_replaced for p in parts), sum(p.slices for p in parts))
                self._whole.update_latest(table, market, rows)
        return WriteReport(rows.num_rows, written.rows_replaced, written.slices)

    def write_session(  # noqa: PLR0917 in the order of write, with the session that the file is of
        self, table: Table | str, market: str, session_date: date, rows: pa.Table
    ) -> WriteReport:
        """Merge rows of one session straight into its session file, which is in force from then on.

        For whole sessions of the past; later writes to this session rewrite the file. Raises as write does.
        """
        table = self.table(table)
        rows = check_rows(table, market, rows)
        days = rows.column("session_date").unique().to_pylist()
        if days and days != [session_date]:
            raise UsageError(
                f"write_session of {table.name}, {market}, {session_date}: the rows are of {sorted(days)}; "
                "nothing was written. Give the rows of one session at a time, or use write."
            )
        if rows.num_rows == 0:
            return WriteReport()
        with self._writing(market):
            written = self._sessions.write(table, market, session_date=session_date, rows=rows)
            self._whole.update_latest(table, market, rows)
        return WriteReport(rows.num_rows, written.rows_replaced, written.slices)

    def replace_sessions(
        self,
        table: Table | str,
        market: str,
        rows: pa.Table,
        *,
        sessions: Sequence[date],
        since: date | None = None,
    ) -> WriteReport:
        """Let `rows` replace what a small table holds of these sessions and before `since`. Raises as write does."""
        table = self.table(table)
        rows = check_rows(table, market, rows)
        with self._writing(market):
            gone = self._whole.replace_sessions(table, market, rows, sessions=sessions, since=since)
        return WriteReport(rows.num_rows, gone, 1)

    def drop_before(self, table: Table | str, market: str, column: str, *, before: datetime) -> int:
        """Drop a small table's rows whose time in `column` is before `before`, null never is; return how many."""
        with self._writing(market):
            return self._whole.drop_before(self.table(table), market, column, before=before)

    def close_session(self, market: str, session_date: date) -> int:
        """Compact the session's slices into one sorted file a table, then list it as closed. Return the files made.

        Closing it again does nothing. The live slices go a day later, by sweep.
        """
        with self._writing(market):
            return self._sessions.close(self.sliced_tables, market, session_date)

    def read(
        self,
        table: Table | str,
        market: str,
        *,
        sessions: Sequence[date] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        symbols: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows with since <= minute < until (UTC), in no promised order; None means all."""
        table = self.table(table)
        self.prepare()
        selection = Selection(since, until, symbols, columns)
        if table.is_small:
            return selected(table, self._whole.select(table, market, sessions), selection)
        listed = partial(self.slices, table, market, sessions, since)
        return self._reader.read(table, lambda: within(listed(), selection), selection)

    def latest(self, table: Table | str, market: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the newest row of every key without its minute; of a small table all rows. None: all columns."""
        return self._whole.rows(self.table(table), market, columns)

    def small_since(self, table: Table | str, market: str, first: date, *, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a small table's rows of session dates from `first` on, without loading older ones."""
        return self._whole.since(self.table(table), market, first, columns=columns)

    def slices(  # noqa: PLR0917 in the order of the layout's folders
        self, table: Table | str, market: str, sessions: Sequence[date] | None = None, since: datetime | None = None
    ) -> list[Slice]:
        """Return the files that hold the rows of these sessions, or of all; of live ones those from `since` on."""
        table = self.table(table)
        days = self._sessions.sessions(table, market) if sessions is None else sessions
        return [found for day in days for found in self._sessions.slices(table, market, day, since)]

    def state(self, table: Table | str, market: str, session_date: date) -> int:
        """Return a number that changes when any file that holds rows of this session does."""
        return hash(tuple(file_state(found.path) for found in self.slices(table, market, [session_date])))

    def sessions(self, table: Table | str, market: str) -> list[date]:
        """Return the session dates that have rows, oldest first."""
        table = self.table(table)
        if table.is_small:
            return self._whole.session_dates(table, market)
        return self._sessions.sessions(table, market)

    def is_closed(self, market: str, session_date: date) -> bool:
        """Tell whether close_session was done for this session."""
        return self._sessions.is_closed(market, session_date)

    def closed_sessions(self, market: str) -> list[date]:
        """Return the sessions that were closed, oldest first."""
        return self._sessions.closed_sessions(market)

    def row_counts(self, tables: Sequence[str] | None = None) -> dict[tuple[str, str], int]:
        """Return (table, market) → number of rows, for these tables or all."""
        known = {table.name for table in self.tables}
        names = [name for name in (tables or sorted(known)) if name in known]
        parts = (f"SELECT '{name}', market, count(*) FROM \"{name}\" GROUP BY market" for name in names)  # noqa: S608
        with self.connect() as connection:
            counted = connection.execute(" UNION ALL ".join(parts)).fetchall()
        return {(name, market): rows for name, market, rows in counted}

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return an in-memory connection with a view for every table. It locks out nobody; close it."""
        self.prepare()
        return market_duckdb.connect(self.layout, self.tables)

    def query(self, sql: str) -> pa.Table:
        """Return the result of one SELECT over the views."""
        with self.connect() as connection:
            return connection.sql(sql).to_arrow_table()

    def build_market_duckdb(self) -> MarketDuckDB:
        """Rebuild market.duckdb, the file that people open."""
        self.prepare()
        return market_duckdb.build_market_duckdb(self.layout, self.tables)

    def set_unreadable_aside(
        self, market: str, sessions: Sequence[date] | None = None, since: datetime | None = None
    ) -> int:
        """Set aside slices that were cut, emptied or zeroed, of these sessions and minutes or of all; return how many.

        One of them fails every view that it is in. Reads set aside what they meet; this is for who only looks.
        """
        before = self.unreadable_count
        for table in self.sliced_tables:
            for found in self.slices(table, market, sessions, since):
                if not has_both_ends(found.path):
                    self._reader.set_aside(found)
        return self.unreadable_count - before

    def sweep(self, now: datetime) -> SweepReport:
        """Delete live slices of sessions closed a day before `now`, and what superseded or killed writers left."""
        report = self._sweeper.sweep_temporaries()
        for market in self.layout.markets():
            with self._locks.hold(market):
                report += self._sweeper.sweep(self.sliced_tables, market, now)
        return report

    def forget(self, table: Table | str, market: str, session_dates: Sequence[date]) -> int:
        """Delete all rows of these sessions; return the number of files deleted."""
        with self._writing(market):
            return self._sweeper.forget(self.table(table), market, session_dates)

    def table(self, table: Table | str) -> Table:
        """Return the table with this name in the version that this warehouse was given. Raises UsageError."""
        name = table if isinstance(table, str) else table.name
        for known in self.tables:
            if known.name == name:
                return known
        raise UsageError(f"there is no table {name}; there are: {', '.join(sorted(t.name for t in self.tables))}")

    def prepare(self) -> None:
        """Make sure that every table can be read before its first rows, and that market.duckdb knows every version."""
        if self._is_prepared:
            return
        has_new_version = make_seeds(self.layout, self.sliced_tables, self._locks)
        self._whole.make_seeds()
        self._closed.files.seed(CLOSED_SCHEMA)
        self._is_prepared = True
        if has_new_version and self.layout.market_duckdb.exists():
            self.build_market_duckdb()

    @contextmanager
    def _writing(self, market: str) -> Iterator[None]:
        self.prepare()
        began = self._clock.monotonic()
        try:
            with self._locks.hold(market):
                yield
        finally:
            self.write_seconds += self._clock.monotonic() - began

    def _write_day(self, table: Table, market: str, *, session_date: date, rows: pa.Table) -> SlicesWritten:
        if self._sessions.is_closed(market, session_date, table):
            return self._sessions.write(table, market, session_date=session_date, rows=rows)
        if table.is_appended:
            return self._live.append(table, market, session_date=session_date, rows=rows)
        return self._live.write(table, market, session_date=session_date, rows=rows)
