"""Three writers and two readers at once: our slices beside one shared .duckdb file, and DuckDB's lakehouse format.

Writers rewrite minutes of a market of their own; every row of a write carries the same generation, so that a torn read
shows. Readers ask for the newest row of every symbol. The lakehouse takes part where its extension can be loaded.

Run: python -m benchmarks.contention   (two minutes)
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.report import machine, print_table
from market_pipeline.clock import HandClock
from market_pipeline.errors import StorageError, WarehouseBusy
from market_pipeline.storage.tables import BARS_1M, BASE_TABLES
from market_pipeline.storage.warehouse import Warehouse

DAY = date(2026, 11, 20)
OPENING = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
WRITERS = {"india": 487, "saudi": 1_500, "us": 8_782}
"""Market → symbols, a row each in every write."""
READERS = 2
MINUTES = 30
WRITE_EVERY, READ_EVERY = 1.0, 0.2
PATIENCE_SECONDS, RETRY_SECONDS = 20.0, 0.05
TORN = "SELECT count(*) FROM (SELECT 1 FROM {newest} GROUP BY market, interval_start HAVING count(DISTINCT close) > 1)"
STORED = (
    "SELECT max(close), count(*) FROM {table} WHERE market = '{market}' AND interval_start = TIMESTAMPTZ '{minute}'"
)
RANKED = "row_number() OVER (PARTITION BY market, symbol ORDER BY interval_start DESC) = 1"


@dataclass
class Seen:
    """What one process met."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    """Tries that failed on a lock or a commit; the write or read was tried again."""
    torn: int = 0
    acknowledged: dict[datetime, float] = field(default_factory=dict)
    """Minute → the last generation whose write returned."""


class Store(ABC):
    """One way of keeping the rows. A store is made anew in every process."""

    table: str
    """What holds all rows, in SQL."""
    newest: str
    """What gives the newest row of every symbol, in SQL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def prepare(self) -> None:
        """Make what has to be there before the first row."""

    @abstractmethod
    def write(self, market: str, rows: pa.Table) -> None:
        """Replace one minute of one market."""

    @abstractmethod
    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Answer one question."""


class Slices(Store):
    """Ours. A reader keeps its connection, as people do who have market.duckdb open: it is in nobody's way."""

    table, newest = "bars_1m", "bars_1m_latest"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._warehouse = Warehouse(folder, BASE_TABLES, clock=HandClock(OPENING + timedelta(hours=1)))

    def prepare(self) -> None:
        self._warehouse.prepare()

    def write(self, market: str, rows: pa.Table) -> None:
        self._warehouse.write(BARS_1M, market, rows)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        return self._connection.execute(sql).fetchall()

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        return self._warehouse.connect()


