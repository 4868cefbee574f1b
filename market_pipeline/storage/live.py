"""The live tier: one file a table, session and minute. Writers hold the market's lock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.storage.files import publish
from market_pipeline.storage.layout import Layout, Slice
from market_pipeline.storage.parquet import conform, encode, read_whole
from market_pipeline.storage.reader import Reader
from market_pipeline.storage.rows import by_minute, merge
from market_pipeline.storage.tables import Table

AT_ONCE = 64
"""Slices that are encoded before they are published, so that a long write needs little memory."""
ENCODERS = 2


@dataclass(frozen=True)
class SlicesWritten:
    """What a write did to the slices of one tier."""

    rows_replaced: int
    slices: int


@dataclass(frozen=True)
class _Encoded:
    path: Path
    content: pa.Buffer
    rows_replaced: int


class LiveTier:
    """Writes minutes and finds what is there."""

    def __init__(self, layout: Layout, reader: Reader) -> None:
        self._layout = layout
        self._reader = reader

    def write(self, table: Table, market: str, *, session_date: date, rows: pa.Table) -> SlicesWritten:
        """Merge rows of one session into their minutes' slices by the table's key; other rows are kept."""
        found = {item.path.name: item for item in self._layout.live_slices(table, market, session_date)}

        def encoded(minute: datetime, part: pa.Table) -> _Encoded:
            path = self._layout.minute_slice(table, market, session_date=session_date, minute=minute)
            return self._merged(table, part, path=path, found=found.get(path.name))

        minutes = by_minute(table, rows)
        replaced = count = 0
        for batch in batched(minutes, AT_ONCE):
            done = _map(encoded, batch)
            publish({item.path: item.content for item in done})
            replaced += sum(item.rows_replaced for item in done)
            count += len(done)
        return SlicesWritten(replaced, count)

    def append(self, table: Table, market: str, *, session_date: date, rows: pa.Table) -> SlicesWritten:
        """Write rows as a slice of their own, named by its first minute and content: the same rows land once."""
        first = pc.min(rows.column(table.minute_column)).as_py()
        content = encode(table, rows)
        path = self._layout.minute_slice(table, market, session_date=session_date, minute=first)
        name = f"{path.stem}-{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}"
        publish({path.with_name(name): content})
        return SlicesWritten(0, 1)

    def _merged(self, table: Table, rows: pa.Table, *, path: Path, found: Slice | None) -> _Encoded:
        earlier, existing = self._existing(table, found)
        if existing is None:
            return _Encoded(path, encode(table, rows), 0)
        merged = merge(table, existing, rows)
        replaced = existing.num_rows + rows.num_rows - merged.num_rows
        same_file = found is not None and found.path == path
        return _Encoded(path, encode(table, merged, earlier=earlier if same_file else b""), replaced)

    def _existing(self, table: Table, found: Slice | None) -> tuple[bytes, pa.Table | None]:
        """Return the slice's bytes and rows; no rows when there is none or it was unreadable and set aside."""
        if found is None:
            return b"", None
        try:
            content = found.path.read_bytes()
            return content, conform(read_whole(pa.BufferReader(content)), table)
        except FileNotFoundError:
            return b"", None
        except (OSError, pa.ArrowException) as error:
            self._reader.put_away(found, error)
            return b"", None


def _map(
    encode_one: Callable[[datetime, pa.Table], _Encoded], batch: Sequence[tuple[datetime, pa.Table]]
) -> list[_Encoded]:
    if len(batch) == 1:
        return [encode_one(*batch[0])]
    with ThreadPoolExecutor(ENCODERS, thread_name_prefix="encode") as pool:
        return list(pool.map(lambda item: encode_one(*item), batch))
