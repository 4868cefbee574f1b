"""The session tier: one sorted file a table and closed session, which is never replaced, only followed by an edition.

Writers hold the market's lock. The list of closed sessions says which edition is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import Clock, SystemClock
from market_pipeline.storage.closed import WHOLE_SESSION, Closed, ClosedSessions
from market_pipeline.storage.files import replacing
from market_pipeline.storage.layout import Layout, Slice, names_in
from market_pipeline.storage.live import SlicesWritten
from market_pipeline.storage.parquet import write_portions
from market_pipeline.storage.reader import Reader, Selection
from market_pipeline.storage.rows import merge, sort_rows
from market_pipeline.storage.tables import Table

VALUES_AT_ONCE = 16_000_000
"""Rows × columns that are held in memory while a session file is made: 64 MB of float32, a few times over."""


@dataclass(frozen=True)
class _Part:
    """One table's share of a session."""

    table: Table
    market: str
    session_date: date


@dataclass(frozen=True)
class _Edition:
    number: int
    rows_replaced: int


class SessionTier:
    """Makes session files and says which ones are in force."""

    def __init__(self, layout: Layout, reader: Reader, *, closed: ClosedSessions, clock: Clock) -> None:
        self._layout = layout
        self._reader = reader
        self._closed = closed
        self._clock = clock

    def is_closed(self, market: str, session_date: date, table: Table | None = None) -> bool:
        """Tell whether the session was closed; with a table, whether that is served from a session file."""
        entries = self._closed.entries(market)
        whole = (WHOLE_SESSION, session_date) in entries
        return whole or (table is not None and (table.name, session_date) in entries)

    def closed_sessions(self, market: str) -> list[date]:
        """Return the closed sessions, oldest first."""
        return sorted(day for name, day in self._closed.entries(market) if name == WHOLE_SESSION)

    def slices(  # noqa: PLR0917 in the order of the layout's folders
        self, table: Table, market: str, session_date: date, since: datetime | None = None
    ) -> list[Slice]:
        """Return the files that hold a session's rows: its session file where one is in force, else live slices."""
        entry = self._closed.entries(market).get((table.name, session_date))
        if entry is None:
            return self._layout.live_slices(table, market, session_date, since=since)
        if entry.edition == 0:
            return []
        folder = self._layout.session_folder("session", table, market, session_date=session_date, version=entry.version)
        path = self._layout.edition(folder, entry.edition)
        return [Slice("session", table.name, entry.version, market, session_date, path)]

    def sessions(self, table: Table, market: str) -> list[date]:
        """Return the session dates that have rows, oldest first."""
        entries = {day: entry for (name, day), entry in self._closed.entries(market).items() if name == table.name}
        live = (day for day in self._layout.sessions("live", table, market) if day not in entries)
        with_rows = {day for day in live if self._layout.live_slices(table, market, day)}
        return sorted(with_rows | {day for day, entry in entries.items() if entry.edition})

    def write(self, table: Table, market: str, *, session_date: date, rows: pa.Table) -> SlicesWritten:
        """Merge rows into a session's file, live slices included, and put the new edition in force."""
        edition = self._compact(_Part(table, market, session_date), rows)
        self._put_in_force(market, session_date, [(table, edition)])
        return SlicesWritten(edition.rows_replaced, 1)

    def close(self, tables: Iterable[Table], market: str, session_date: date) -> int:
        """Compact every table's live slices, then list the session as closed. Return the number of files made."""
        entries = self._closed.entries(market)
        due = [table for table in tables if (table.name, session_date) not in entries]
        made = [(table, self._compact(_Part(table, market, session_date), table.schema.empty_table())) for table in due]
        self._put_in_force(market, session_date, made, is_whole=True)
        return sum(1 for _, edition in made if edition.number)

    def _put_in_force(
        self, market: str, session_date: date, made: Sequence[tuple[Table, _Edition]], *, is_whole: bool = False
    ) -> None:
        named = [(table.name, table.version, edition.number) for table, edition in made]
        if is_whole and not self.is_closed(market, session_date):
            named.append((WHOLE_SESSION, "", 0))
        closed_at, published_at = self._clock.now(), SystemClock().now()
        self._closed.add(
            market,
            [
                Closed(market, name, session_date, version, number, closed_at, published_at)
                for name, version, number in named
            ],
        )

    def _compact(self, part: _Part, rows: pa.Table) -> _Edition:
        """Write a new edition of a session's file: what holds its rows now, with `rows` merged in."""
        plan = self._plan(part, rows)
        if not plan:
            return _Edition(0, 0)
        folder = self._layout.session_folder("session", part.table, part.market, session_date=part.session_date)
        numbers = [int(name.removeprefix("edition=")) for name in names_in(folder)]
        number = max(numbers, default=0) + 1
        replaced = 0

        def portions() -> Iterator[pa.Table]:
            nonlocal replaced
            for symbols in plan:
                existing = self._read(part, Selection(symbols=symbols))
                new = rows if symbols is None else rows.filter(pc.is_in(rows["symbol"], value_set=pa.array(symbols)))
                merged = merge(part.table, existing, new)
                replaced += existing.num_rows + new.num_rows - merged.num_rows
                yield sort_rows(part.table, merged)

        with replacing(self._layout.edition(folder, number)) as temporary:
            write_portions(temporary, part.table, portions())
        return _Edition(number, replaced)

    def _plan(self, part: _Part, rows: pa.Table) -> Sequence[list[str] | None]:
        """Return the symbols in sorted portions whose rows fit into memory together.

        A table that is not about symbols has a few rows a minute: all of them are one portion, None.
        """
        if "symbol" not in part.table.schema.names:
            return [None] if rows.num_rows or self._read(part, Selection()).num_rows else []
        existing = self._read(part, Selection(columns=["symbol"]))
        counts = pa.concat_tables([existing, rows.select(["symbol"])]).column("symbol").value_counts()
        ordered = sorted((entry["values"], entry["counts"]) for entry in counts.to_pylist())
        portions = np.cumsum([count for _, count in ordered]) // (VALUES_AT_ONCE // len(part.table.columns))
        plan: dict[int, list[str]] = {}
        for (symbol, _), portion in zip(ordered, portions, strict=True):
            plan.setdefault(int(portion), []).append(symbol)
        return list(plan.values())

    def _read(self, part: _Part, selection: Selection) -> pa.Table:
        table, market, session_date = part.table, part.market, part.session_date
        return self._reader.read(table, lambda: self.slices(table, market, session_date), selection)
