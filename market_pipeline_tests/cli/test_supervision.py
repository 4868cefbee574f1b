"""Processes under one roof: they start together, and none outlives the others."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from market_pipeline.cli.supervision import only_one, require_free_port
from market_pipeline.errors import UsageError

SUPERVISOR = """
import os, sys
from pathlib import Path
from market_pipeline.cli.parts import ProcessSpec, Watched
from market_pipeline.cli.supervision import supervise

Watched.pauses_seconds = (0.05,)

def spec(name, code):
    return ProcessSpec(name, [sys.executable, "-c", code], dict(os.environ), Path.cwd())

waits = "import time; time.sleep(60)"
def ready():
    print("started", flush=True)
    return {restarts!r}

again = lambda seconds: [sys.executable, "-c", waits, "again"]
specs = [spec("patient", waits), spec("other", {other!r})]
specs[1] = ProcessSpec(specs[1].name, specs[1].command, specs[1].environment, specs[1].folder, {again})
print("ended:", supervise(specs, logs=Path("logs"), when_started=ready), flush=True)
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


def start(
    folder: Path, other: str, supervisors: list[subprocess.Popen[str]], *, restarts: bool = False, again: str = "None"
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR.format(other=other, restarts=restarts, again=again)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
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


def parts(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / "parts.json"
    return dict(json.loads(path.read_text())["parts"]) if path.exists() else {}


def until_started(folder: Path, name: str, starts: int) -> dict[str, Any]:
    """Wait for a part's start of this number."""
    while (part := parts(folder).get(name, {})).get("starts", 0) < starts:
        os.sched_yield()
    return part


def test_a_part_that_is_killed_is_started_again_and_reported(
    tmp_path: Path, supervisors: list[subprocess.Popen[str]]
) -> None:
    process = start(tmp_path, f"print('so far', flush=True); {WAITS}", supervisors, restarts=True)
    first = until_started(tmp_path, "other", 1)["pid"]
    log = tmp_path / "logs" / "other.log"
    while not log.exists():
        os.sched_yield()
    os.kill(first, signal.SIGKILL)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line == "other ended (SIGKILL) after 0 s and is started again in 0.05 s; its last words: so far\n"
    part = until_started(tmp_path, "other", 2)
    assert json.loads((tmp_path / "parts.json").read_text())["restarts"] is True
    assert part["ended_by"] == "SIGKILL"
    assert part["pid"] != first
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=20)
    assert (printed, alive(children)) == ("ended: None\n", [])
    assert parts(tmp_path) == {}


def test_a_part_that_ends_again_and_again_can_still_be_stopped(
    tmp_path: Path, supervisors: list[subprocess.Popen[str]]
) -> None:
    # what ends before everything has started ends everything
    ends = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)\nraise SystemExit(3)"
    process = start(tmp_path, ends, supervisors, restarts=True)
    (tmp_path / "go").touch()
    assert until_started(tmp_path, "other", 4)["ended_by"] == "code 3"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[0] == "ended: None\n"


def test_a_part_may_have_another_command_when_it_starts_again(
    tmp_path: Path, supervisors: list[subprocess.Popen[str]]
) -> None:
    start(tmp_path, WAITS, supervisors, restarts=True, again="again")
    os.kill(until_started(tmp_path, "other", 1)["pid"], signal.SIGKILL)
    pid = until_started(tmp_path, "other", 2)["pid"]
    while "again" not in psutil.Process(pid).cmdline():
        os.sched_yield()


def test_what_a_killed_part_leaves_behind_is_ended_before_it_starts_again(
    tmp_path: Path, supervisors: list[subprocess.Popen[str]]
) -> None:
    child = f"subprocess.Popen([sys.executable, '-c', {STUBBORN!r}])"
    leaves = f"import subprocess, sys; print({child}.pid, flush=True); {WAITS}"
    start(tmp_path, leaves, supervisors, restarts=True)
    log = tmp_path / "logs" / "other.log"
    while not log.exists() or "deaf" not in log.read_text():
        os.sched_yield()
    left = psutil.Process(int(log.read_text().split()[0]))
    os.kill(until_started(tmp_path, "other", 1)["pid"], signal.SIGKILL)
    until_started(tmp_path, "other", 2)
    assert alive([left]) == []


def test_a_supervisor_that_is_killed_with_its_watchers_takes_every_part_with_it(
    tmp_path: Path, supervisors: list[subprocess.Popen[str]]
) -> None:
    process = start(tmp_path, WAITS, supervisors)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(children, timeout=20)
    assert alive(children) == []
