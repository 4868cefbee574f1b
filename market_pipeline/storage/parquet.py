"""How rows become Parquet: encodings chosen by measurement (docs/decisions), and slices that are safe to replace."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from market_pipeline.storage.tables import Table

ROW_GROUP_ROWS = 131_072
"""One page a column, so that a compressor sees each plane of the split bytes for itself; a symbol's day reads one."""
MOST_KEPT_BYTES = 32_000_000
_MAGIC = b"PAR1"
_LIVE = {"compression": "lz4"}
"""Up to 128 rows no larger than zstd 1, which takes twice the time; of 500 a tenth larger, until the session closes."""
_SESSION = {"compression": "brotli", "compression_level": 7}
"""Entropy coding is all that shortens mantissas; zstd needs a tenth more. Session files are written once (009)."""


def options(table: Table) -> dict[str, Any]:
    """Return the writer's options: continuous figures by byte, text and small integers by dictionary, keys counted."""
    fields = list(table.stored_schema)
    continuous = {c.name for c in table.columns if c.is_continuous}
    keys = {"market", "symbol", "session_date", table.minute_column}
    return {
        "use_dictionary": [f.name for f in fields if pa.types.is_string(f.type) or pa.types.is_int16(f.type)],
        "use_byte_stream_split": [f.name for f in fields if f.name in continuous],
        "write_statistics": sorted(keys & set(table.stored_schema.names)),
        "max_rows_per_page": ROW_GROUP_ROWS,
        "store_schema": False,  # it would double the footer, and a minute's slice is mostly footer
    }


def encode(table: Table, rows: pa.Table, *, earlier: bytes = b"") -> pa.Buffer:
    """Return the bytes of a slice that replaces the file with the content `earlier`.

    DuckDB opens a file twice, for the footer and for the data. A slice that is replaced in between must still serve
    the old footer, so the new file begins with all bytes of the old one, and its own data follow. (Without this, 1 in
    100 replacements made a reader fail that polled without pause.) Compaction leaves the dead bytes behind; a slice
    that was rewritten up to MOST_KEPT_BYTES starts afresh.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.stored_schema, **options(table), **_LIVE) as writer:
        if len(_MAGIC) < len(earlier) < MOST_KEPT_BYTES:
            sink.write(memoryview(earlier)[len(_MAGIC) :])
        writer.write_table(rows.select(table.stored_schema.names), row_group_size=ROW_GROUP_ROWS)
    return sink.getvalue()


def write_portions(path: Path, table: Table, portions: Iterable[pa.Table]) -> int:
    """Write portions one after the other into one file and return the number of rows. OSErrors pass through."""
    rows = 0
    with (
        path.open("wb") as file,
        pq.ParquetWriter(file, table.stored_schema, **options(table), **_SESSION) as writer,
    ):
        for portion in portions:
            writer.write_table(portion.select(table.stored_schema.names), row_group_size=ROW_GROUP_ROWS)
            rows += portion.num_rows
    return rows


def read_whole(source: Path | pa.BufferReader) -> pa.Table:
    """Read one file with the columns that it has. Raises FileNotFoundError, other OSErrors or pa.ArrowException."""
    with pq.ParquetFile(source) as file:
        return file.read(use_threads=False)


def read_columns(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read those of `columns` that one file has. Raises as read_whole."""
    with pq.ParquetFile(path) as file:
        present = set(file.schema_arrow.names)
        return file.read(columns=[name for name in columns if name in present], use_threads=False)


def read_part(path: Path, columns: Sequence[str], condition: pc.Expression | None) -> pa.Table:
    """Read the rows of one file that meet a condition, with those of `columns` that it has. Raises as read_whole."""
    present = set(pq.read_schema(path).names)
    names = [name for name in columns if name in present]
    return pq.read_table(path, columns=names, filters=condition, partitioning=None, use_threads=False)


def conform(rows: pa.Table, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """Return `rows` with the table's columns, or some of them: others dropped, missing ones null, types cast."""
    schema = table.schema if columns is None else pa.schema([table.schema.field(name) for name in columns])
    if rows.schema.equals(schema):
        return rows
    present = dict(zip(rows.column_names, rows.columns, strict=True))
    arrays = []
    for field in schema:
        column = present.get(field.name, present.get(table.twins.get(field.name, "")))
        if column is None:
            arrays.append(pa.nulls(rows.num_rows, field.type))
        else:
            arrays.append(column if column.type == field.type else column.cast(field.type, safe=False))
    return pa.Table.from_arrays(arrays, schema=schema)


def has_both_ends(path: Path) -> bool:
    """Tell whether a file begins and ends as Parquet does; a file that vanished is nobody's trouble.

    Reads eight bytes: finds what was cut, emptied or zeroed, not damage in the middle.
    """
    try:
        with path.open("rb", buffering=0) as file:
            begins = file.read(len(_MAGIC))
            end = file.seek(-len(_MAGIC), os.SEEK_END)
            return end > len(_MAGIC) and begins == _MAGIC == file.read(len(_MAGIC))
    except FileNotFoundError:
        return True
    except OSError:  # shorter than that, or the disk refuses
        return False
