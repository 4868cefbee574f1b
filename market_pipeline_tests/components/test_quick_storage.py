"""Dagster's SQLite storage with files that stay open: the same rows, for every reader, at once."""

from __future__ import annotations

import inspect
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from sqlalchemy import text

from market_pipeline.components.launcher.quick_storage import ENGINES, Engines, quicken_storage
from market_pipeline_tests.components.test_launcher_contract import MEND


@dg.job(executor_def=dg.in_process_executor)
def nothing() -> None:
    """Has no step."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    quicken_storage()
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened
    ENGINES.close()


def note(instance: dg.DagsterInstance, run: dg.DagsterRun, message: str) -> None:
    instance.report_engine_event(message, run)


def shard(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "history" / "runs" / f"{run_id}.db"


def test_a_process_of_plain_dagster_reads_at_once_what_is_written(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(nothing)
    note(instance, run, "written just now")
    program = (
        "import sys, dagster as dg\n"
        "with dg.DagsterInstance.from_config(sys.argv[1]) as instance:\n"
        "    print([event.message for event in instance.all_logs(sys.argv[2])])\n"
        "    instance.report_engine_event('the answer', instance.get_run_by_id(sys.argv[2]))\n"
    )
    command = [sys.executable, "-c", program, instance.root_directory, run.run_id]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == "['written just now']\n"
    assert [event.message for event in instance.all_logs(run.run_id)] == ["written just now", "the answer"]


def test_the_page_that_watches_a_run_hears_of_each_event(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(nothing)
    note(instance, run, "before")
    heard, rang = list[str](), threading.Event()

    def hear(event: dg.EventLogEntry, _cursor: str) -> None:
        heard.append(event.message)
        rang.set()

    instance.watch_event_logs(run.run_id, None, hear)
    try:
        for message in ("one", "two"):
            rang.clear()
            note(instance, run, message)
            assert rang.wait(20), f"nobody told of {message!r}; heard: {heard}"
    finally:
        instance.end_watch_event_logs(run.run_id, hear)
    assert heard == ["before", "one", "two"]


def test_looking_at_a_run_rings_for_nobody(instance: dg.DagsterInstance) -> None:
    """Who hears of an event looks at the run: a look that rang again would never end."""
    run = instance.create_run_for_job(nothing)
    note(instance, run, "one")
    before = shard(instance, run.run_id).stat().st_mtime_ns
    assert [event.message for event in instance.all_logs(run.run_id)] == ["one"]
    assert shard(instance, run.run_id).stat().st_mtime_ns == before
    note(instance, run, "two")
    assert shard(instance, run.run_id).stat().st_mtime_ns > before


def test_threads_that_write_at_the_same_time_all_come_through(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(nothing)
    messages = [str(number) for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda message: note(instance, run, message), messages))
    assert sorted(int(event.message) for event in instance.all_logs(run.run_id)) == [*range(100)]


def test_what_a_killed_process_wrote_is_there(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(nothing)
    program = (
        "import os, signal, sys, dagster as dg\n"
        "from market_pipeline.components.launcher.quick_storage import quicken_storage\n"
        "quicken_storage()\n"
        "instance = dg.DagsterInstance.from_config(sys.argv[1])\n"
        "for number in range(50):\n"
        "    instance.report_engine_event(str(number), instance.get_run_by_id(sys.argv[2]))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ENGINES.close()
    done = subprocess.run([sys.executable, "-c", program, instance.root_directory, run.run_id], check=False)
    assert done.returncode == -9
    assert [event.message for event in instance.all_logs(run.run_id)] == [str(number) for number in range(50)]


def test_closing_leaves_one_whole_file(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(nothing)
    note(instance, run, "kept")
    path = shard(instance, run.run_id)
    assert path.with_name(path.name + "-wal").exists()
    ENGINES.close()
    assert [other.name for other in path.parent.glob(f"{run.run_id}*")] == [path.name]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM event_logs").fetchone() == (1,)


def test_only_so_many_files_stay_open(tmp_path: Path) -> None:
    engines = Engines(kept=2)
    for name in ("a", "b", "c"):
        with engines.of(f"sqlite:///{tmp_path / name}.db").begin() as connection:
            connection.execute(text("PRAGMA journal_mode=WAL"))
            connection.execute(text("CREATE TABLE t (x)"))
    assert sorted(path.name for path in tmp_path.glob("*-wal")) == ["b.db-wal", "c.db-wal"]
    assert engines.of(f"sqlite:///{tmp_path}/c.db") is engines.of(f"sqlite:///{tmp_path}/c.db")


def test_dagster_connects_as_it_did_when_its_way_was_replaced() -> None:
    # the file is read, not the class: this process may have replaced the method already
    source = Path(inspect.getfile(SqliteEventLogStorage)).read_text()
    method = source[source.index("    def _connect(self, shard: str)") : source.index("    def run_connection(")]
    expected = (
        "with self._db_lock:",
        "self.conn_string_for_shard(shard)",
        "if shard not in self._initialized_dbs:\n                self._initdb(engine)\n",
        "self._initialized_dbs.add(shard)",
        "with conn.begin():\n                    yield conn",
    )
    assert [line for line in expected if line not in method] == [], MEND
    for module in (sqlite_run_storage, sqlite_schedule_storage):
        assert "engine = create_engine(self._conn_string, poolclass=NullPool)" in inspect.getsource(module), MEND
