"""(m) Dagster's storage: latency of the minute's runs and bytes a run, of homes that stacks have worked on.

Let `make run` work for an hour with SQLite and another one with MARKET_PIPELINE_DAGSTER_DSN, stop both, then name
their homes. `--retain` runs the product's retention as of a day later, which deletes the history of runs.

Run: python -m benchmarks.dagster_storage sqlite/simulated/dagster postgres/simulated/dagster --retain
"""

from __future__ import annotations

import argparse
import math
import sqlite3
import statistics
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg
from pydantic import SecretStr

from benchmarks.report import machine, print_table
from market_pipeline.clock import SystemClock
from market_pipeline.defs.platform.retention import SUCCESS_HOURS, prune_dagster
from market_pipeline.settings import load_settings

TICK_TAG = ".dagster/scheduled_execution_time"
HISTORY = ("history", "schedules", "storage")
"""What Dagster itself writes into its home; on PostgreSQL only the last, for logs."""
TABLES_BYTES = """SELECT sum(pg_total_relation_size(oid))::bigint
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"""


@dataclass(frozen=True)
class Storage:
    """One home, its Dagster storage, and what the runs in it did."""

    name: str
    home: Path
    dsn: str | None
    records: Sequence[dg.RunRecord]

    @property
    def cycles(self) -> list[dg.RunRecord]:
        """Return the runs of the minute schedules that came to a good end."""
        return [r for r in self.records if TICK_TAG in r.dagster_run.tags and _is_cycle(r) and r.dagster_run.is_success]

    def bytes_on_disk(self) -> int:
        """Measure the folder, and the tables and indexes of the database if there is one."""
        return sum(path.stat().st_blocks * 512 for path in self._files()) + (
            _postgres_bytes(self.dsn) if self.dsn else 0
        )

    def bytes_in_use(self) -> int:
        """Measure without what is only kept for what comes next; PostgreSQL has to be packed for that."""
        if self.dsn:
            with _connected(self.dsn) as connection:
                connection.execute("VACUUM FULL")
            return self.bytes_on_disk()
        return self.bytes_on_disk() - sum(_free_bytes(path) for path in self._files() if path.suffix == ".db")

    def _files(self) -> list[Path]:
        return [path for folder in HISTORY for path in (self.home / folder).rglob("*") if path.is_file()]


def main() -> None:
    """Measure each home, and print them as columns of one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("homes", nargs="+", type=Path, help="folders that DAGSTER_HOME named")
    parser.add_argument("--retain", action="store_true", help="run retention, too: the history of runs is lost")
    options = parser.parse_args()
    print(f"(m) Dagster's storage; {machine()}\n")
    columns = [_column(_opened(home.absolute()), retains=options.retain) for home in options.homes]
    names = list(dict.fromkeys(name for column in columns for name in column))
    header = ["", *(column["storage"] for column in columns)]
    print_table(header, [[name, *(c.get(name, "–") for c in columns)] for name in names if name != "storage"])


def _opened(home: Path) -> Storage:
    secret = load_settings().dagster_dsn
    with dg.DagsterInstance.from_config(str(home)) as instance:
        is_postgres = type(instance.run_storage).__name__ == "PostgresRunStorage"
        dsn = secret.get_secret_value() if is_postgres and secret is not None else None
        return Storage("PostgreSQL" if is_postgres else "SQLite", home, dsn, instance.get_run_records())


def _column(storage: Storage, *, retains: bool) -> dict[str, str]:
    """Return what is printed of one storage, each figure under its name."""
    count = max(len(storage.records), 1)
    failed = sum(not r.dagster_run.is_success for r in storage.records if r.dagster_run.is_finished)
    starts = [r.start_time - _tick(r) for r in storage.cycles if r.start_time is not None]
    ends = [r.end_time - _tick(r) for r in storage.cycles if r.end_time is not None]
    lasted = [r.end_time - r.start_time for r in storage.cycles if r.end_time is not None and r.start_time is not None]
    found = {
        "storage": storage.name,
        "runs; failed": f"{len(storage.records)}; {failed}",
        "good minute cycles": str(len(storage.cycles)),
        "tick → run starts, s, p50 (p95)": _pair(starts),
        "run's duration, s, p50 (p95)": _pair(lasted),
        "tick → run ends, s, p50 (p95)": _pair(ends),
        "on disk, MB; KB a run": _shared(storage.bytes_on_disk(), count),
    }
    if retains:
        seconds, deleted = _retain(storage)
        found |= {
            "retention a day later deletes runs": f"{deleted} in {seconds:.1f} s",
            "then on disk, MB; KB a run of before": _shared(storage.bytes_on_disk(), count),
            "of it in use, MB; KB a run of before": _shared(storage.bytes_in_use(), count),
        }
    return found


def _retain(storage: Storage) -> tuple[float, int]:
    """Prune as of a day after the newest run; return the seconds that took, and how many runs went."""
    newest = max((record.create_timestamp for record in storage.records), default=SystemClock().now())
    clock = SystemClock()
    began = clock.now()
    with dg.DagsterInstance.from_config(str(storage.home)) as instance:
        dsn = None if storage.dsn is None else SecretStr(storage.dsn)
        counts = prune_dagster(instance, newest + timedelta(hours=SUCCESS_HOURS, seconds=1), dsn=dsn)
    return (clock.now() - began).total_seconds(), counts["dagster_runs"]


def _is_cycle(record: dg.RunRecord) -> bool:
    return record.dagster_run.job_name.endswith("_minute")


def _tick(record: dg.RunRecord) -> float:
    return datetime.fromisoformat(record.dagster_run.tags[TICK_TAG]).timestamp()


def _free_bytes(path: Path) -> int:
    """Return what of an SQLite file is free for what comes next."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        pages: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
        return pages * int(connection.execute("PRAGMA page_size").fetchone()[0])


def _postgres_bytes(dsn: str) -> int:
    """Return what Dagster's tables and indexes take; the catalogs of an empty database, 8 MB, are not counted."""
    with _connected(dsn) as connection:
        row = connection.execute(TABLES_BYTES).fetchone()
        return int(row[0]) if row is not None else 0


def _connected(dsn: str) -> psycopg.Connection:
    return psycopg.connect(dsn.replace("+psycopg2", "", 1), autocommit=True)


def _shared(size: int, count: int) -> str:
    return f"{size / 1e6:.1f}; {size / count / 1e3:.1f}"


def _pair(values: Sequence[float]) -> str:
    if not values:
        return "–"
    ordered = sorted(values)
    return f"{statistics.median(ordered):.2f} ({ordered[math.ceil(0.95 * len(ordered)) - 1]:.2f})"


if __name__ == "__main__":
    main()
