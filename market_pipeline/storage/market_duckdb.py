"""Opens the views: in memory for services, and as market.duckdb for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from market_pipeline.storage.derived import derived_names, derived_statements
from market_pipeline.storage.files import replacing
from market_pipeline.storage.layout import Layout, Tier
from market_pipeline.storage.tables import BARS_1M, Table
from market_pipeline.storage.views import closed_glob, comments_sql, newest_sql, view_names, view_sql

STORAGE_VERSION = "v1.0.0"
"""What DuckDB 1.0 and everything since can open."""


@dataclass(frozen=True)
class MarketDuckDB:
    """The file that people open, and what it shows."""

    path: Path
    views: tuple[str, ...]


def connect(layout: Layout, tables: Sequence[Table]) -> duckdb.DuckDBPyConnection:
    """Return an in-memory connection with every view; it holds no file, so it locks out nobody. Close it."""
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("BEGIN")  # one transaction: each statement alone would cost a commit
        for table in tables:
            for statement in _view_statements(layout, table):
                connection.execute(statement)
        for statement in derived_statements(tables):
            connection.execute(statement)
        connection.execute("COMMIT")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def build_market_duckdb(layout: Layout, tables: Sequence[Table]) -> MarketDuckDB:
    """Write market.duckdb under a temporary name and put it in place. Paths in it are absolute.

    Who holds the old file open keeps it and blocks nobody. Small tables are real, the others are views.
    """
    path = layout.market_duckdb
    with replacing(path) as temporary, duckdb.connect() as connection:
        connection.execute(f"ATTACH '{_escaped(temporary)}' AS market (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE market")
        connection.execute("BEGIN")
        for table in tables:
            for statement in _file_statements(layout, table):
                connection.execute(statement)
        for statement in derived_statements(tables):
            connection.execute(statement)
        if any(table.name == BARS_1M.name for table in tables):
            _add_timeframes(connection, layout)
        connection.execute("COMMIT")
        connection.execute("USE memory")
        connection.execute("DETACH market")
        # whoever wrote into the old copy left a log beside it, which must not be taken for the new file's
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    return MarketDuckDB(path, (*view_names(tables), *derived_names(tables)))


def _add_timeframes(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Add the hours of sessions, and the macro that makes bars of other timeframes with them."""
    from market_pipeline.storage.session_hours import SESSION_HOURS, session_hours  # calendars: only when it is built
    from market_pipeline.storage.timeframes import timeframe_statements

    tiers: tuple[Tier, ...] = ("live", "session")
    stored = {day for name in layout.markets() for tier in tiers for day in layout.sessions(tier, BARS_1M, name)}
    connection.register("hours_of_sessions", session_hours(stored))
    connection.execute(f'CREATE TABLE "{SESSION_HOURS.name}" AS SELECT * FROM hours_of_sessions')  # noqa: S608 ours
    for statement in comments_sql("TABLE", SESSION_HOURS.name, SESSION_HOURS, columns=SESSION_HOURS.columns):
        connection.execute(statement)
    for statement in timeframe_statements(closed_glob(layout)):
        connection.execute(statement)


def _view_statements(layout: Layout, table: Table) -> list[str]:
    statements = [f'CREATE VIEW "{table.name}" AS {view_sql(layout, table)}']
    if table.has_latest:
        latest = newest_sql(layout.latest(table.name), table)
        statements.append(f'CREATE VIEW "{table.name}_latest" AS {latest}')
    return statements


def _file_statements(layout: Layout, table: Table) -> list[str]:
    if table.is_small and not table.is_current:
        rows = f'CREATE TABLE "{table.name}" AS {view_sql(layout, table)}'
        return [rows, *comments_sql("TABLE", table.name, table, columns=table.columns)]
    statements = _view_statements(layout, table)
    for name in view_names([table]):
        statements += comments_sql("VIEW", name, table, columns=table.columns)
    return statements


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
