"""(e) From a schedule's tick to queryable indicators, three markets in the same minute, beside Dagster's defaults.

The stack that `make run` starts works for some minutes on a simulated exchange whose three markets are open; then the
same definitions run with Dagster's own defaults: a process for each step, a queue that is looked at every 5 seconds.

Run: python -m benchmarks.ticks   (eleven minutes; --budgets off takes the waiting for the sources' budgets out)
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from benchmarks.feed import MINUTE, PROJECT
from benchmarks.report import machine, print_table
from benchmarks.stack import Stack, Usage, free_port, running, running_stack
from market_pipeline.cli.supervision import executable
from market_pipeline.clock import floor_minute
from market_pipeline.errors import SourceUnreachable
from market_pipeline.logs import configure_logging
from market_pipeline.settings import Settings, child_environment
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.dagster_home import make_dagster_home
from market_pipeline.steps.due import last_ended_session
from market_pipeline.steps.fetch_charts import chart_source
from market_pipeline.steps.runtime import Runtime, market_names, open_runtime

AT = "2026-11-19T09:31:00+00:00"
"""A Thursday: Casablanca has just opened, India closes half an hour later, crypto always trades."""
SCHEDULER_WARMS_UP = timedelta(seconds=20)
"""It passes over a tick that comes sooner after its start."""
GRACE_SECONDS = 50
SAMPLE_SECONDS = 2
TICK_TAG = ".dagster/scheduled_execution_time"
STAGES = ("run created", "first step", "queryable", "run end")


@dataclass(frozen=True)
class Cycle:
    """One run: its market, and the seconds from the schedule's tick to each stage; None for what never came."""

    market: str
    seconds: Mapping[str, float | None]


@dataclass
class Observed:
    """One way to run the definitions, and what was seen of it."""

    name: str
    module: str
    home: Path
    minutes: int
    cycles: list[Cycle] = field(default_factory=list)
    cpu_seconds: float = 0.0
    megabytes: list[float] = field(default_factory=list)

    def seconds(self, stage: str, market: str | None = None) -> list[float]:
        """Return how long after their ticks the runs came to a stage."""
        found = (cycle.seconds[stage] for cycle in self.cycles if market in {None, cycle.market})
        return [value for value in found if value is not None]


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--stock-minutes", type=int, default=4)
    parser.add_argument("--budgets", choices=("on", "off"), default="on")
    options = parser.parse_args()
    before = machine()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        exchange(Path(folder), has_budgets=options.budgets == "on") as settings,
    ):
        fill(settings)
        ours = Observed("ours", "market_pipeline.definitions", make_dagster_home(settings, PROJECT), options.minutes)
        stock_home = default_home(settings)
        stock = Observed("defaults", "benchmarks.stock_definitions", stock_home, options.stock_minutes)
        for one in (ours, stock):
            observe(settings, one)
    print(f"(e) tick → queryable, {len(market_names())} markets in the same minute, budgets {options.budgets}")
    print(f"before: {before}; after: {machine()}\n")
    report(ours, stock)


