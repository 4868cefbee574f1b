"""Kills cycles at random moments, then runs one good cycle, and looks for anything torn, lost, doubled or left out.

All the while a reader polls the views of market.duckdb, and a stranger holds that file open for writing.

Run: python -m benchmarks.soak --kills 100   (eight minutes; the tests kill ten)
"""

from __future__ import annotations

import argparse
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

from benchmarks.feed import PROJECT, SimulatedFeed, cycle_command, simulated_feed
from benchmarks.soak_truth import differing_bars, differing_indicators, duplicates, missing_indicators, stale_latest

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
    """Slices that were seen and are gone, or have fewer rows; or bars that the log says were written, and are not."""
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
    done = subprocess.run(
        cycle_command(MARKET), env=feed.environment, cwd=PROJECT, capture_output=True, text=True, timeout=CYCLE_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"a cycle that nobody killed ended with {done.returncode}: {done.stderr[-2000:]}")
    return time.monotonic() - began


def _kill_many(  # noqa: PLR0913 one loop, what it needs and what it tells
    feed: SimulatedFeed, report: SoakReport, *, kills: int, draws: random.Random, usual: float, say: Say
) -> None:
    seen: dict[Path, int] = {}
    while report.kills < kills:
        feed.advance()
        began = time.monotonic()
        with subprocess.Popen(
            cycle_command(MARKET), env=feed.environment, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                process.wait(draws.uniform(0.25, 1.0) * usual)  # the first quarter of a process's life is imports
                report.outlived += 1
                usual = time.monotonic() - began
            except subprocess.TimeoutExpired:
                process.kill()
                report.kills += 1
        seen = _look_for_losses(feed, report, seen)
        if report.kills % 10 == 0:
            say(f"{report.kills} of {kills} killed, {report.polls} polls, found: {report.problems or 'nothing'}")


def _look_for_losses(feed: SimulatedFeed, report: SoakReport, seen: dict[Path, int]) -> dict[Path, int]:
    """Compare the slices with those seen before, and the newest bars with what the log says was written."""
    warehouse = feed.runtime.warehouse
    found = {
        item.path: pq.read_metadata(item.path).num_rows for table in TABLES for item in warehouse.slices(table, MARKET)
    }
    report.lost_slices += sum(1 for path, rows in seen.items() if found.get(path, -1) < rows)
    written = [line for line in _log(feed).read_text().splitlines() if "event=bars_built" in line]
    names = {path.name for path in found if "bars_1m" in str(path)}
    report.lost_slices += len(written) > len(names)
    return found


def _log(feed: SimulatedFeed) -> Path:
    return feed.settings.feed_folder / "logs" / "market_pipeline.log"


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
    began = time.monotonic()
    report = soak(options.kills, seed=options.seed, say=lambda text: print(text, file=sys.stderr, flush=True))
    print(f"{report.kills} cycles killed, {report.outlived} had ended before their moment came")
    print(f"{report.polls} polls of {len(VIEWS)} views, {report.bars} bars, {time.monotonic() - began:.0f} s")
    print(f"found: {report.problems or 'nothing torn, lost, doubled or left out'}")
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
