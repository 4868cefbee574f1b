"""What `up` does once its processes run: wait for them, fill the tables, print the screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import requests
from rich.progress import Progress

from market_pipeline.cli.console import PlainProgress, notes, progress_bar
from market_pipeline.cli.ready_screen import print_ready_screen
from market_pipeline.errors import MarketPipelineError, SourceUnreachable
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.breaker import forget_breakers
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.due import last_ended_session
from market_pipeline.steps.fetch_charts import chart_source
from market_pipeline.steps.runtime import Runtime, market_names, open_runtime
from market_pipeline.storage.tables import BARS_1D, BARS_1M

WAIT_SECONDS = 120
LOADED_QUERY = """{workspaceOrError{... on Workspace{locationEntries{loadStatus
  locationOrLoadError{__typename ... on PythonError{message}}}}}}"""


def prepare(settings: Settings) -> None:
    """Fill every table and print where to look. Raises SourceUnreachable when a part does not come up."""
    with progress_bar() as bar:
        if settings.feed is Feed.SIMULATED:  # what an earlier run learned of its exchange is over
            forget_breakers(settings.feed_folder / "limits")
        runtime = _wait(
            bar,
            "simulated exchange" if settings.feed.value == "simulated" else "settings",
            lambda: open_runtime(settings),
        )
        names = market_names()
        with ThreadPoolExecutor(len(names)) as pool:  # markets wait for their sources' budgets, not for each other
            list(pool.map(lambda name: _fill(bar, open_runtime(settings), name), names))
        _wait(bar, "Dagster", lambda: _dagster_loaded(settings))
    runtime.warehouse.build_market_duckdb()
    print_ready_screen(runtime)


def _wait[Result](bar: Progress | PlainProgress, what: str, attempt: Callable[[], Result]) -> Result:
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
            bar.update(task, completed=1, description=f"{what} is up")
            return result


def _dagster_loaded(settings: Settings) -> None:
    url = f"http://127.0.0.1:{settings.ui_port}/graphql"
    try:
        answer = requests.post(url, json={"query": LOADED_QUERY}, timeout=10).json()
        entries = answer["data"]["workspaceOrError"]["locationEntries"]
    except (requests.RequestException, ValueError, KeyError) as error:
        raise SourceUnreachable(
            f"waited for Dagster's UI at {url} and it does not answer; see logs/webserver.log"
        ) from error
    for entry in entries:
        problem = entry.get("locationOrLoadError") or {}
        if problem.get("__typename") == "PythonError":
            raise MarketPipelineError(
                f"Dagster could not load the project: {problem['message']}; see logs/code_server.log"
            )
    if not entries or any(entry["loadStatus"] != "LOADED" for entry in entries):
        raise SourceUnreachable("waited for Dagster to load the project and it has not; see logs/code_server.log")


def _fill(bar: Progress | PlainProgress, runtime: Runtime, name: str) -> None:
    """Backfill the last closed session where the warehouse has no past yet, then run a cycle."""
    market = runtime.market(name)
    task = bar.add_task(f"{market.name}: last closed session", total=None)
    day = last_ended_session(market, runtime.clock.now())

    def show(done: int, total: int, what: str) -> None:
        bar.update(task, completed=done, total=total, description=f"{market.name}: {what}")

    try:
        if not market.sources:
            raise SourceUnreachable(f"every source is off ({'; '.join(market.off.values())})")
        stored = [past for table in (BARS_1M, BARS_1D) for past in runtime.warehouse.sessions(table, name)]
        if min(stored, default=date.max) > day:
            with_daily = chart_source(market) is None  # else the daily job brings them
            backfill(runtime, name, first=day, last=day, progress=show, is_quick=True, with_daily=with_daily)
        bar.update(task, description=f"{market.name}: first cycle")
        report = run_cycle(runtime, market.name)
        bar.update(task, completed=1, total=1, description=f"{market.name}: {report.tickers.rows} tickers")
    except MarketPipelineError as error:
        bar.update(task, completed=1, total=1, description=f"{market.name}: not filled")
        notes.print(f"[yellow]{market.name}:[/] {error}", highlight=False, soft_wrap=True)
