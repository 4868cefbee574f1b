"""Hands a table to whoever goes on in DuckDB."""

from __future__ import annotations

import duckdb
import pyarrow as pa

Relation = duckdb.DuckDBPyRelation


def relation_of(table: pa.Table) -> Relation:
    """Return the table as a relation of DuckDB's own default connection, so that `duckdb.sql("FROM it")` finds it."""
    return duckdb.from_arrow(table)
