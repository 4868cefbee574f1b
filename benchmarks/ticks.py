"""(e) From a schedule's tick to queryable indicators, all open markets in one minute: warm, Celery, default, stock.

The stack that `make run` starts works for some minutes on a simulated exchange whose markets are open: first with runs
that start warm from a zygote, then with Celery's launcher where it is installed (benchmarks/celery_stack.py), then with
Dagster's default launcher (no zygote), then with Dagster's stock settings besides: a process for each step, a queue
that is looked at every 5 seconds. A reader asks market.duckdb all the while.

Run: python -m benchmarks.ticks   (an hour; --budgets off takes the waiting for the sources' budgets out,
--as-of MOMENT starts the exchange at another minute, --ways warm stock leaves the others out)
"""

from __future__ import annotations

import argparse
import math
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

from benchmarks.beside import print_coverage, print_runs
from benchmarks.celery_stack import can_run, celery_home
from benchmarks.feed import MINUTE, PROJECT
from benchmarks.latest_rows import LatestRows
from benchmarks.process import free_port, running
from benchmarks.report import machine, print_table
from benchmarks.stack import Stack, Usage, running_stack
from market_pipeline.cli.processes import DEFINITIONS
from market_pipeline.cli.supervision import executable
from market_pipeline.clock import floor_minute
from market_pipeline.components.market.schedules import TICK_TAG
from market_pipeline.errors import SourceUnreachable
from market_pipeline.logs import configure_logging
from market_pipeline.settings import Settings, child_environment
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.dagster_home import make_dagster_home
from market_pipeline.steps.due import last_ended_session, skip_reason
from market_pipeline.steps.fetch_charts import chart_source
from market_pipeline.steps.runtime import Runtime, market_names, open_runtime

AT = "2026-11-19T09:31:00+00:00"
"""A Thursday: six markets are open, Casablanca has just begun. No minute has all seven: Nairobi ends before New York
begins. --as-of 2026-11-19T14:36:00+00:00 is the other crowded one: New York beside Casablanca, crypto and global."""
WARM_UP_SECONDS = 300
"""A new home's scheduler passes over the minutes in which it gets to know its schedules, and the first metrics, gaps
and closings of all markets fall into the first five."""
WAYS = ("warm", "celery", "default", "stock")
GRACE_SECONDS = 50
SAMPLE_SECONDS = 2
READ_SECONDS = 2
"""So long after a run's end its rows must have been read: the reader shares the cores."""
STAGES = ("run created", "launched", "run starts", "first step", "queryable", "run end")
SPANS = (
    ("schedule evaluated", None, "run created"),
    ("created until launched", "run created", "launched"),
    ("process, imports, definitions", "launched", "run starts"),
    ("first step prepared", "run starts", "first step"),
    ("work, with its events", "first step", "queryable"),
)
"""Where the seconds between tick and rows go, each from one stage to the next."""


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
    markets: tuple[str, ...]
    is_warm: bool = False
    celery_port: int | None = None
    warm_up: timedelta = timedelta(seconds=WARM_UP_SECONDS)
    cycles: list[Cycle] = field(default_factory=list)
    cpu_seconds: float = 0.0
    megabytes: list[float] = field(default_factory=list)
    failed_reads: int = 0

    def seconds(self, stage: str, market: str | None = None) -> list[float]:
        """Return how long after their ticks the runs came to a stage."""
        found = (cycle.seconds[stage] for cycle in self.cycles if market in {None, cycle.market})
        return [value for value in found if value is not None]

    def spans(self, first: str | None, then: str) -> list[float]:
        """Return how long after the one stage, or the tick, the runs came to the other."""
        pairs = [(0.0 if first is None else cycle.seconds[first], cycle.seconds[then]) for cycle in self.cycles]
        return [later - earlier for earlier, later in pairs if earlier is not None and later is not None]


