"""`up` for real: simulated exchange, code server, daemon and webserver as processes, filled tables, clean end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psutil
import pytest
import requests

from market_pipeline.clock import HandClock
from market_pipeline.steps.warehouse_tables import all_tables, indicators_1m
from market_pipeline.storage.tables import BARS_1M
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import bars

READY_SECONDS = 360
PAST = date(2026, 10, 1)
"""A session of India, weeks before any that `up` would fill."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """An `up` that was started; its output is gathered while it runs."""

    def __init__(self, folder: Path) -> None:
        self.ui_port = free_port()
        self.environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {
            "MARKET_PIPELINE_DATA": str(folder),
            "MARKET_PIPELINE_SIMULATOR_URL": f"http://127.0.0.1:{free_port()}",
            "MARKET_PIPELINE_UI_PORT": str(self.ui_port),
            "MARKET_PIPELINE_CODE_PORT": str(free_port()),
        }
        command = str(Path(sys.executable).with_name("market-pipeline"))
        self.process = subprocess.Popen(
            [command, "up"], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self.ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("ready:"):
                self.ready.set()
        self.ready.set()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        self._reader.join(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


def earlier(folder: Path) -> Warehouse:
    return Warehouse(folder / "simulated", all_tables(), clock=HandClock(datetime(2026, 10, 1, 12, tzinfo=UTC)))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """An `up` of five empty markets, and of India and us, whose earlier start was interrupted after its bars."""
    for market, symbol in (("india", "RELIANCE"), ("us", "AAPL")):
        earlier(tmp_path).write(BARS_1M, market, bars([symbol], range(3), day=PAST, market=market))
    started = Running(tmp_path)
    yield started
    started.stop()


@pytest.mark.e2e
@pytest.mark.timeout(520)
def test_up_fills_every_market_serves_the_ui_and_ends_every_child_it_started(running: Running, tmp_path: Path) -> None:
    running.ready.wait(READY_SECONDS)
    assert "ready: 7 markets" in running.text, running.text
    assert "SIMULATED" in running.text
    ui = requests.get(f"http://127.0.0.1:{running.ui_port}/server_info", timeout=10)
    assert "dagster_version" in ui.json()
    children = psutil.Process(running.process.pid).children(recursive=True)
    assert len(children) >= 4
    for market in ("india", "us"):
        assert earlier(tmp_path).sessions(indicators_1m(), market)[0] == PAST
    assert running.stop() == 0
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


@pytest.mark.e2e
@pytest.mark.timeout(120)
def test_up_says_in_one_line_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        environment = dict(os.environ) | {"MARKET_PIPELINE_DATA": str(tmp_path), "MARKET_PIPELINE_UI_PORT": port}
        command = [str(Path(sys.executable).with_name("market-pipeline")), "up"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert "MARKET_PIPELINE_UI_PORT" in done.stderr
