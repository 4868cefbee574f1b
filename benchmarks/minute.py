"""(a) The minute cycle of India, as a process of its own: work inside, wall time, peak memory. No budget, no latency.

`--dagster` measures the same cycle as a Dagster job in a fresh process.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.feed import PROJECT, Feed, simulated_feed
from market_pipeline.steps.backfill import backfill

ROUNDS = 5


@dataclass(frozen=True)
class Measured:
    """One process."""

    work_seconds: float
    wall_seconds: float
    peak_megabytes: float


def main() -> None:
    """Measure and print a table."""
    with simulated_feed() as feed:
        before = feed.runtime.market("india").calendar.previous_sessions(feed.clock.now().date(), 2)
        print(f"backfilling {before[0]} and {before[1]} for the real anchor …", flush=True)
        backfill(feed.runtime, "india", first=before[0], last=before[-1], with_daily=False)
        symbols = _cycle(feed)[1]
        rounds = [_cycle(feed)[0] for _ in range(ROUNDS)]
        dagster = [_dagster(feed) for _ in range(ROUNDS)]
    print(f"\nindia, {symbols} symbols, two sessions before, budgets off; median (min … max) of {ROUNDS}\n")
    print("| | measured | target |\n|---|---|---|")
    _row("work inside the cycle, s", [m.work_seconds for m in rounds], "≤ 2.0")
    _row("process start to end, s", [m.wall_seconds for m in rounds], "≤ 6")
    _row("peak memory, MB", [m.peak_megabytes for m in rounds], "≤ 500")
    _row("as a Dagster job in a fresh process, s", dagster, "≤ 6")


def _row(name: str, values: list[float], target: str) -> None:
    print(f"| {name} | {statistics.median(values):.2f} ({min(values):.2f} … {max(values):.2f}) | {target} |")


def _cycle(feed: Feed) -> tuple[Measured, int]:
    feed.clock.advance(timedelta(minutes=1))
    began = time.perf_counter()
    script = "import resource,sys; from market_pipeline.cli.main import app; app(standalone_mode=False); "
    script += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    command = [sys.executable, "-c", script, "cycle", "india", "--json"]
    done = subprocess.run(command, env=feed.environment, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - began
    document = json.loads(done.stdout)
    peak = float(done.stderr.strip().splitlines()[-1]) / 1024
    assert document["rows"]["indicators_1m"] > 0.8 * len(document["tickers"])
    return Measured(document["duration_seconds"], wall, peak), len(document["tickers"])


def _dagster(feed: Feed) -> float:
    feed.clock.advance(timedelta(minutes=1))
    home = feed.settings.feed_folder / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "market_pipeline.definitions", "-j", "india_minute"]
    environment = feed.environment | {"DAGSTER_HOME": str(home)}
    began = time.perf_counter()
    subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, check=True)
    return time.perf_counter() - began



if __name__ == "__main__":
    main()