@contextmanager
def exchange(folder: Path, *, has_budgets: bool) -> Iterator[Settings]:
    """Run a simulated exchange from AT on, in real time."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = Settings(data=folder, simulator_url=url, budgets=has_budgets, _env_file=None)
    configure_logging(settings)
    command = [executable("market-pipeline"), "simulate", "--port", str(port), "--as-of", AT]
    environment = child_environment(settings, PYTHONPATH=str(PROJECT))
    with (folder / "simulator.log").open("ab") as log, running(command, environment, log.fileno()):
        yield settings


def default_home(settings: Settings) -> Path:
    """Return a DAGSTER_HOME whose only setting is that nothing is reported home."""
    home = settings.feed_folder / "dagster_defaults"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return home


def fill(settings: Settings) -> None:
    """Do what `up` does before it says ready: the last closed session and a cycle of each market."""
    runtime = _reached(
        Settings(data=settings.data, simulator_url=settings.simulator_url, budgets=False, _env_file=None)
    )
    for name in market_names():
        _say(f"filling {name}")
        market = runtime.market(name)
        day = last_ended_session(market, runtime.clock.now())
        backfill(runtime, name, first=day, last=day, with_daily=chart_source(market) is None)
        run_cycle(runtime, name)


def _reached(settings: Settings) -> Runtime:
    for _ in range(60):
        try:
            return open_runtime(settings)
        except SourceUnreachable:
            time.sleep(0.5)
    return open_runtime(settings)


def observe(settings: Settings, observed: Observed) -> None:
    """Let the stack work for so many minutes, and note what it used and what its runs did."""
    _say(f"{observed.name}: starting")
    with running_stack(settings, observed.module, observed.home) as stack:
        first = floor_minute(datetime.now(UTC) + SCHEDULER_WARMS_UP) + MINUTE
        last = first + (observed.minutes - 1) * MINUTE
        _say(f"{observed.name}: loaded; {observed.minutes} ticks from {first:%H:%M} on")
        before = _sample(stack, [], until=first)
        observed.cpu_seconds = _sample(stack, observed.megabytes, until=last + MINUTE).cpu_seconds - before.cpu_seconds
        time.sleep(GRACE_SECONDS)
    observed.cycles = read_cycles(observed.home, first, last)


def _sample(stack: Stack, megabytes: list[float], *, until: datetime) -> Usage:
    while datetime.now(UTC) < until:
        megabytes.append(stack.usage().megabytes)
        time.sleep(max(0.0, min(SAMPLE_SECONDS, (until - datetime.now(UTC)).total_seconds())))
    return stack.usage()


def read_cycles(home: Path, first: datetime, last: datetime) -> list[Cycle]:
    """Return the minute cycles of the ticks from `first` to `last`, both included."""
    cycles = []
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for record in instance.get_run_records():
            tick = record.dagster_run.tags.get(TICK_TAG)
            is_minute = record.dagster_run.job_name.endswith("_minute")
            if tick is not None and is_minute and first <= datetime.fromisoformat(tick) <= last:
                cycles.append(_cycle(instance, record, tick=datetime.fromisoformat(tick).timestamp()))
    return cycles


def _cycle(instance: dg.DagsterInstance, record: dg.RunRecord, *, tick: float) -> Cycle:
    market = record.dagster_run.job_name.removesuffix("_minute")
    kinds = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.ASSET_MATERIALIZATION}
    events = instance.all_logs(record.dagster_run.run_id, kinds)
    steps = [e.timestamp for e in events if e.dagster_event_type is dg.DagsterEventType.STEP_START]
    key = dg.AssetKey([market, "indicators_1m"])
    made = [e.timestamp for e in events if e.asset_materialization and e.asset_materialization.asset_key == key]
    moments = (record.create_timestamp.timestamp(), min(steps, default=None), min(made, default=None), record.end_time)
    return Cycle(market, {s: None if at is None else at - tick for s, at in zip(STAGES, moments, strict=True)})


def report(ours: Observed, stock: Observed) -> None:
    """Print both, and how many times as much the defaults take."""
    for one in (ours, stock):
        ticks, complete = one.minutes * len(market_names()), len(one.seconds("queryable"))
        print(f"{one.name}: {one.minutes} minutes, {ticks} ticks, {len(one.cycles)} runs, {complete} complete")
    shown = [(market, stage) for market in market_names() for stage in STAGES] + [(None, stage) for stage in STAGES]
    rows = [
        _row(f"{market or 'all'}: tick → {stage}, s", ours.seconds(stage, market), stock.seconds(stage, market))
        for market, stage in shown
    ]
    cpu = [[one.cpu_seconds / one.minutes] for one in (ours, stock)]
    rows.append(_row("CPU of all Dagster processes, s a minute", *cpu))
    rows.append(_row("memory of all Dagster processes, MB", ours.megabytes, stock.megabytes))
    print()
    print_table(["", "ours p50", "max", "defaults p50", "max", "p50, times"], rows)


def _row(name: str, ours: Sequence[float], stock: Sequence[float]) -> list[str]:
    times = f"{statistics.median(stock) / statistics.median(ours):.1f}" if ours and stock else "–"
    return [name, *_pair(ours), *_pair(stock), times]


def _pair(values: Sequence[float]) -> list[str]:
    return [f"{statistics.median(values):.1f}", f"{max(values):.1f}"] if values else ["–", "–"]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
