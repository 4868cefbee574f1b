"""Dagster's SQLite storage without the work that it does again and again: docs/decisions/016-quick-storage.md.

Stands on names that Dagster does not promise to keep, like private_api; the contract test pins them.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from dagster._core.storage.sql import get_alembic_config
from sqlalchemy import Connection, Engine, create_engine, event

KEPT = 32
"""Files that stay open at a time, those used last: the three that all share, and those of runs."""
BUSY_SECONDS = 30


class Engines:
    """The engines of this process, by database.

    Dagster makes one for every single look and event: it compiles the statement anew, and as the last to close the
    file it has the whole journal written back, which waits for the disk. A run has more than a hundred events.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, database: str, **_ignored: Any) -> Engine:
        """Return the engine of a database, in place of sqlalchemy.create_engine."""
        with self._lock:
            engine = self._engines.pop(database, None) or _made(database)
            self._engines[database] = engine
            oldest = self._engines.popitem(last=False)[1] if len(self._engines) > self._kept else None
        if oldest is not None:
            oldest.dispose()
        return engine

    def close(self) -> None:
        """Close all files that nobody is using: what was written goes from each journal into its database."""
        with self._lock:
            engines = [*self._engines.values()]
            self._engines.clear()
        for engine in engines:
            engine.dispose()


ENGINES = Engines()


@cache
def quicken_storage() -> None:
    """Have this process do for Dagster's storage once what Dagster would do each time. Changes nothing on disk."""
    _remember_migrations()
    _keep_engines()


def _made(database: str) -> Engine:
    engine = create_engine(database, pool_size=2, max_overflow=-1, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def hurry(connection: sqlite3.Connection, _record: object) -> None:
        # a crash of the process loses nothing; only with the whole machine may the last moments be gone
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine


def _keep_engines() -> None:
    """Have this process, and the storages that it opens from now on, keep their engines."""
    for module in (sqlite_run_storage, sqlite_schedule_storage):
        module.create_engine = ENGINES.of  # type: ignore[attr-defined]
    SqliteEventLogStorage._connect = _connect  # type: ignore[method-assign]


@contextmanager
def _connect(self: SqliteEventLogStorage, shard: str) -> Iterator[Connection]:
    """Do what the method that it replaces does, and keep the engine."""
    with self._db_lock:
        engine = ENGINES.of(self.conn_string_for_shard(shard))
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        with engine.begin() as connection:
            before = _changes(connection)
            yield connection
            has_written = _changes(connection) != before
        if has_written:  # only then: the UI watches the file and looks at each change, and the journal has what changed
            os.utime(self.path_for_shard(shard))


def _changes(connection: Connection) -> int:
    """Return how many rows were written through this connection since it was opened."""
    opened = connection.connection.driver_connection
    return opened.total_changes if isinstance(opened, sqlite3.Connection) else 0


def _remember_migrations() -> None:
    """Have the scripts of Dagster's migrations read once in this process, and be inherited by its forks.

    Dagster reads all 88 twice whenever it makes a run's SQLite file and four times as it opens its storage: half of
    what creating a run costs, and a third of what starting one does. They do not change while a version is installed.
    """
    read = ScriptDirectory.from_config
    kept: dict[str | None, ScriptDirectory] = {}

    def remembered(config: Config) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in kept:
            kept[place] = read(config)
        return kept[place]

    ScriptDirectory.from_config = remembered  # type: ignore[method-assign]
    remembered(get_alembic_config(sqlite_run_storage.__file__)).as_revision_number("head")