class SharedFile(Store):
    """One .duckdb file for all: opened for each write and each read, since an open one shuts out everybody else."""

    table = "bars"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.newest = f"(SELECT * FROM {self.table} QUALIFY {RANKED})"  # noqa: S608 constant names

    def prepare(self) -> None:
        with self._connect(read_only=False) as connection:
            connection.register("rows", BARS_1M.schema.empty_table())
            connection.execute(f"CREATE TABLE {self.table} AS SELECT * FROM rows")  # noqa: S608 constant name

    def write(self, market: str, rows: pa.Table) -> None:
        with self._connect(read_only=False) as connection:
            connection.register("rows", rows)
            minute = rows["interval_start"][0].as_py()
            connection.execute("BEGIN")
            old = f"DELETE FROM {self.table} WHERE market = ? AND interval_start = ?"  # noqa: S608 constant name
            connection.execute(old, [market, minute])
            connection.execute(f"INSERT INTO {self.table} SELECT * FROM rows")  # noqa: S608 constant name
            connection.execute("COMMIT")

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with self._connect(read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def _connect(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(str(self.folder / "shared.duckdb"), read_only=read_only)


class Lakehouse(SharedFile):
    """DuckDB's own lakehouse format with a SQLite catalog, the one for several processes of one machine."""

    table = "lake.bars"

    def _connect(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        del read_only
        connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})  # nothing is downloaded here
        connection.execute("LOAD ducklake; LOAD sqlite")
        catalog, files = self.folder / "lake.sqlite", self.folder / "lake"
        connection.execute(f"ATTACH 'ducklake:sqlite:{catalog}' AS lake (DATA_PATH '{files}')")
        return connection


STORES: dict[str, Callable[[Path], Store]] = {
    "slices (ours)": Slices,
    "one shared .duckdb file": SharedFile,
    "lakehouse, SQLite catalog": Lakehouse,
}


def rows_of(market: str, minute: datetime, generation: float) -> pa.Table:
    """Return one bar for every symbol of a market, all with the generation as their prices."""
    count = WRITERS[market]
    prices = pa.array(np.full(count, generation))
    constants = {"market": market, "session_date": DAY, "interval_start": minute, "known_at": minute}
    constants |= {"origin": "chart", "is_final": True, "is_synthetic": False, "revision": 0, "volume": 10.0}
    arrays = []
    for one in BARS_1M.columns:
        if one.name == "symbol":
            arrays.append(pa.array([f"S{n:05d}" for n in range(count)]))
        elif one.name in ("open", "high", "low", "close"):
            arrays.append(prices)
        else:
            arrays.append(pa.repeat(pa.scalar(constants.get(one.name), one.type), count))
    return pa.Table.from_arrays(arrays, schema=BARS_1M.schema)


def write_for(name: str, folder: Path, market: str, *, seconds: float) -> Seen:
    """Write a minute about every second, each fifth time an earlier one again."""
    store, chance, seen = STORES[name](folder), random.Random(market), Seen()
    ends, generation = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        generation += 1
        back = chance.randrange(1, 4) if generation % 5 == 0 else 0
        minute = OPENING + timedelta(minutes=max(0, min(generation, MINUTES) - back))
        rows = rows_of(market, minute, float(generation))
        _persist(seen, lambda rows=rows: store.write(market, rows))
        seen.acknowledged[minute] = float(generation)
        time.sleep(WRITE_EVERY * chance.uniform(0.7, 1.3))
    return seen


def read_for(name: str, folder: Path, *, seconds: float) -> Seen:
    """Ask for the newest row of every symbol, and whether any write shows only in part."""
    store, seen = STORES[name](folder), Seen()
    question = TORN.format(newest=store.newest)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        seen.torn += int(str(_persist(seen, lambda: store.query(question))[0][0]))
        time.sleep(READ_EVERY)
    return seen


def _persist[Result](seen: Seen, attempt: Callable[[], Result]) -> Result:
    """Try until it works; the time of all tries is the caller's wait."""
    started = time.perf_counter()
    while True:
        try:
            result = attempt()
        except (duckdb.Error, WarehouseBusy, StorageError):
            seen.errors += 1
            if time.perf_counter() - started > PATIENCE_SECONDS:
                raise
            time.sleep(RETRY_SECONDS * random.uniform(0.5, 1.5))
        else:
            seen.seconds.append(time.perf_counter() - started)
            return result


def measure(name: str, seconds: float) -> list[str]:
    """Let all processes loose on one store, then look for every acknowledged write; return a row of the table."""
    with tempfile.TemporaryDirectory() as text, ProcessPoolExecutor(5, mp_context=get_context("spawn")) as pool:
        folder = Path(text)
        store = STORES[name](folder)
        store.prepare()
        writing = {market: pool.submit(write_for, name, folder, market, seconds=seconds) for market in WRITERS}
        reading = [pool.submit(read_for, name, folder, seconds=seconds) for _ in range(READERS)]
        written = {market: job.result() for market, job in writing.items()}
        read = [job.result() for job in reading]
        lost = sum(_lost(store, market, seen) for market, seen in written.items())
    writes = [s for seen in written.values() for s in seen.seconds]
    reads = [s for seen in read for s in seen.seconds]
    errors = [sum(seen.errors for seen in group) for group in (written.values(), read)]
    figures = [*_spread(writes), *_spread(reads), *map(str, errors), str(sum(s.torn for s in read)), str(lost)]
    return [name, str(len(writes)), str(len(reads)), *figures]


def _lost(store: Store, market: str, seen: Seen) -> int:
    found = 0
    for minute, generation in seen.acknowledged.items():
        sql = STORED.format(table=store.table, market=market, minute=minute.isoformat())
        found += store.query(sql)[0] != (generation, WRITERS[market])
    return found


def _spread(seconds: list[float]) -> list[str]:
    p99 = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    return [f"{statistics.median(seconds) * 1000:.0f} / {p99 * 1000:.0f}"]


def main() -> None:
    """Measure every store that can be had, one after the other, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    seconds = parser.parse_args().seconds
    rows, missing = [], []
    print(f"{len(WRITERS)} writers ({', '.join(f'{m} {n:,} rows' for m, n in WRITERS.items())}), {READERS} readers")
    print(f"{seconds:g} s each; before: {machine()}\n", flush=True)
    for name in STORES:
        try:
            rows.append(measure(name, seconds))
        except duckdb.IOException as error:
            missing.append(f"{name}: left out, its extension cannot be loaded here ({str(error).splitlines()[0]})")
    header = ["store", "writes", "reads", "write ms p50 / p99", "read ms p50 / p99"]
    print_table([*header, "write errors", "read errors", "torn reads", "lost writes"], rows)
    print("\n".join(missing))


if __name__ == "__main__":
    main()
