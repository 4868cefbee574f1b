"""Ctrl-C while `up` still fills the tables."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from market_pipeline.markets.loader import market_names

IN_THE_BACKGROUND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""How a script's shell starts `up &`: deaf to SIGINT, unless somebody undoes it."""
COMMAND = str(Path(sys.executable).with_name("market-pipeline"))


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on; all are held at once, so that none comes twice."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ui, code, simulator = free_ports(3)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MARKET_PIPELINE_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return inherited | {
        "MARKET_PIPELINE_DATA": str(tmp_path),
        "MARKET_PIPELINE_UI_PORT": str(ui),
        "MARKET_PIPELINE_CODE_PORT": str(code),
        "MARKET_PIPELINE_SIMULATOR_URL": f"http://127.0.0.1:{simulator}",
    }


def start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start `up &` as a script does."""
    words = [sys.executable, "-c", IN_THE_BACKGROUND, COMMAND, "up"]
    return subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture
def filling(tmp_path: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """An `up &` of a script that has begun to fill the tables."""
    process = start(tmp_path, environment)
    assert process.stdout is not None
    while "looking at its sources" not in process.stdout.readline():
        assert process.poll() is None
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


@pytest.mark.e2e
def test_ctrl_c_in_the_middle_of_filling_ends_every_process(
    filling: subprocess.Popen[str], environment: dict[str, str], tmp_path: Path
) -> None:
    words = [COMMAND, "status", "--json"]
    status = subprocess.run(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, check=True)
    assert sorted(json.loads(status.stdout)["markets"]) == list(market_names())
    children = psutil.Process(filling.pid).children(recursive=True)
    assert len(children) >= 9
    filling.send_signal(signal.SIGINT)
    text, _ = filling.communicate(timeout=60)
    assert filling.returncode == 0
    assert text.splitlines()[-1] == "stopped; every process that was started has ended"
    assert "Traceback" not in text
    left = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert left == []


@pytest.mark.e2e
def test_ctrl_c_before_anything_runs_ends_it_too(tmp_path: Path, environment: dict[str, str]) -> None:
    process = start(tmp_path, environment)
    try:
        while not any("migrate" in child.cmdline() for child in psutil.Process(process.pid).children()):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    finally:
        process.terminate()  # ends what it started, too
        process.communicate(timeout=60)
