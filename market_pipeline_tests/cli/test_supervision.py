"""Processes under one roof: they start together, and none outlives the others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from market_pipeline.cli.supervision import only_one, require_free_port
from market_pipeline.errors import UsageError

SUPERVISOR = """
import os, sys
from pathlib import Path
from market_pipeline.cli.supervision import ProcessSpec, supervise

def spec(name, code):
    return ProcessSpec(name, [sys.executable, "-c", code], dict(os.environ), Path.cwd())

waits = "import time; time.sleep(60)"
specs = [spec("patient", waits), spec("other", {other!r})]
print("ended:", supervise(specs, logs=Path("logs"), when_started=lambda: print("started", flush=True)), flush=True)
"""
WAITS = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


@pytest.fixture
def supervisors(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(folder: Path, other: str, supervisors: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR.format(other=other)],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    supervisors.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still do something: a dead one may wait for the machine's init to take note of it."""
    running = [process for process in processes if process.is_running()]
    return [process for process in running if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
def test_a_signal_ends_every_process(
    tmp_path: Path, supervisors: list[subprocess.Popen[str]], number: signal.Signals
) -> None:
    process = start(tmp_path, WAITS, supervisors)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=20)
    assert printed == "ended: None\n"
    assert len(children) == 4
    assert alive(children) == []


def test_a_process_that_ends_by_itself_is_named_with_its_last_words(
    tmp_path: Path, supervisors: list[subprocess.Popen[str]]
) -> None:
    process = start(tmp_path, "print('no port left'); raise SystemExit(1)", supervisors)
    printed, _ = process.communicate(timeout=20)
    assert printed == "ended: other ended by itself; its last words: no port left\n"
    assert (tmp_path / "logs" / "other.log").read_text() == "no port left\n"


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path, supervisors: list[subprocess.Popen[str]]) -> None:
    process = start(tmp_path, STUBBORN, supervisors)
    log = tmp_path / "logs" / "other.log"
    while not log.exists() or "deaf" not in log.read_text():
        os.sched_yield()
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert alive(children) == []


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            UsageError, match=f"wanted port {port} for the code server .* set MARKET_PIPELINE_CODE_PORT"
        ):
            require_free_port(port, what="the code server", setting="MARKET_PIPELINE_CODE_PORT")


def test_a_folder_has_one_supervisor_at_a_time(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(UsageError, match="two would write the same minutes"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_a_supervisor_that_is_killed_takes_every_process_with_it(
    tmp_path: Path, supervisors: list[subprocess.Popen[str]]
) -> None:
    process = start(tmp_path, STUBBORN, supervisors)
    log = tmp_path / "logs" / "other.log"
    while not log.exists() or "deaf" not in log.read_text():
        os.sched_yield()
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 4
    process.kill()
    psutil.wait_procs(children, timeout=20)
    assert alive(children) == []
