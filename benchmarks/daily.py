"""(l) The daily refresh of us: 8,800 minute charts and daily charts, reconcile, indicators and levels of the session.

The evening of a session whose live bars are stored, no budget, no latency. What the sources' budgets make of it in
production is two and a half hours in its off-hours window; this is the pipeline's own work.

Run: python -m benchmarks.daily   (some minutes; --market india for less)
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.feed import PROJECT, SimulatedFeed, simulated_feed
from benchmarks.report import machine, print_table, verdict
from benchmarks.storage import bar_rows, trading
from market_pipeline.steps.refresh_instruments import refresh_instruments
from market_pipeline.storage.tables import BARS_1M

EVENING = datetime(2026, 11, 19, 21, 40, tzinfo=UTC)
LIMIT_SECONDS = 600.0


@dataclass(frozen=True)
class Measured:
    """One process that refreshed a session."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    output: str


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--market", choices=("us", "india"), default="us")
    market, before = parser.parse_args().market, machine()
    with simulated_feed(EVENING) as feed:
        fill(feed, market)
        done = refresh(feed, market)
    print(f"(l) daily refresh of {market}, budgets off\nbefore: {before}; after: {machine()}\n")
    print(done.output)
    rows = [
        ["work, s", f"{done.seconds:.0f}", f"≤ {LIMIT_SECONDS:g}", verdict(done.seconds, LIMIT_SECONDS)],
        ["CPU, s", f"{done.cpu_seconds:.0f}", "", ""],
        ["peak memory, MB", f"{done.megabytes:.0f}", "", ""],
    ]
    print_table(["figure", "measured", "limit", "beside the limit"], rows)


def fill(feed: SimulatedFeed, market: str) -> None:
    """Write the two sessions before, closed, and the session of today as the live cycles left it."""
    today = feed.clock.now().date()
    refresh_instruments(feed.runtime, feed.runtime.market(market))
    for session in trading(market, 3, last=today):
        print(f"writing bars of {session.day}", file=sys.stderr, flush=True)
        rows = bar_rows(session, market)
        if session.day == today:
            feed.runtime.warehouse.write(BARS_1M, market, rows)
        else:
            feed.runtime.warehouse.write_session(BARS_1M, market, session.day, rows)
            feed.runtime.warehouse.close_session(market, session.day)


def refresh(feed: SimulatedFeed, market: str) -> Measured:
    """Complete the session in a process of its own, as `backfill` and the daily job do."""
    day = feed.clock.now().date()
    words = ["market_pipeline.cli", "backfill", market, "--from", str(day), "--to", str(day)]
    used, started = _children_seconds(), time.monotonic()
    command = [sys.executable, "-m", "benchmarks.peak", *words]
    done = subprocess.run(command, env=feed.environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    seconds = time.monotonic() - started
    return Measured(seconds, _children_seconds() - used, int(done.stderr.splitlines()[-1]) / 1024, done.stdout.strip())


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
