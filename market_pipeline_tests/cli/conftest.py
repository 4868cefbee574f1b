"""The command line within this process: a feed of its own in a temporary folder, and a simulated exchange."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest
import structlog
from typer.testing import CliRunner, Result

from market_pipeline.clock import HandClock
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator

ALL_OPEN = datetime(2026, 11, 19, 9, 50, tzinfo=UTC)
"""A Thursday: Casablanca has traded for 20 minutes, India for six hours; crypto always does."""
EARLY = datetime(2026, 11, 19, 0, 20, tzinfo=UTC)
"""The day of crypto is twenty minutes old: little to chart, for tests to which the time of day is nothing."""


class Command(Protocol):
    def __call__(self, *words: str) -> Result: ...


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock(ALL_OPEN)


@pytest.fixture
def simulated(hand_clock: HandClock) -> Iterator[RunningSimulator]:
    with running_simulator(SimulatorOptions(port=0, delays=False, speed=0), clock=hand_clock) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder without .env, on an empty simulated feed; its log is closed at the end."""
    for name in [name for name in os.environ if name.startswith("MARKET_PIPELINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARKET_PIPELINE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MARKET_PIPELINE_SIMULATOR_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("MARKET_PIPELINE_BUDGETS", "off")
    yield tmp_path
    root = logging.getLogger("market_pipeline")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.propagate = True
    structlog.reset_defaults()


@pytest.fixture
def command(folder: Path) -> Command:
    """The command on a feed whose simulated exchange is down."""
    from market_pipeline.cli.main import app

    return lambda *words: CliRunner().invoke(app, words)


@pytest.fixture
def running_command(command: Command, simulated: RunningSimulator, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command on a feed whose simulated exchange stands at ALL_OPEN."""
    monkeypatch.setenv("MARKET_PIPELINE_SIMULATOR_URL", simulated.url)
    return command
