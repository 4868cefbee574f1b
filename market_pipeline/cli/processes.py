"""Which processes `up` runs for a feed, and when the simulated exchange's clock starts."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from market_pipeline.cli.console import notes
from market_pipeline.cli.opening import opening_moment
from market_pipeline.cli.parts import ProcessSpec
from market_pipeline.cli.supervision import executable, require_free_port
from market_pipeline.clock import SystemClock
from market_pipeline.errors import ConfigurationError
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.settings import Feed, Settings, child_environment
from market_pipeline.steps.dagster_home import make_dagster_home
from market_pipeline.steps.runtime import last_stored_event, set_warehouse_aside

PROJECT = Path(__file__).resolve().parents[2]
DEFINITIONS = "market_pipeline.definitions"


def processes(settings: Settings, *, starts_open: bool) -> list[ProcessSpec]:
    """Return what to start. Raise UsageError for a port that is taken, before anything is touched."""
    require_free_port(settings.ui_port, what="Dagster's UI", setting="MARKET_PIPELINE_UI_PORT")
    require_free_port(settings.code_port, what="the code server", setting="MARKET_PIPELINE_CODE_PORT")
    if settings.feed is Feed.LIVE:
        return _dagster(settings)
    port = urlsplit(settings.simulator_url).port or 80
    require_free_port(port, what="the simulated exchange", setting="MARKET_PIPELINE_SIMULATOR_URL")
    start = _start(settings, starts_open=starts_open)
    command = partial(_simulator, port, start)
    simulator = ProcessSpec("simulator", command(0), child_environment(settings), Path.cwd(), command_again=command)
    return [simulator, *_dagster(settings)]


def _simulator(port: int, start: datetime, /, seconds: float) -> list[str]:
    """Return the simulated exchange's command: started again later, its clock goes on where it would be by now."""
    moment = start + timedelta(seconds=seconds)
    return [executable("market-pipeline"), "simulate", "--port", str(port), "--as-of", moment.isoformat()]


def _start(settings: Settings, *, starts_open: bool) -> datetime:
    real_now = SystemClock().now()
    last_event = last_stored_event(settings)
    start = real_now
    if starts_open:
        calendars = [calendar_for(file) for file in load_markets().values()]
        start = opening_moment(calendars, real_now, last_event)
    if last_event is not None and start < last_event:
        folder = set_warehouse_aside(settings, real_now)
        notes.print(
            f"the simulated clock steps back from {last_event:%Y-%m-%d %H:%M} to {start:%Y-%m-%d %H:%M} UTC; "
            f"the simulated tables of the earlier run were moved to {folder}"
        )
    return start


def _dagster(settings: Settings) -> list[ProcessSpec]:
    home = make_dagster_home(settings, PROJECT)
    environment = child_environment(settings, DAGSTER_HOME=str(home), DAGSTER_DISABLE_TELEMETRY="yes")
    make_storage(home, environment)
    workspace = ["-w", str(PROJECT / "deploy" / "workspace.grpc.yaml")]
    code = ["-m", DEFINITIONS, "-h", "127.0.0.1", "-p", str(settings.code_port)]
    location = ["--location-name", "market_pipeline", "--inject-env-vars-from-instance"]
    commands = {
        "code_server": [executable("dagster"), "code-server", "start", *code, *location],
        "daemon": [executable("dagster-daemon"), "run", *workspace],
        "watchdog": [executable("market-pipeline"), "watchdog", "--for-up"],
        "webserver": [executable("dagster-webserver"), "-h", "127.0.0.1", "-p", str(settings.ui_port), *workspace],
    }
    return [
        *(ProcessSpec(name, command, environment, Path.cwd()) for name, command in commands.items()),
        *launcher(home, environment),
    ]


def launcher(home: Path, environment: dict[str, str], module: str = DEFINITIONS) -> list[ProcessSpec]:
    """Return the process that keeps a zygote, from which runs start warm. Elsewhere than on Linux there is none.

    Without threads of the linear algebra library, which numpy would start at import, nothing but the fork is forked.
    """
    if sys.platform != "linux":
        return []
    command = [sys.executable, "-m", "market_pipeline.components.launcher.keeper", str(home), module]
    return [ProcessSpec("launcher", command, environment | {"OPENBLAS_NUM_THREADS": "1"}, Path.cwd())]


def make_storage(home: Path, environment: dict[str, str]) -> None:
    """Make or upgrade Dagster's tables, once a version: on an empty folder its processes would race for it."""
    kind = "postgres" if "MARKET_PIPELINE_DAGSTER_DSN" in environment else "sqlite"
    done = home / f"{kind}_storage_of_{version('dagster')}"
    if done.exists():
        return
    command = [executable("dagster"), "instance", "migrate"]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        seen = " ".join((made.stderr.strip() or made.stdout.strip()).splitlines()[-1:])
        raise ConfigurationError(
            f"prepared Dagster's storage in {home} and could not ({seen}); a retry may help; else move that folder away"
        )
    done.touch()
