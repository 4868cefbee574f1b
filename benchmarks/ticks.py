"""(e) From a schedule's tick to queryable indicators, three markets in the same minute, beside Dagster's defaults.

The stack that `make run` starts works for some minutes on a simulated exchange whose three markets are open; then the
same definitions run with Dagster's own defaults: a process for each step, a queue that is looked at every 5 seconds.

Run: python -m benchmarks.ticks   (eleven minutes; --minutes and --stock-minutes change that)
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
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg

from benchmarks.feed import PROJECT
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
MINUTE = timedelta(minutes=1)
TICK_TAG = ".dagster/scheduled_execution_time"
STAGES = ("run created", "first step", "queryable", "run end")


@dataclass(frozen=True)
class Cycle:
    """One run: its market, and the seconds from the schedule's tick to each stage; None for what never came."""

    market: str
    seconds: Mapping[str, float | None]


@dataclass
class Observed:
    """One stack's minutes."""

    name: str
    minutes: int
    cycles: list[Cycle] = field(default_factory=list)
    cpu_seconds: float = 0.0
    megabytes: list[float] = field(default_factory=list)

    def seconds(self, stage: str, market: str | None = None) -> list[float]:
        """Return how long after their ticks the runs came to a stage."""
        found = (cycle.seconds[stage] for cycle in self.cycles if market in {None, cycle.market})
        return [value for value in found if value is not None]


def main() -> None:
    """Measure both stacks and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--stock-minutes", type=int, default=4)
    options = parser.parse_args()
    before = machine()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, exchange(Path(folder)) as settings:
        fill(settings)
        home = make_dagster_home(settings, PROJECT)
        ours = observe(settings, "market_pipeline.definitions", home, Observed("ours", options.minutes))
        stock_home = home.with_name("stock_dagster")
        stock_home.mkdir()
        (stock_home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        stock = Observed("Dagster's defaults", options.stock_minutes)
        observe(settings, "benchmarks.stock_definitions", stock_home, stock)
    print(f"(e) tick → queryable, {len(market_names())} markets in the same minute, budgets on")
    print(f"before: {before}; after: {machine()}\n")
    report(ours, stock)


@contextmanager
def exchange(folder: Path) -> Iterator[Settings]:
    """Run a simulated exchange from AT on, in real time."""
    port = free_port()
    settings = Settings(data=folder, simulator_url=f"http://127.0.0.1:{port}", _env_file=None)
    configure_logging(settings)
    command = [executable("market-pipeline"), "simulate", "--port", str(port), "--as-of", AT]
    with (
        (folder / "simulator.log").open("ab") as log,
        running(command, child_environment(settings, PYTHONPATH=str(PROJECT)), log.fileno()),
    ):
        yield settings


def fill(settings: Settings) -> None:
    """Do what `up` does before it says ready: the last closed session and a cycle of each market."""
    runtime = _reached(settings.model_copy(update={"budgets": False}))
    for name in market_names():
        _say(f"filling {name}")
        market = runtime.market(name)
        day: date = last_ended_session(market, runtime.clock.now())
        backfill(runtime, name, first=day, last=day, with_daily=chart_source(market) is None)
        run_cycle(runtime, name)


def _reached(settings: Settings) -> Runtime:
    for _ in range(60):
        try:
            return open_runtime(settings)
        except SourceUnreachable:
            time.sleep(0.5)
    return open_runtime(settings)


def observe(settings: Settings, module: str, home: Path, observed: Observed) -> Observed:
    """Let a stack work for so many minutes, and look at what its runs did."""
    _say(f"{observed.name}: starting")
    with running_stack(settings, module, home) as stack:
        first = floor_minute(datetime.now(UTC) + SCHEDULER_WARMS_UP) + MINUTE
        last = first + (observed.minutes - 1) * MINUTE
        _say(f"{observed.name}: loaded; {observed.minutes} ticks from {first:%H:%M} on")
        used = _sample(stack, observed, until=first)
        observed.megabytes.clear()
        observed.cpu_seconds = _sample(stack, observed, until=last + MINUTE).cpu_seconds - used.cpu_seconds
        time.sleep(GRACE_SECONDS)
    observed.cycles = read_cycles(home, first, last)
    return observed


def _sample(stack: Stack, observed: Observed, *, until: datetime) -> Usage:
    while datetime.now(UTC) < until:
        observed.megabytes.append(stack.usage().megabytes)
        time.sleep(max(0.0, min(SAMPLE_SECONDS, (until - datetime.now(UTC)).total_seconds())))
    return stack.usage()


def read_cycles(home: Path, first: datetime, last: datetime) -> list[Cycle]:
    """Return the minute cycles of the ticks from `first` to `last`, both included."""
    cycles = []
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for record in instance.get_run_records():
            tick = record.dagster_run.tags.get(TICK_TAG)
            market, _, cadence = record.dagster_run.job_name.rpartition("_")
            if tick is not None and cadence == "minute" and first <= datetime.fromisoformat(tick) <= last:
                cycles.append(_cycle(instance, record, market, datetime.fromisoformat(tick).timestamp()))
    return cycles


def _cycle(instance: dg.DagsterInstance, record: dg.RunRecord, market: str, tick: float) -> Cycle:
    events = instance.all_logs(
        record.dagster_run.run_id, {dg.DagsterEventType.STEP_START, dg.DagsterEventType.ASSET_MATERIALIZATION}
    )
    steps = [e.timestamp for e in events if e.dagster_event_type is dg.DagsterEventType.STEP_START]
    key = dg.AssetKey([market, "indicators_1m"])
    made = [e.timestamp for e in events if e.asset_materialization and e.asset_materialization.asset_key == key]
    moments = (record.create_timestamp.timestamp(), min(steps, default=None), min(made, default=None), record.end_time)
    return Cycle(market, {s: None if at is None else at - tick for s, at in zip(STAGES, moments, strict=True)})


def report(ours: Observed, stock: Observed) -> None:
    """Print both, and how many times longer or more the defaults take."""
    rows = []
    for market in (*market_names(), None):
        for stage in STAGES if market else STAGES[2:]:
            rows.append(_row(f"{market or 'all'}: tick → {stage}, s", *(o.seconds(stage, market) for o in (ours, stock))))
    per_minute = [o.cpu_seconds / o.minutes for o in (ours, stock)]
    rows.append(["CPU of all Dagster processes, s a minute", *_pair(per_minute[:1]), *_pair(per_minute[1:]), _times(*per_minute)])
    rows.append(_row("memory of all Dagster processes, MB", ours.megabytes, stock.megabytes))
    for one in (ours, stock):
        ended = len(one.seconds("queryable"))
        print(f"{one.name}: {one.minutes} minutes, {one.minutes * len(market_names())} ticks, {len(one.cycles)} runs, {ended} complete")
    print()
    print_table(["", "ours p50", "max", "defaults p50", "max", "p50, times"], rows)


def _row(name: str, ours: Sequence[float], stock: Sequence[float]) -> list[str]:
    times = _times(statistics.median(ours), statistics.median(stock)) if ours and stock else "–"
    return [name, *_pair(ours), *_pair(stock), times]


def _pair(values: Sequence[float]) -> list[str]:
    return [f"{statistics.median(values):.1f}", f"{max(values):.1f}"] if values else ["–", "–"]


def _times(ours: float, stock: float) -> str:
    return f"{stock / ours:.1f}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
