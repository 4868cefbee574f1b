"""Kills cycles at random moments, then runs one good cycle, and looks for anything torn, lost, doubled or left out.

All the while a reader polls the views of market.duckdb, and a stranger holds that file open for writing.

Run: python -m benchmarks.soak --kills 100   (eight minutes; the tests kill ten)
"""

from __future__ import annotations

import argparse
import logging
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from benchmarks.feed import MINUTE, PROJECT, SimulatedFeed, cycle_command, simulated_feed
from benchmarks.soak_truth import differing_bars, differing_indicators, duplicates, missing_indicators, stale_latest
from market_pipeline.storage.layout import MINUTE_FORMAT, SUFFIX

MARKET = "india"
MORNING = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)
"""A quarter of an hour after the opening: each cycle is as short as it can be, so most kills hit a write."""
CYCLE_SECONDS = 120
PAUSE_SECONDS = 0.1
TABLES = ("raw_quotes", "fetch_outcomes", "live_tickers", "bars_1m", "indicators_1m")
VIEWS = (*TABLES, "live_tickers_latest", "bars_1m_latest", "indicators_1m_latest")
BARS = "SELECT count(*), count(DISTINCT (market, symbol, interval_start)) FROM bars_1m"
Say = Callable[[str], None]


@dataclass
class SoakReport:
    """What was found. From `lost_slices` on, everything should be nought or empty."""

    kills: int = 0
    outlived: int = 0
    """Cycles that had ended before their moment came."""
    polls: int = 0
    bars: int = 0
    lost_slices: int = 0
    unreadable_slices: int = 0
    shrunk_views: int = 0
    duplicates: int = 0
    differing_bars: int = 0
    missing_indicators: int = 0
    differing_indicators: int = 0
    stale_latest: int = 0
    reader_errors: list[str] = field(default_factory=list)
    stranger_errors: list[str] = field(default_factory=list)

    @property
    def problems(self) -> dict[str, object]:
        """Return what is wrong, by name; empty when all is well."""
        names = [f.name for f in fields(self)]
        found = {name: getattr(self, name) for name in names[names.index("lost_slices") :]}
        return {name: value for name, value in found.items() if value}


def soak(kills: int, *, seed: int = 1, say: Say = lambda _: None) -> SoakReport:
    """Kill `kills` cycles, then run one good cycle in the minute of the last one, and look at what is there."""
    report = SoakReport()
    with simulated_feed(MORNING) as feed:
        usual = _good_cycle(feed)
        _rebuild_views(feed)
        with stranger(feed, report), reader(feed, report):
            _kill_many(feed, report, kills=kills, draws=random.Random(seed), usual=usual, say=say)
            _rebuild_views(feed)
            _good_cycle(feed)
        say("comparing with the exchange")
        _compare(feed, report)
    return report


def _good_cycle(feed: SimulatedFeed) -> float:
    """Run a cycle to its end and return its seconds."""
    began = time.monotonic()
    command, environment = cycle_command(MARKET), feed.environment
    done = subprocess.run(
        command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=CYCLE_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"a cycle that nobody killed ended with {done.returncode}: {done.stderr[-2000:]}")
    return time.monotonic() - began


def _kill_many(
    feed: SimulatedFeed, report: SoakReport, *, kills: int, draws: random.Random, usual: float, say: Say
) -> None:
    """Kill each cycle after a random part of a cycle's usual life; the first quarter of that is imports."""
    witness = Witness(feed)
    while report.kills < kills:
        feed.advance()
        lived = _kill_one(feed, after=draws.uniform(0.25, 1.0) * usual)
        if lived is None:
            report.kills += 1
        else:
            report.outlived, usual = report.outlived + 1, lived
        report.lost_slices += witness.losses()
        if report.kills % 10 == 0:
            say(f"{report.kills} of {kills} killed, {report.polls} polls, found: {report.problems or 'nothing'}")


def _kill_one(feed: SimulatedFeed, *, after: float) -> float | None:
    """Start a cycle and kill it `after` so many seconds; return its seconds when it ended before that."""
    began, nowhere = time.monotonic(), subprocess.DEVNULL
    command, environment = cycle_command(MARKET), feed.environment
    with subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=nowhere, stderr=nowhere) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    return time.monotonic() - began


