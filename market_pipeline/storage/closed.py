"""Which sessions are served from the session tier, and by which file: one small list a market.

A view reads the list once and shows a session's rows from exactly one tier. An entry counts for queries that began
after `published_at`, which is taken when the session file is already in place: whoever sees the entry finds the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from market_pipeline.clock import SystemClock
from market_pipeline.storage.newest import NewestFiles
from market_pipeline.storage.tables import UTC_TIME

WHOLE_SESSION = ""
"""The table name of the entry that says that the session itself was closed."""
KEPT_FOR = timedelta(days=1)
SCHEMA = pa.schema(
    [
        ("market", pa.string()),
        ("table_name", pa.string()),
        ("session_date", pa.date32()),
        ("version", pa.string()),
        ("edition", pa.int32()),
        ("closed_at", UTC_TIME),
        ("published_at", UTC_TIME),
    ]
)


@dataclass(frozen=True)
class Closed:
    """One table's session file in force. Edition 0 means that the session has no rows."""

    market: str
    table_name: str
    session_date: date
    version: str
    edition: int
    closed_at: datetime
    """By the feed's clock."""
    published_at: datetime
    """By the machine's clock, which DuckDB's now() follows too."""


class ClosedSessions:
    """Reads and extends the lists of closed sessions. Writers hold the market's lock."""

    def __init__(self, files: NewestFiles) -> None:
        self.files = files
        self._known: dict[str, tuple[pa.Table, dict[tuple[str, date], Closed]]] = {}

    def entries(self, market: str) -> dict[tuple[str, date], Closed]:
        """Return (table, session date) → the entry in force."""
        rows = self.files.read(market)
        if rows is None:
            return {}
        known = self._known.get(market)
        if known is None or known[0] is not rows:
            self._known[market] = known = (rows, _in_force(_entries(rows)))
        return known[1]

    def add(self, market: str, entries: Iterable[Closed]) -> None:
        """Publish new entries. The ones they supersede stay listed for a day, for queries that began earlier."""
        limit = SystemClock().now() - KEPT_FOR
        before = _entries(self.files.read(market))
        force = _in_force(before)
        kept = [e for e in before if e.published_at > limit or force[e.table_name, e.session_date] == e]
        self._write(market, [*kept, *entries])

    def remove(self, market: str, gone: Iterable[tuple[str, date]]) -> None:
        """Forget the entries of these (table, session date) pairs."""
        dropped = set(gone)
        before = _entries(self.files.read(market))
        self._write(market, [e for e in before if (e.table_name, e.session_date) not in dropped])

    def _write(self, market: str, entries: list[Closed]) -> None:
        sink = pa.BufferOutputStream()
        rows = pa.Table.from_pylist([asdict(entry) for entry in entries], schema=SCHEMA)
        pq.write_table(rows, sink, store_schema=False)
        self.files.write(market, sink.getvalue())


def _entries(rows: pa.Table | None) -> list[Closed]:
    return [] if rows is None else [Closed(**row) for row in rows.to_pylist()]


def _in_force(entries: Iterable[Closed]) -> dict[tuple[str, date], Closed]:
    ordered = sorted(entries, key=lambda entry: entry.published_at)
    return {(entry.table_name, entry.session_date): entry for entry in ordered}
