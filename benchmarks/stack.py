"""Dagster's processes as `market-pipeline up` starts them, on ports of their own, for any definitions and settings."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.celery_stack import celery_processes
from benchmarks.feed import PROJECT
from benchmarks.process import free_port, running
from market_pipeline.cli.processes import launcher
from market_pipeline.cli.supervision import executable
from market_pipeline.components.launcher.protocol import ask, connected
from market_pipeline.errors import ZygoteAbsent
from market_pipeline.settings import Settings, child_environment

START_SECONDS = 120
LOADED = """{workspaceOrError{... on Workspace{locationEntries{loadStatus
  locationOrLoadError{__typename}}}}}"""


@dataclass(frozen=True)
class Usage:
    """What a stack has used so far, and what it holds."""

    cpu_seconds: float
    megabytes: float


@dataclass(frozen=True)
class Stack:
    """Running processes and their DAGSTER_HOME."""

    home: Path
    processes: tuple[subprocess.Popen[bytes], ...]

    def usage(self) -> Usage:
        """Return the CPU of all processes, dead children included, and their memory, shared pages counted once."""
        seconds = size = 0.0
        for root in self.processes:
            for process in (psutil.Process(root.pid), *psutil.Process(root.pid).children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times, memory = process.cpu_times(), process.memory_full_info()
                    seconds += times.user + times.system + times.children_user + times.children_system
                    size += memory.pss
        return Usage(seconds, size / 1e6)


@contextmanager
def running_stack(
    settings: Settings, module: str, home: Path, *, is_warm: bool, celery_port: int | None = None
) -> Iterator[Stack]:
    """Run code server, daemon and webserver on free ports while the block lasts, and a zygote where the start is warm.

    With a port for its Redis, Celery's worker runs beside them. Begin once the project is loaded.
    """
    ui, code = free_port(), free_port()
    extra = {"DAGSTER_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "yes", "PYTHONPATH": str(PROJECT)}
    extra["MARKET_PIPELINE_BUDGETS"] = "on" if settings.budgets else "off"
    environment = child_environment(settings, **extra) | {"MARKET_PIPELINE_CODE_PORT": str(code)}
    workspace = ["-w", str(PROJECT / "deploy" / "workspace.grpc.yaml")]
    names = ["--location-name", "market_pipeline", "--inject-env-vars-from-instance"]
    server = [executable("dagster"), "code-server", "start", "-m", module, "-h", "127.0.0.1", "-p", str(code), *names]
    commands = [
        server,
        [executable("dagster-daemon"), "run", *workspace],
        [executable("dagster-webserver"), "-h", "127.0.0.1", "-p", str(ui), *workspace],
    ]
    migrate = [executable("dagster"), "instance", "migrate"]  # else the three would race to make the tables
    subprocess.run(migrate, env=environment, cwd=PROJECT, capture_output=True, check=True)
    with ExitStack() as stack:
        log = stack.enter_context((home / "stack.log").open("ab"))
        started = [stack.enter_context(running(command, environment, log.fileno())) for command in commands]
        warm = launcher(home, environment, module) if is_warm else []
        started += [stack.enter_context(running(list(s.command), s.environment, log.fileno())) for s in warm]
        if celery_port is not None:
            started += stack.enter_context(celery_processes(home, celery_port, environment, log=log.fileno()))
        _wait_until_loaded(f"http://127.0.0.1:{ui}/graphql", home / "stack.log")
        if is_warm:
            wait_for_zygote(home)
        yield Stack(home, tuple(started))


def _wait_until_loaded(url: str, log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        with suppress(requests.RequestException, ValueError, KeyError):
            answer = requests.post(url, json={"query": LOADED}, timeout=10).json()
            entries = answer["data"]["workspaceOrError"]["locationEntries"]
            if entries and all(_is_loaded(entry) for entry in entries):
                return
        time.sleep(0.5)
    raise RuntimeError(f"Dagster did not load the project; its log ends with:\n{log.read_text()[-3000:]}")


def wait_for_zygote(home: Path) -> None:
    """Return once the zygote of this home answers."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        with suppress(ZygoteAbsent, FileNotFoundError), connected(home) as stream:
            ask(stream, {})
            return
        time.sleep(0.5)
    raise RuntimeError(f"no zygote is ready; the log ends with:\n{(home / 'stack.log').read_text()[-3000:]}")


def _is_loaded(entry: dict[str, Any]) -> bool:
    """Tell whether the project is loaded. An error may be a code server that does not listen yet."""
    found = entry["locationOrLoadError"] or {}
    return entry["loadStatus"] == "LOADED" and found.get("__typename") != "PythonError"
