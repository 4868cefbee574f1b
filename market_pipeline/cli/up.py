"""`market-pipeline up`: start everything on this machine, fill the tables, and say where to look."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from market_pipeline.cli.console import guarded, notes
from market_pipeline.cli.opening import opening_moment
from market_pipeline.cli.prepare import prepare
from market_pipeline.cli.supervision import ProcessSpec, executable, require_free_port, supervise
from market_pipeline.clock import SystemClock
from market_pipeline.errors import ConfigurationError, MarketPipelineError
from market_pipeline.logs import configure_logging
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.markets.zones import check_zone_table
from market_pipeline.settings import Feed, Settings, child_environment, load_settings
from market_pipeline.steps.dagster_home import make_dagster_home
from market_pipeline.steps.runtime import last_stored_event, set_warehouse_aside

PROJECT = Path(__file__).resolve().parents[2]


class At(StrEnum):
    """Where the simulated exchange's clock starts."""

    OPEN = "open"
    NOW = "now"


@guarded
def run(
    at: Annotated[At, typer.Option(help="simulated feed: a moment when markets are open, or the real time")] = At.OPEN,
) -> None:
    """Start simulated exchange (or live sources), Dagster with schedules on, fill the tables, stay until Ctrl-C."""
    settings = load_settings()
    check_zone_table()
    configure_logging(settings)
    require_free_port(settings.ui_port, what="Dagster's UI", setting="MARKET_PIPELINE_UI_PORT")
    require_free_port(settings.code_port, what="the code server", setting="MARKET_PIPELINE_CODE_PORT")
    specs = _dagster(settings)
    if settings.feed is Feed.SIMULATED:
        specs.insert(0, _simulator(settings, _start(settings, at)))
    code = supervise(specs, logs=settings.feed_folder / "logs", when_started=lambda: _prepare(settings))
    notes.print("stopped; every process that was started has ended")
    sys.stdout.flush()
    os._exit(0 if code == 128 + signal.SIGINT else code)  # the preparing thread may be in the middle of its work


def _prepare(settings: Settings) -> None:
    """Fill the tables and print the screen; a failure stops everything with its one line."""
    try:
        prepare(settings)
    except MarketPipelineError as error:
        notes.print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        os.kill(os.getpid(), signal.SIGTERM)
    except Exception:  # outermost frame of this thread: without this the processes would run on, unexplained
        notes.print_exception()
        os.kill(os.getpid(), signal.SIGTERM)


def _start(settings: Settings, at: At) -> datetime:
    real_now = SystemClock().now()
    last_event = last_stored_event(settings)
    start = real_now
    if at is At.OPEN:
        calendars = [calendar_for(file) for file in load_markets().values()]
        start = opening_moment(calendars, real_now, last_event)
    if last_event is not None and start < last_event:
        folder = set_warehouse_aside(settings, real_now)
        notes.print(
            f"the simulated clock steps back from {last_event:%Y-%m-%d %H:%M} to {start:%Y-%m-%d %H:%M} UTC; "
            f"the simulated tables of the earlier run were moved to {folder}",
            highlight=False,
        )
    return start


def _simulator(settings: Settings, start: datetime) -> ProcessSpec:
    port = urlsplit(settings.simulator_url).port or 80
    require_free_port(port, what="the simulated exchange", setting="MARKET_PIPELINE_SIMULATOR_URL")
    command = [executable("market-pipeline"), "simulate", "--port", str(port), "--as-of", start.isoformat()]
    return ProcessSpec("simulator", command, child_environment(settings), PROJECT)


def _dagster(settings: Settings) -> list[ProcessSpec]:
    home = make_dagster_home(settings, PROJECT)
    environment = child_environment(settings, DAGSTER_HOME=str(home), DAGSTER_DISABLE_TELEMETRY="yes")
    _prepare_storage(environment)
    workspace = ["-w", str(PROJECT / "deploy" / "workspace.grpc.yaml")]
    code = ["-m", "market_pipeline.definitions", "-h", "127.0.0.1", "-p", str(settings.code_port)]
    location = ["--location-name", "market_pipeline", "--inject-env-vars-from-instance"]
    commands = {
        "code_server": [executable("dagster"), "code-server", "start", *code, *location],
        "daemon": [executable("dagster-daemon"), "run", *workspace],
        "webserver": [executable("dagster-webserver"), "-h", "127.0.0.1", "-p", str(settings.ui_port), *workspace],
    }
    return [ProcessSpec(name, command, environment, PROJECT) for name, command in commands.items()]


def _prepare_storage(environment: dict[str, str]) -> None:
    """Make or upgrade Dagster's tables before its processes start: on an empty folder they would race for it."""
    command = [executable("dagster"), "instance", "migrate"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ConfigurationError(
            f"prepared Dagster's storage in {environment['DAGSTER_HOME']} and could not: "
            f"{done.stderr.strip().splitlines()[-1:] or done.stdout}; a retry may help; else move that folder away"
        )