def main() -> None:
    """Measure all and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=8, help="of each")
    parser.add_argument(
        "--warm-up", type=int, default=WARM_UP_SECONDS, help="seconds before the first tick that counts"
    )
    parser.add_argument("--budgets", choices=("on", "off"), default="on")
    parser.add_argument("--as-of", type=datetime.fromisoformat, default=datetime.fromisoformat(AT))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    options = parser.parse_args()
    before = machine()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        exchange(Path(folder), options.as_of, has_budgets=options.budgets == "on") as settings,
    ):
        markets = fill(settings)
        observed = [one for one in contenders(settings, options.minutes, markets) if one.name in options.ways]
        for one in observed:
            one.warm_up = timedelta(seconds=options.warm_up)
            observe(settings, one)
    print(f"(e) tick → queryable, {len(markets)} markets in the same minute, budgets {options.budgets}")
    print(f"before: {before}; after: {machine()}\n")
    report(observed)


def contenders(settings: Settings, minutes: int, markets: tuple[str, ...]) -> Iterator[Observed]:
    """Yield every way that can run here."""
    home, stock_home = make_dagster_home(settings, PROJECT), default_home(settings)
    yield Observed("warm", DEFINITIONS, home, minutes, markets, is_warm=True)
    if can_run():
        its_home, port = celery_home(home, settings.feed_folder / "dagster_celery")
        yield Observed("celery", DEFINITIONS, its_home, minutes, markets, celery_port=port)
    yield Observed("default", DEFINITIONS, home, minutes, markets)
    yield Observed("stock", "benchmarks.stock_definitions", stock_home, minutes, markets)


@contextmanager
def exchange(folder: Path, as_of: datetime, *, has_budgets: bool) -> Iterator[Settings]:
    """Run a simulated exchange from a moment on, in real time."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = Settings(data=folder, simulator_url=url, budgets=has_budgets, _env_file=None)
    configure_logging(settings)
    command = [executable("market-pipeline"), "simulate", "--port", str(port), "--as-of", as_of.isoformat()]
    environment = child_environment(settings, PYTHONPATH=str(PROJECT))
    with (folder / "simulator.log").open("ab") as log, running(command, environment, log.fileno()):
        yield settings


def default_home(settings: Settings) -> Path:
    """Return a DAGSTER_HOME whose only setting is that nothing is reported home."""
    home = settings.feed_folder / "dagster_defaults"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return home


def fill(settings: Settings) -> tuple[str, ...]:
    """Do what `up` does before it says ready: the last closed session and a cycle of each market that is open.

    Return the open ones.
    """
    runtime = _reached(
        Settings(data=settings.data, simulator_url=settings.simulator_url, budgets=False, _env_file=None)
    )
    now = runtime.clock.now()
    markets = tuple(name for name in market_names() if skip_reason(runtime.market(name), now) is None)
    for name in markets:
        _say(f"filling {name}")
        market = runtime.market(name)
        day = last_ended_session(market, runtime.clock.now())
        backfill(runtime, name, first=day, last=day, with_daily=chart_source(market) is None)
        run_cycle(runtime, name)
    runtime.warehouse.build_market_duckdb()
    return markets


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
    with (
        running_stack(
            settings, observed.module, observed.home, is_warm=observed.is_warm, celery_port=observed.celery_port
        ) as stack,
        LatestRows(settings) as rows,
    ):
        first = floor_minute(datetime.now(UTC) + observed.warm_up) + MINUTE
        last = first + (observed.minutes - 1) * MINUTE
        _say(f"{observed.name}: loaded; {observed.minutes} ticks from {first:%H:%M} on")
        before = _sample(stack, [], until=first)
        observed.cpu_seconds = _sample(stack, observed.megabytes, until=last + MINUTE).cpu_seconds - before.cpu_seconds
        time.sleep(GRACE_SECONDS)
    observed.cycles = read_cycles(observed.home, rows, first=first, last=last)
    observed.failed_reads = len(rows.failures)
    for reason in rows.failures:
        _say(f"{observed.name}: a read failed: {reason}")
    print(f"\n{observed.name}, beside the cycles")
    print_runs(observed.home, first)
    print_coverage(settings.feed_folder / "market.duckdb", first + rows.shift, last + MINUTE + rows.shift)
    counts = f"{len(observed.cycles)} runs, {len(observed.seconds('queryable'))} complete"
    _say(f"{observed.name}: {counts}; tick → queryable p50, p95: {_pair(observed.seconds('queryable'))}")


