"""What `up` does once its processes run: wait for them, fill the tables, print the screen. A process of its own."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date

import requests
import typer
from rich.markup import escape
from rich.progress import Progress

from market_pipeline.cli.console import ExitCode, guarded, notes
from market_pipeline.cli.feed import feed_settings, require_sources
from market_pipeline.cli.parts import when_orphaned
from market_pipeline.cli.progress import PlainProgress, progress_bar
from market_pipeline.cli.ready_screen import print_ready_screen
from market_pipeline.errors import ConfigurationError, MarketPipelineError, SourceUnreachable
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.transport.breaker import forget_breakers
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.compute_indicators import compute_session_indicators
from market_pipeline.steps.compute_levels import compute_session_levels
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.due import last_ended_session
from market_pipeline.steps.examine import reached_sources
from market_pipeline.steps.fetch_charts import chart_source, urgent
from market_pipeline.steps.overview import failure_reasons
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.refresh_metrics import refresh_metrics
from market_pipeline.steps.runtime import MarketRuntime, Runtime, market_names, open_runtime
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.tables import BARS_1D, BARS_1M, LEVELS_1M

WAIT_SECONDS = 120
LOADED_QUERY = """{workspaceOrError{... on Workspace{locationEntries{loadStatus
  locationOrLoadError{__typename ... on PythonError{message}}}}}}"""
RECENT_SESSIONS = 3
"""Older ones may have lost their indicators to retention."""
NOT_UP_YET = "DagsterUserCodeUnreachableError"
"""What the UI says of a code server that is still importing the project."""
Bar = Progress | PlainProgress


def main() -> None:
    """Prepare the feed that the environment names, and exit with the documented code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches this process too, and `up` says what there is to say
    when_orphaned(lambda: os._exit(int(ExitCode.UNREACHABLE)))
    code = int(ExitCode.DONE)
    try:
        guarded(lambda: prepare(feed_settings()))()
    except typer.Exit as failure:
        code = failure.exit_code
    sys.stdout.flush()
    os._exit(code)  # after a failure some markets may still be in the middle of their history


def prepare(settings: Settings) -> None:
    """Fill every table and print where to look. Raises SourceUnreachable when a part does not come up."""
    with progress_bar() as bar:
        runtime = _simulated(bar, settings) if settings.feed is Feed.SIMULATED else open_runtime(settings)
        _all_at_once(bar, runtime)
    runtime.warehouse.build_market_duckdb()
    print_ready_screen(runtime)


def _simulated(bar: Bar, settings: Settings) -> Runtime:
    """Return the simulated feed once its exchange answers: without budgets, as only a real source needs sparing."""
    forget_breakers(settings.feed_folder / "limits")  # what an earlier run learned of its exchange is over
    filling = settings.model_copy(update={"budgets": False})
    return _wait(bar, "simulated exchange", lambda: open_runtime(filling))


def _all_at_once(bar: Bar, runtime: Runtime) -> None:
    """Fill the markets while Dagster loads the project; the first error of its stops the wait for the others."""
    names = market_names()
    for name in names:  # loads the calendar library once, before threads deadlock over its circular imports
        runtime.market(name).calendar.state(runtime.clock.now())
    pool = ThreadPoolExecutor(1 + len(names), thread_name_prefix="fill")
    try:
        jobs = [pool.submit(_wait, bar, "Dagster", lambda: _dagster_loaded(runtime.settings))]
        jobs += [pool.submit(_fill, bar, _own(runtime), name) for name in names]
        for job in as_completed(jobs):
            job.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _own(runtime: Runtime) -> Runtime:
    """Return a runtime of its own for a thread: a warehouse is made for one."""
    return Runtime(runtime.settings, runtime.clock, runtime.speed)


def _wait[Result](bar: Bar, what: str, attempt: Callable[[], Result]) -> Result:
    task = bar.add_task(f"waiting for {what}", total=1)
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            result = attempt()
        except SourceUnreachable:
            if time.monotonic() > ends:
                raise
            time.sleep(0.3)
        else:
            bar.update(task, completed=1, total=1, description=f"{what}: up")
            return result


