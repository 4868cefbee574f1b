"""A feed of its own for a measurement: simulated exchange in this process, hand clock, temporary folder."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.steps.runtime import Runtime

PROJECT = Path(__file__).resolve().parent.parent
MIDDAY = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
"""A Thursday, 12:30 in India."""


@dataclass(frozen=True)
class Feed:
    """What a measurement works with."""

    folder: Path
    exchange: RunningSimulator
    clock: HandClock
    settings: Settings

    @property
    def runtime(self) -> Runtime:
        """A runtime of this process."""
        return Runtime(self.settings, self.clock)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that works on this feed."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return environment | {
            "MARKET_PIPELINE_FEED": "simulated",
            "MARKET_PIPELINE_DATA": str(self.folder),
            "MARKET_PIPELINE_SIMULATOR_URL": self.exchange.url,
            "MARKET_PIPELINE_BUDGETS": "off",
            "DAGSTER_DISABLE_TELEMETRY": "yes",
        }

    def command(self, *words: str) -> list[str]:
        """A market-pipeline command of this environment."""
        return [sys.executable, "-m", "market_pipeline.cli", *words]


@contextmanager
def simulated_feed(at: datetime = MIDDAY) -> Iterator[Feed]:
    """Run a simulated exchange that stands at `at`; the folder goes away at the end."""
    clock = HandClock(at)
    options = SimulatorOptions(port=0, delays=False)
    with tempfile.TemporaryDirectory() as folder, running_simulator(options, clock=clock) as exchange:
        settings = Settings(data=Path(folder), simulator_url=exchange.url, budgets=False, _env_file=None)
        yield Feed(Path(folder), exchange, clock, settings)