def _sample(stack: Stack, megabytes: list[float], *, until: datetime) -> Usage:
    while datetime.now(UTC) < until:
        megabytes.append(stack.usage().megabytes)
        time.sleep(max(0.0, min(SAMPLE_SECONDS, (until - datetime.now(UTC)).total_seconds())))
    return stack.usage()


def read_cycles(home: Path, rows: LatestRows, *, first: datetime, last: datetime) -> list[Cycle]:
    """Return the minute cycles of the ticks from `first` to `last`, both included."""
    cycles = []
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for record in instance.get_run_records():
            tick = record.dagster_run.tags.get(TICK_TAG)
            is_minute = record.dagster_run.job_name.endswith("_minute")
            if tick is not None and is_minute and first <= datetime.fromisoformat(tick) <= last:
                cycles.append(_cycle(instance, record, rows, tick=datetime.fromisoformat(tick)))
    return cycles


def _cycle(instance: dg.DagsterInstance, record: dg.RunRecord, rows: LatestRows, *, tick: datetime) -> Cycle:
    market = record.dagster_run.job_name.removesuffix("_minute")
    kinds = (dg.DagsterEventType.RUN_STARTING, dg.DagsterEventType.RUN_START, dg.DagsterEventType.STEP_START)
    events = instance.all_logs(record.dagster_run.run_id, set(kinds))
    firsts = [min((e.timestamp for e in events if e.dagster_event_type is kind), default=None) for kind in kinds]
    start = tick.timestamp()
    seen = rows.seen_since(market, tick, until=(record.end_time or start + GRACE_SECONDS) + READ_SECONDS)
    moments = (record.create_timestamp.timestamp(), *firsts, seen, record.end_time)
    return Cycle(market, {s: None if at is None else at - start for s, at in zip(STAGES, moments, strict=True)})


def report(observed: Sequence[Observed]) -> None:
    """Print all, and how many times as much the others take as the first."""
    for one in observed:
        ticks, complete = one.minutes * len(one.markets), len(one.seconds("queryable"))
        print(
            f"{one.name}: {one.minutes} minutes, {ticks} ticks, {len(one.cycles)} runs, {complete} complete, "
            f"{one.failed_reads} reads failed"
        )
    rows = [_row(f"tick → {stage}, s", [one.seconds(stage) for one in observed]) for stage in STAGES]
    rows += [
        _row(f"{market}: tick → queryable, s", [one.seconds("queryable", market) for one in observed])
        for market in observed[0].markets
    ]
    rows += [_row(f"{name}, s", [one.spans(first, then) for one in observed]) for name, first, then in SPANS]
    rows.append(_row("CPU of all Dagster processes, s a minute", [[one.cpu_seconds / one.minutes] for one in observed]))
    rows.append(_row("memory of all Dagster processes, MB", [one.megabytes for one in observed]))
    print()
    header = [cell for one in observed for cell in (f"{one.name} p50", "p95")]
    print_table(["", *header, *(f"{one.name}, times" for one in observed[1:])], rows)


def _row(name: str, values: Sequence[Sequence[float]]) -> list[str]:
    first, *others = values
    times = [f"{statistics.median(o) / statistics.median(first):.1f}" if o and any(first) else "–" for o in others]
    return [name, *(cell for one in values for cell in _pair(one)), *times]


def _pair(values: Sequence[float]) -> list[str]:
    if not values:
        return ["–", "–"]
    ordered = sorted(values)
    return [f"{statistics.median(ordered):.1f}", f"{ordered[math.ceil(0.95 * len(ordered)) - 1]:.1f}"]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