def _dagster_loaded(settings: Settings) -> None:
    url = f"http://127.0.0.1:{settings.ui_port}/graphql"
    try:
        answer = requests.post(url, json={"query": LOADED_QUERY}, timeout=10).json()
        entries = answer["data"]["workspaceOrError"]["locationEntries"]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise SourceUnreachable(
            f"waited for Dagster's UI at {url} and it does not answer ({type(error).__name__}); a retry may help; "
            "see webserver.log in the feed's logs folder"
        ) from error
    for entry in entries:
        problem = entry.get("locationOrLoadError") or {}
        seen = " ".join(str(problem.get("message", "")).split())
        if problem.get("__typename") == "PythonError" and NOT_UP_YET not in seen:
            raise ConfigurationError(
                f"waited for Dagster to load the project and it cannot: {seen}; a retry does not help; "
                "see code_server.log in the feed's logs folder"
            )
    if not entries or any(entry["loadStatus"] != "LOADED" for entry in entries):
        raise SourceUnreachable(
            "waited for Dagster to load the project and it has not; a retry may help; "
            "see code_server.log in the feed's logs folder"
        )


def _fill(bar: Bar, runtime: Runtime, name: str) -> None:
    """Backfill the last closed session where the warehouse has none, then run a cycle. Say what failed."""
    task = bar.add_task(f"{name}: looking at its sources", total=None)

    def show(done: int, total: int, what: str) -> None:
        bar.update(task, completed=done, total=total, description=f"{name}: {what}")

    market = runtime.market(name)
    try:
        require_sources(market)
        _require_answer(runtime, market)
        _backfill(runtime, market, show)
        show(0, 1, "first cycle")
        report = run_cycle(runtime, name)
        if runtime.is_simulated:  # of live sources the schedule asks, within their budgets
            refresh_metrics(runtime, market)
        found = f"{name}: {report.tickers.rows} tickers, coverage {report.coverage:.0%}"
        bar.update(task, completed=1, total=1, description=found)
        for (source, status), reason in failure_reasons(runtime, market).items():
            notes.print(f"[yellow]{name}:[/] {source} {status}: {escape(reason)}")
    except MarketPipelineError as error:
        bar.update(task, completed=1, total=1, description=f"{name}: not filled")
        notes.print(f"[yellow]{name}:[/] {escape(str(error))}")


def _backfill(runtime: Runtime, market: MarketRuntime, show: Callable[[int, int, str], None]) -> None:
    """Fetch the last closed session where there is no past yet; mend what an interrupted start left.

    Of live sources neither trades nor, beside minutes, days are paged, and of a market with thousands only tier 1 is
    charted: the daily job completes the session in its own time.
    """
    day = last_ended_session(market, runtime.clock.now())
    minutes = runtime.warehouse.sessions(BARS_1M, market.name)
    if min([*minutes, *runtime.warehouse.sessions(BARS_1D, market.name)], default=date.max) > day:
        listed = instruments_of(runtime, market)
        is_quick = not runtime.is_simulated or len(urgent(listed)) < len(listed)
        with_daily = runtime.is_simulated or chart_source(market) is None
        backfill(runtime, market.name, first=day, last=day, progress=show, is_quick=is_quick, with_daily=with_daily)
        return
    for table, compute in ((indicators_1m(), compute_session_indicators), (LEVELS_1M, compute_session_levels)):
        computed = set(runtime.warehouse.sessions(table, market.name))
        if missing := [past for past in minutes[-RECENT_SESSIONS:] if past not in computed]:
            show(0, 1, f"{table.name} of an interrupted start")
            compute(runtime, market, missing)


def _require_answer(runtime: Runtime, market: MarketRuntime) -> None:
    """Raise SourceUnreachable when no live source answers: a history asked in vain costs minutes of time-outs."""
    if runtime.is_simulated:
        return
    on = [rule.name for rule in market.file.sources if rule.name not in market.off]
    found = reached_sources(runtime.settings, on)
    if all(finding.level == "unreachable" for finding in found):
        listed = "; ".join(f"{finding.what}: {finding.found}" for finding in found)
        raise SourceUnreachable(
            f"asked every source and none answers ({listed}); each minute's cycle tries again; "
            "check the network, then `market-pipeline doctor`"
        )


if __name__ == "__main__":
    main()
