"""A feed of its own for each test: simulated exchange, hand clock and warehouse in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.steps.runtime import Runtime

ALL_OPEN = datetime(2026, 11, 19, 9, 50, tzinfo=UTC)
"""A Thursday: Casablanca has traded for 20 minutes, India for six hours; crypto always does."""
EARLY = datetime(2026, 11, 19, 0, 20, tzinfo=UTC)
"""The day of crypto is twenty minutes old: little to chart, for tests to which the time of day is nothing."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock(ALL_OPEN)


@pytest.fixture
def exchange(clock: HandClock) -> Iterator[RunningSimulator]:
    with running_simulator(SimulatorOptions(port=0, delays=False), clock=clock) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, exchange: RunningSimulator) -> Settings:
    return Settings(data=tmp_path, simulator_url=exchange.url, budgets=False, _env_file=None)


@pytest.fixture
def runtime(settings: Settings, clock: HandClock) -> Runtime:
    return Runtime(settings, clock)
