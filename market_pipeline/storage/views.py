"""The SQL of the views: every table over its slices, in both tiers and all schema versions. Runs in DuckDB >= 1.4."""

# ruff: noqa: S608  (views cannot take parameters; names are ours, texts are quoted)

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from market_pipeline.storage.layout import NO_MARKET, SUFFIX, Layout, Tier, names_in
from market_pipeline.storage.tables import Column, Table

_TYPES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.float32(): "FLOAT",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.int16(): "SMALLINT",
    pa.int8(): "TINYINT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.list_(pa.string()): "VARCHAR[]",
}
_PARTITIONS = "hive_partitioning=true, hive_types={'market': VARCHAR, 'session_date': DATE, 'edition': INTEGER}"
_LIVE_PARTITIONS = "hive_partitioning=true, hive_types={'market': VARCHAR, 'session_date': DATE}"


def view_sql(layout: Layout, table: Table) -> str:
    """Return the SELECT of a table's view."""
    if table.is_small:
        return newest_sql(layout.small(table.name), table)
    parts = [_live_sql(layout, table), *(_session_sql(layout, table, v) for v in _versions(layout, "session", table))]
    return f"{_in_force_sql(layout, table)} {' UNION ALL BY NAME '.join(parts)}"


def newest_sql(folder: Path, table: Table) -> str:
    """Return the SELECT over the newest file of every market in `folder`.

    Files of different schema versions may lie there for a while, so their columns are united by name.
    """
    columns = ", ".join(f"{_quoted(c.same_as or c.name)}::{_type(c)} AS {_quoted(c.name)}" for c in table.columns)
    files = f"read_parquet({_glob(folder / f'*{SUFFIX}')}, filename=true, union_by_name=true, hive_partitioning=false)"
    return (
        f"SELECT {columns} FROM (SELECT * FROM {files} "
        "QUALIFY filename = max(filename) OVER (PARTITION BY market)) AS newest"
    )


def comments_sql(kind: str, name: str, table: Table, *, columns: Iterable[Column]) -> list[str]:
    """Return the statements that describe a view or table (`kind`) and its columns with their units."""
    statements = [f"COMMENT ON {kind} {_quoted(name)} IS {_text(table.description)}"]
    for column in columns:
        unit = f" [{column.unit}]" if column.unit else ""
        described = _text(f"{column.description}{unit}")
        statements.append(f"COMMENT ON COLUMN {_quoted(name)}.{_quoted(column.name)} IS {described}")
    return statements


def _in_force_sql(layout: Layout, table: Table) -> str:
    """Read the list of closed sessions once, so that no session is seen in two tiers or in none.

    An entry counts only for queries that began after it was published: they list the session file.
    """
    files = f"read_parquet({closed_glob(layout)}, hive_partitioning=false)"
    return (
        "WITH in_force AS MATERIALIZED (SELECT market, session_date, arg_max(version, published_at) AS version, "
        f"arg_max(edition, published_at) AS edition FROM {files} "
        f"WHERE table_name = {_text(table.name)} AND published_at <= now() GROUP BY market, session_date)"
    )


def _live_sql(layout: Layout, table: Table) -> str:
    versions = _versions(layout, "live", table)
    parts = [_live_version_sql(layout, table, version=version, age=age) for age, version in enumerate(versions)]
    columns = ", ".join(_quoted(name) for name in table.schema.names)
    if len(parts) == 1 or table.is_appended:
        return f"SELECT {columns} FROM ({' UNION ALL BY NAME '.join(parts)}) AS live"
    # a minute that a newer version rewrote is in both: the newer file carries all rows of the older one
    minute = [] if table.minute_column in table.key else [f"date_trunc('minute', {_quoted(table.minute_column)})"]
    key = ", ".join(["market", "session_date", *map(_quoted, table.key), *minute])
    return (
        f"SELECT {columns} FROM ({' UNION ALL BY NAME '.join(parts)}) AS live "
        f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _age DESC) = 1"
    )


def _live_version_sql(layout: Layout, table: Table, *, version: str, age: int) -> str:
    files = layout.version_folder("live", table.name, version) / "*" / "*" / f"*{SUFFIX}"
    return (
        f"SELECT {_columns_sql(layout, table, version)}, {age} AS _age "
        f"FROM read_parquet({_glob(files)}, {_LIVE_PARTITIONS}) AS slice "
        "ANTI JOIN in_force USING (market, session_date)"
    )


def _session_sql(layout: Layout, table: Table, version: str) -> str:
    files = layout.version_folder("session", table.name, version) / "*" / "*" / "*" / f"*{SUFFIX}"
    in_force = f"(SELECT market, session_date, edition FROM in_force WHERE version = {_text(version)}) AS valid"
    return (
        f"SELECT {_columns_sql(layout, table, version)} FROM read_parquet({_glob(files)}, {_PARTITIONS}) AS slice "
        f"SEMI JOIN {in_force} USING (market, session_date, edition)"
    )


def _versions(layout: Layout, tier: Tier, table: Table) -> list[str]:
    """Return the versions to read, oldest first: the present one, and those that have rows."""

    def has_rows(version: str) -> bool:
        markets = names_in(layout.version_folder(tier, table.name, version))
        return any(name.startswith("market=") and name != f"market={NO_MARKET}" for name in markets)

    return [v for v in layout.versions(tier, table) if v == table.version or has_rows(v)]


def _columns_sql(layout: Layout, table: Table, version: str) -> str:
    """Return the select list that gives a version's rows the present columns: null where it had none."""
    if version == table.version:
        present = table.stored_schema.names
    else:
        present = pq.read_schema(layout.seed("live", table, version)).names
    return ", ".join(_column_sql(column, present) for column in table.columns)


def _column_sql(column: Column, present: Sequence[str]) -> str:
    """Return the column from itself, from the one that holds its values, or null."""
    held = next((name for name in (column.name, column.same_as) if name in present), None)
    return f"{_quoted(held) if held else 'NULL'}::{_type(column)} AS {_quoted(column.name)}"


def _type(column: Column) -> str:
    return _TYPES[column.type]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _glob(path: Path) -> str:
    """Return an SQL string; characters of the folder's own name that a glob would interpret are taken literally."""
    text = str(path)
    fixed, wild = text.split("/warehouse/", 1) if "/warehouse/" in text else (text, "")
    escaped = "".join(f"[{char}]" if char in "*?[" else char for char in fixed)
    return _text(f"{escaped}/warehouse/{wild}")


def closed_glob(layout: Layout) -> str:
    """Return the SQL text of the glob that matches the lists of closed sessions."""
    return _glob(layout.closed / f"*{SUFFIX}")


def view_names(tables: Sequence[Table]) -> list[str]:
    """Return the names of all views and tables that people see."""
    return [name for t in tables for name in ([t.name, f"{t.name}_latest"] if t.has_latest else [t.name])]
