"""Dagster's home inside the feed's folder: a link to the project's dagster.yaml, and what Dagster itself never deletes.

On SQLite, deleting a run leaves its event file and its logs behind, and the results of checks stay for ever: at one
run a minute and market, 25 KB a minute. Nothing here imports Dagster.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from market_pipeline.settings import Settings

LOCK_SECONDS = 30
_OLD_RESULTS = """DELETE FROM asset_check_executions WHERE create_timestamp < ? AND id NOT IN
    (SELECT max(id) FROM asset_check_executions GROUP BY asset_key, check_name)"""
# evaluations that a sensor reported belong to no run
_OLD_REPORTS = """DELETE FROM event_logs
    WHERE run_id = '' AND dagster_event_type = 'ASSET_CHECK_EVALUATION' AND timestamp < ?"""


def make_dagster_home(settings: Settings, project: Path) -> Path:
    """Return <feed>/dagster, made if missing, with a link to the project's settings for SQLite or PostgreSQL."""
    home = settings.feed_folder / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    on_postgres = settings.dagster_dsn is not None
    link = home / "dagster.yaml"
    target = project / "deploy" / "dagster.postgres.yaml" if on_postgres else project / "dagster.yaml"
    if not link.is_symlink() or link.resolve() != target.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return home


def remove_run_files(home: Path, run_id: str) -> None:
    """Delete what a deleted run leaves: its event file with SQLite's companions, and the folder of its logs."""
    for path in (home / "history" / "runs").glob(f"{run_id}.db*"):
        path.unlink(missing_ok=True)
    shutil.rmtree(home / "storage" / run_id, ignore_errors=True)


def prune_check_results(home: Path, before: datetime) -> int:
    """Delete results of checks older than `before` (UTC), but the newest of each check; return how many.

    Finds nothing where Dagster's storage is not SQLite; for PostgreSQL there is prune_postgres_results.
    """
    moment = before.strftime("%Y-%m-%d %H:%M:%S")
    deleted = 0
    for database in _databases(home):
        with closing(sqlite3.connect(database, timeout=LOCK_SECONDS)) as connection, connection:
            deleted += connection.execute(_OLD_RESULTS, (moment,)).rowcount
            connection.execute(_OLD_REPORTS, (moment,))
    return deleted


def prune_postgres_results(dsn: str, before: datetime) -> int:
    """Do as prune_check_results in Dagster's PostgreSQL, which vacuums by itself; return how many."""
    import psycopg

    moment = before.strftime("%Y-%m-%d %H:%M:%S")
    with psycopg.connect(dsn.replace("+psycopg2", "", 1), connect_timeout=LOCK_SECONDS) as connection:
        deleted = connection.execute(_OLD_RESULTS.replace("?", "%s"), (moment,)).rowcount
        connection.execute(_OLD_REPORTS.replace("?", "%s"), (moment,))
    return deleted


def _databases(home: Path) -> Iterator[Path]:
    """Yield the index over all runs, and the file of the events that belong to no run, whose name is empty."""
    for name in ("index.db", ".db"):
        path = home / "history" / "runs" / name
        if path.exists():
            yield path