class Witness:
    """Remembers what was in the warehouse, and finds what is lost."""

    def __init__(self, feed: SimulatedFeed) -> None:
        self._feed = feed
        self._rows = self._rows_of_slices()
        self._acknowledged = self._bars_acknowledged()

    def losses(self) -> int:
        """Return how many slices are gone or have fewer rows than before.

        One more counts when the log says that bars were written in the minute just killed, and they are not there.
        """
        before, self._rows = self._rows, self._rows_of_slices()
        told, self._acknowledged = self._acknowledged, self._bars_acknowledged()
        newest = f"{self._feed.clock.now() - MINUTE:{MINUTE_FORMAT}}{SUFFIX}"
        is_there = any(path.name == newest and "bars_1m" in path.parts for path in self._rows)
        lost = sum(1 for path, rows in before.items() if self._rows.get(path, -1) < rows)
        return lost + (self._acknowledged > told and not is_there)

    def _rows_of_slices(self) -> dict[Path, int]:
        warehouse = self._feed.runtime.warehouse
        slices = (found for table in TABLES for found in warehouse.slices(table, MARKET))
        return {found.path: pq.read_metadata(found.path).num_rows for found in slices}

    def _bars_acknowledged(self) -> int:
        logs = (self._feed.settings.feed_folder / "logs").glob("market_pipeline*.log")
        return sum(log.read_text().count("event=bars_built") for log in logs)


def _rebuild_views(feed: SimulatedFeed) -> None:
    command = [sys.executable, "-m", "market_pipeline.cli", "views"]
    subprocess.run(command, env=feed.environment, cwd=PROJECT, capture_output=True, check=True, timeout=CYCLE_SECONDS)


@contextmanager
def stranger(feed: SimulatedFeed, report: SoakReport) -> Iterator[None]:
    """Hold market.duckdb open for writing, and see at the end that it still serves."""
    with duckdb.connect(str(feed.settings.feed_folder / "market.duckdb")) as connection:
        yield
        try:
            connection.execute(BARS).fetchone()
        except duckdb.Error as error:
            report.stranger_errors.append(str(error))


@contextmanager
def reader(feed: SimulatedFeed, report: SoakReport) -> Iterator[None]:
    """Poll the views from a thread, with a copy of market.duckdb: DuckDB itself locks the stranger's file."""
    source = feed.settings.feed_folder / "market.duckdb"
    copy = source.with_name("reader.duckdb")
    copy.write_bytes(source.read_bytes())
    stop = threading.Event()
    thread = threading.Thread(target=_poll, args=(copy, report, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _poll(path: Path, report: SoakReport, stop: threading.Event) -> None:
    most = dict.fromkeys(VIEWS, 0)
    while not stop.is_set():
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                counts = {view: _first(connection, f'SELECT count(*) FROM "{view}"')[0] for view in VIEWS}  # noqa: S608
                rows, distinct = _first(connection, BARS)
        except duckdb.Error as error:
            report.reader_errors.append(str(error).splitlines()[0])
            continue
        report.polls += 1
        report.duplicates += rows - distinct
        report.shrunk_views += sum(counts[view] < most[view] for view in TABLES)
        most = counts
        stop.wait(PAUSE_SECONDS)


def _first(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    return connection.execute(sql).fetchone() or (0, 0)


def _compare(feed: SimulatedFeed, report: SoakReport) -> None:
    warehouse = feed.runtime.warehouse
    report.bars = warehouse.read("bars_1m", MARKET).num_rows
    report.unreadable_slices = sum(1 for _ in feed.settings.feed_folder.rglob("*.unreadable"))
    report.duplicates += duplicates(warehouse, MARKET, TABLES)
    report.differing_bars = differing_bars(feed, MARKET)
    report.missing_indicators = missing_indicators(warehouse, MARKET)
    report.differing_indicators = differing_indicators(feed, MARKET)
    report.stale_latest = stale_latest(warehouse, MARKET)


def main() -> None:
    """Kill, compare, print; exit with 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # a killed client's connection is meant to break
    began = time.monotonic()
    report = soak(options.kills, seed=options.seed, say=lambda text: print(text, file=sys.stderr, flush=True))
    print(f"{report.kills} cycles killed, {report.outlived} had ended before their moment came")
    print(f"{report.polls} polls of {len(VIEWS)} views, {report.bars} bars, {time.monotonic() - began:.0f} s")
    print(f"found: {report.problems or 'nothing torn, lost, doubled or left out'}")
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
