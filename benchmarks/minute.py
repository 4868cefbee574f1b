"""(a) India's minute cycle in a fresh process: two sessions before it, no budget, no latency.

Measured twice in turn: as `market-pipeline cycle india`, and as the Dagster job `india_minute`.

Run: python -m benchmarks.minute   (a minute and a half)
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from benchmarks.feed import PROJECT, SimulatedFeed, cycle_command, simulated_feed
from benchmarks.report import machine, print_table, spread, verdict
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.dagster_home import make_dagster_home
from market_pipeline.storage.newest import NewestFiles

MARKET = "india"
ROUNDS = 7
JOB = ["dagster", "job", "execute", "-m", "market_pipeline.definitions", "-j", f"{MARKET}_minute"]
NEWEST_QUERY = f"SELECT max(interval_start) FROM indicators_1m_latest WHERE market = '{MARKET}'"  # noqa: S608 constant


@dataclass(frozen=True)
class Measured:
    """One process. `work` is what the cycle reports of itself, not known of a Dagster job."""

    queryable_seconds: float
    end_seconds: float
    cpu_seconds: float
    peak_megabytes: float
    work_seconds: float = 0.0
    symbols: int = 0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    before = machine()
    with simulated_feed() as feed:
        fill(feed)
        cycles, jobs = [], []
        for number in range(rounds + 1):
            print(f"round {number} of {rounds}" if number else "warming up", file=sys.stderr, flush=True)
            cycles.append(measure_cycle(feed))
            jobs.append(measure_job(feed))
    print(f"(a) {MARKET}, {cycles[0].symbols} symbols, two sessions before, budgets off, {rounds} rounds")
    print(f"before: {before}; after: {machine()}\n")
    report(cycles[1:], jobs[1:])


def fill(feed: SimulatedFeed) -> None:
    """Fetch the two sessions of the anchor window."""
    runtime = feed.runtime
    days = runtime.market(MARKET).calendar.previous_sessions(feed.clock.now().date(), 2)
    print(f"backfilling {days[0]} and {days[-1]} for the anchor window", file=sys.stderr, flush=True)
    backfill(runtime, MARKET, first=days[0], last=days[-1], with_daily=False)


def measure_cycle(feed: SimulatedFeed) -> Measured:
    """Measure one cycle of the command line."""
    measured, output = run_process(feed, cycle_command(MARKET)[2:], feed.environment)
    document = json.loads(output)
    return Measured(
        *measured, work_seconds=document["duration_seconds"], symbols=sum(document["chart_outcomes"].values())
    )


def measure_job(feed: SimulatedFeed) -> Measured:
    """Measure the same cycle as a Dagster job."""
    home = make_dagster_home(feed.settings, PROJECT)
    return Measured(*run_process(feed, JOB, feed.environment | {"DAGSTER_HOME": str(home)})[0])


def run_process(
    feed: SimulatedFeed, words: list[str], environment: dict[str, str]
) -> tuple[tuple[float, float, float, float], str]:
    """Run a module a minute later; return seconds to queryable, to the end and of CPU, peak MB, and its output."""
    feed.advance()
    used, began, started = _children_seconds(), time.time(), time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.peak", *words]
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    ended, cpu = time.perf_counter() - started, _children_seconds() - used
    peak = int(done.stderr.splitlines()[-1]) / 1024
    return (_published(feed) - began, ended, cpu, peak), done.stdout


def _published(feed: SimulatedFeed) -> float:
    """Return when the newest indicators took their place, after asking for them as people do."""
    warehouse = feed.runtime.warehouse
    newest = warehouse.query(NEWEST_QUERY)[0][0].as_py()
    if (feed.clock.now() - newest).total_seconds() != 60:
        raise RuntimeError(f"at {feed.clock.now()} the newest indicators are of {newest}: the cycle made none")
    path = NewestFiles(warehouse.layout.latest("indicators_1m")).path(MARKET)
    return path.stat().st_mtime if path else 0.0


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def report(cycles: list[Measured], jobs: list[Measured]) -> None:
    """Print the table."""
    figures = [
        ("work inside the cycle, s", [m.work_seconds for m in cycles], 2.0),
        ("start → queryable, s", [m.queryable_seconds for m in cycles], 6.0),
        ("start → end, s", [m.end_seconds for m in cycles], None),
        ("CPU, s", [m.cpu_seconds for m in cycles], None),
        ("peak memory, MB", [m.peak_megabytes for m in cycles], 500.0),
        ("Dagster job: start → queryable, s", [m.queryable_seconds for m in jobs], 6.0),
        ("Dagster job: start → end, s", [m.end_seconds for m in jobs], None),
        ("Dagster job: CPU, s", [m.cpu_seconds for m in jobs], None),
        ("Dagster job: peak memory, MB", [m.peak_megabytes for m in jobs], 500.0),
    ]
    rows = [
        [name, *spread(values), "" if limit is None else f"≤ {limit:g}", _verdict(values, limit)]
        for name, values, limit in figures
    ]
    print_table(["figure", "least", "median", "greatest", "limit", "median beside the limit"], rows)


def _verdict(values: list[float], limit: float | None) -> str:
    return "" if limit is None else verdict(statistics.median(values), limit)


if __name__ == "__main__":
    main()
