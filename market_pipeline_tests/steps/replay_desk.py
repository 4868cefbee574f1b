"""A feed that a recording stands behind, and what TA-Lib itself makes of recorded minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import talib

from market_pipeline.clock import HandClock
from market_pipeline.indicators.indicator import Anchor, Indicator
from market_pipeline.settings import Settings
from market_pipeline.simulator.server import SimulatorOptions, running_simulator
from market_pipeline.steps.runtime import Runtime

VALUES = ("open", "high", "low", "close", "volume")
COLUMNS = ("symbol", "interval_start", *VALUES)
ORDER = [("symbol", "ascending"), ("interval_start", "ascending")]


@contextmanager
def replaying(market: str, recording: Path, *, at: datetime, folder: Path) -> Iterator[Runtime]:
    """Run the simulated exchange with a recording behind one market; the clock stands at `at`, budgets are off."""
    clock = HandClock(at)
    with running_simulator(SimulatorOptions(port=0, speed=0, replay={market: recording}), clock=clock) as exchange:
        settings = Settings(data=folder, simulator_url=exchange.url, budgets=False, _env_file=None)
        yield Runtime(settings, clock)


def minutes_before(recording: Path, at: datetime) -> pa.Table:
    """Return the recorded minutes that were over at `at`, in order and in the types of bars_1m."""
    rows = pq.read_table(recording, columns=list(COLUMNS))
    rows = rows.filter(pc.less(rows["interval_start"], pa.scalar(at)))
    types = [("symbol", pa.string()), ("interval_start", pa.timestamp("us", "UTC"))]
    return rows.cast(pa.schema([*types, *((name, pa.float64()) for name in VALUES)])).sort_by(ORDER).combine_chunks()


def stored_minutes(runtime: Runtime, market: str) -> pa.Table:
    """Return bars_1m in the recording's columns and order."""
    return runtime.warehouse.read("bars_1m", market, columns=COLUMNS).sort_by(ORDER).combine_chunks()


def talibs_own(window: pa.Table, indicator: Indicator, *, before: int) -> np.ndarray:
    """Return TA-Lib's values for the minutes of a window after the first `before` ones, one row a column."""
    start = before if indicator.anchor is Anchor.SESSION else 0
    inputs = [window[name].to_numpy()[start:] for name in indicator.inputs]
    result = getattr(talib, indicator.function)(*inputs, **indicator.params)
    return np.array(result, dtype=np.float64).reshape(len(indicator.columns), -1)[:, before - start :]
