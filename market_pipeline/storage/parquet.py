"""How rows become Parquet: encodings chosen by measurement (docs/decisions), and slices that are safe to replace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from market_pipeline.storage.tables import Table

ROW_GROUP_ROWS = 65_536
"""One page a column, so that a compressor sees each plane of the split bytes for itself; a symbol's day reads one."""
MOST_KEPT_BYTES = 32_000_000
_MAGIC = b"PAR1"
_LIVE = {"compression": "zstd", "compression_level": 1}
_SESSION = {"compression": "brotli", "compression_level": 5}
"""Entropy coding is all that shortens mantissas: 273 bytes a row of indicators, where zstd 3 needs 298 (and a quarter
of the time). Session files are written once."""


def options(table: Table) -> dict[str, Any]:
    """Return the writer's options: float32 split by byte, text and small integers by dictionary, statistics of keys."""
    fields = list(table.schema)
    keys = {"market", "symbol", "session_date", table.minute_column}
    return {
        "use_dictionary": [f.name for f in fields if pa.types.is_string(f.type) or pa.types.is_int16(f.type)],
        "use_byte_stream_split": [f.name for f in fields if pa.types.is_float32(f.type)],
        "write_statistics": sorted(keys & set(table.schema.names)),
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
    with pq.ParquetWriter(sink, table.schema, **options(table), **_LIVE) as writer:
        if len(_MAGIC) < len(earlier) < MOST_KEPT_BYTES:
            sink.write(memoryview(earlier)[len(_MAGIC) :])
        writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
    return sink.getvalue()


def write_portions(path: Path, table: Table, portions: Iterable[pa.Table]) -> int:
    """Write portions one after the other into one file and return the number of rows. OSErrors pass through."""
    rows = 0
    with (
        path.open("wb") as file,
        pq.ParquetWriter(file, table.schema, **options(table), **_SESSION) as writer,
    ):
        for portion in portions:
            writer.write_table(portion, row_group_size=ROW_GROUP_ROWS)
            rows += portion.num_rows
    return rows


def read_whole(source: Path | pa.BufferReader) -> pa.Table:
    """Read one file with the columns that it has. Raises FileNotFoundError, other OSErrors or pa.ArrowException."""
    with pq.ParquetFile(source) as file:
        return file.read(use_threads=False)


def conform(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return `rows` in `schema`: other columns dropped, missing ones null, types cast."""
    if rows.schema.equals(schema):
        return rows
    present = dict(zip(rows.column_names, rows.columns, strict=True))
    arrays = []
    for field in schema:
        column = present.get(field.name)
        if column is None:
            arrays.append(pa.nulls(rows.num_rows, field.type))
        else:
            arrays.append(column if column.type == field.type else column.cast(field.type, safe=False))
    return pa.Table.from_arrays(arrays, schema=schema)
