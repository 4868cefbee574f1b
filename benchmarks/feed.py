"""A feed of its own for a measurement: simulated exchange, hand clock, temporary folder.

The exchange runs in the measuring process, which waits while the measured one works: so the clock can be moved by
exactly a minute between two cycles (over HTTP it cannot be set), and the two processes share no interpreter lock.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from market_pipeline.clock import HandClock
from market_pipeline.logs import configure_logging
from market_pipeline.settings import Settings, child_environment
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.steps.runtime import Runtime

PROJECT = Path(__file__).resolve().parent.parent
MIDDAY = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
"""A Thursday, 12:30 in India."""
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class SimulatedFeed:
    """What a measurement works with."""

    exchange: RunningSimulator
    clock: HandClock
    settings: Settings

    @property
    def runtime(self) -> Runtime:
        """Return a new runtime of this process, as each minute's process makes one."""
        return Runtime(self.settings, self.clock)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process that works on this feed."""
        return child_environment(
            self.settings, MARKET_PIPELINE_BUDGETS="off", DAGSTER_DISABLE_TELEMETRY="yes", PYTHONPATH=str(PROJECT)
        )

    def advance(self) -> None:
        """Let one minute pass."""
        self.clock.advance(MINUTE)


@contextmanager
def simulated_feed(at: datetime = MIDDAY) -> Iterator[SimulatedFeed]:
    """Run a simulated exchange that stands at `at`; the folder goes away at the end."""
    clock = HandClock(at)
    options = SimulatorOptions(port=0, delays=False, speed=0)
    with tempfile.TemporaryDirectory() as folder, running_simulator(options, clock=clock) as exchange:
        settings = Settings(data=Path(folder), simulator_url=exchange.url, budgets=False, _env_file=None)
        configure_logging(settings)
        yield SimulatedFeed(exchange, clock, settings)


def cycle_command(market: str) -> list[str]:
    """Return the command that runs one cycle."""
    return [sys.executable, "-m", "market_pipeline.cli", "cycle", market, "--json"]
