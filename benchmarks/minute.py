"""(a) A market's minute cycle in a fresh process: two sessions before it, no budget, no latency.

Measured three times in turn: as `market-pipeline cycle MARKET`, as the Dagster job `MARKET_minute` in a process of its
own, and as the run that production starts, forked from a process that has loaded everything.

Run: python -m benchmarks.minute                         (India's 500, a minute and a half)
     python -m benchmarks.minute --market us --rounds 3  (8,800 tickers, some minutes)
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow.compute as pc

from benchmarks.feed import MIDDAY, MINUTE, PROJECT, SimulatedFeed, cycle_command, simulated_feed
from benchmarks.report import machine, print_table, spread, verdict
from benchmarks.storage import bar_rows, trading
from benchmarks.warm_runs import WarmRun, warm_runs
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.dagster_home import make_dagster_home
from market_pipeline.storage.newest import NewestFiles
from market_pipeline.storage.tables import BARS_1M

ROUNDS = 7
JOB = ["dagster", "job", "execute", "-m", "market_pipeline.definitions", "-j"]


@dataclass(frozen=True)
class Case:
    """A market, the moment of its first cycle, and its limits."""

    market: str
    at: datetime
    work_seconds: float
    queryable_seconds: float | None
    megabytes: float
    is_large: bool = False
    """Its past is written, not fetched: thousands of charts would take minutes."""


CASES = {
    "india": Case("india", MIDDAY, 2.0, 6.0, 500.0),
    "us": Case("us", datetime(2026, 11, 19, 17, 0, tzinfo=UTC), 25.0, None, 1500.0, is_large=True),
}


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
    parser.add_argument("--market", choices=tuple(CASES), default="india")
    chosen = parser.parse_args()
    rounds, case = chosen.rounds, CASES[chosen.market]
    before = machine()
    with simulated_feed(case.at) as feed, warm_runs(feed) as run_warm:
        fill(feed, case)
        cycles, jobs, runs = [], [], []
        for number in range(rounds + 1):
            print(f"round {number} of {rounds}" if number else "warming up", file=sys.stderr, flush=True)
            cycles.append(measure_cycle(feed, case))
            jobs.append(measure_job(feed, case))
            runs.append(measure_run(feed, case, run_warm))
    print(f"(a) {case.market}, {cycles[0].symbols} symbols, two sessions before, budgets off, {rounds} rounds")
    print(f"before: {before}; after: {machine()}\n")
    report(case, cycles=cycles[1:], jobs=jobs[1:], runs=runs[1:])


def fill(feed: SimulatedFeed, case: Case) -> None:
    """Bring the two sessions of the anchor window; of a large market also the minutes of today."""
    runtime, today = feed.runtime, feed.clock.now().date()
    days = runtime.market(case.market).calendar.previous_sessions(today, 2)
    print(f"filling {days[0]} and {days[-1]} for the anchor window", file=sys.stderr, flush=True)
    if not case.is_large:
        backfill(runtime, case.market, first=days[0], last=days[-1], with_daily=False)
        return
    for session in trading(case.market, 3, last=today):
        rows = bar_rows(session, case.market)
        if session.day == today:
            earlier = pc.less(rows["interval_start"], feed.clock.now() - 2 * MINUTE)
            runtime.warehouse.write(BARS_1M, case.market, rows.filter(earlier))
        else:
            runtime.warehouse.write_session(BARS_1M, case.market, session.day, rows)
            runtime.warehouse.close_session(case.market, session.day)


def measure_cycle(feed: SimulatedFeed, case: Case) -> Measured:
    """Measure one cycle of the command line."""
    measured, output = run_process(feed, case, cycle_command(case.market)[2:], feed.environment)
    document = json.loads(output)
    return Measured(*measured, work_seconds=document["duration_seconds"], symbols=len(document["tickers"]))


def measure_job(feed: SimulatedFeed, case: Case) -> Measured:
    """Measure the same cycle as a Dagster job."""
    home = make_dagster_home(feed.settings, PROJECT)
    words = [*JOB, f"{case.market}_minute"]
    return Measured(*run_process(feed, case, words, feed.environment | {"DAGSTER_HOME": str(home)})[0])


def measure_run(feed: SimulatedFeed, case: Case, run_warm: Callable[[str], WarmRun]) -> Measured:
    """Measure the same job as a warm run; its processor time and memory are the zygote's and not known apart."""
    feed.advance()
    run = run_warm(f"{case.market}_minute")
    return Measured(_published(feed, case.market) - run.launched, run.ended - run.launched, 0.0, 0.0, run.work_seconds)


def run_process(  # noqa: PLR0917 in the order of where, what and with what
    feed: SimulatedFeed, case: Case, words: list[str], environment: dict[str, str]
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
    return (_published(feed, case.market) - began, ended, cpu, peak), done.stdout


def _published(feed: SimulatedFeed, market: str) -> float:
    """Return when the newest indicators took their place, after asking for them as people do."""
    warehouse = feed.runtime.warehouse
    query = f"SELECT max(interval_start) FROM indicators_1m_latest WHERE market = '{market}'"  # noqa: S608 a case's name
    newest = warehouse.query(query)[0][0].as_py()
    if (feed.clock.now() - newest).total_seconds() != 60:
        raise RuntimeError(f"at {feed.clock.now()} the newest indicators are of {newest}: the cycle made none")
    path = NewestFiles(warehouse.layout.latest("indicators_1m")).path(market)
    return path.stat().st_mtime if path else 0.0


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def report(case: Case, *, cycles: list[Measured], jobs: list[Measured], runs: list[Measured]) -> None:
    """Print the table."""
    figures = [
        ("work inside the cycle, s", [m.work_seconds for m in cycles], case.work_seconds),
        ("start → queryable, s", [m.queryable_seconds for m in cycles], case.queryable_seconds),
        ("start → end, s", [m.end_seconds for m in cycles], None),
        ("CPU, s", [m.cpu_seconds for m in cycles], None),
        ("peak memory, MB", [m.peak_megabytes for m in cycles], case.megabytes),
        ("Dagster job: start → queryable, s", [m.queryable_seconds for m in jobs], case.queryable_seconds),
        ("Dagster job: start → end, s", [m.end_seconds for m in jobs], None),
        ("Dagster job: CPU, s", [m.cpu_seconds for m in jobs], None),
        ("Dagster job: peak memory, MB", [m.peak_megabytes for m in jobs], case.megabytes),
        ("warm run: work, first to last step, s", [m.work_seconds for m in runs], case.work_seconds),
        ("warm run: launch → queryable, s", [m.queryable_seconds for m in runs], case.queryable_seconds),
        ("warm run: launch → end, s", [m.end_seconds for m in runs], None),
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
