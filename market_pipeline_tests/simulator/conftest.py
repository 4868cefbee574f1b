"""A running simulated exchange, and exchanges without a server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.server import RunningSimulator, running_simulator
from market_pipeline.simulator.simulation import Simulation

OPEN = datetime(2026, 11, 20, 9, 50, 10, tzinfo=UTC)
"""A Friday on which most markets trade: 15:20 in India, 09:35 on the delayed boards of Casablanca."""


@pytest.fixture
def clock() -> HandClock:
    return HandClock(OPEN)


@pytest.fixture
def simulator(clock: HandClock) -> Iterator[RunningSimulator]:
    with running_simulator(clock=clock) as running:
        yield running


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    """The state of a simulated exchange without its server, at OPEN."""
    return Simulation(SimulatorOptions(port=0), HandClock(OPEN))


def write_recording(path: Path, rows: list[tuple[str, str, float, float, float, float, float]]) -> Path:
    """Write (symbol, ISO minute in UTC, open, high, low, close, volume) as a recording."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(zip(*rows, strict=True))
    starts = pa.array([datetime.fromisoformat(text) for text in columns[1]], pa.timestamp("us", "UTC"))
    names = ("open", "high", "low", "close", "volume")
    values = dict(zip(names, columns[2:], strict=True))
    pq.write_table(pa.table({"symbol": columns[0], "interval_start": starts, **values}), path)
    return path
