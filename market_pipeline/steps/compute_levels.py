"""Compute the levels of the bars that are new or were corrected, on the same windows as the indicators.

Pivots need the calendar's previous session: an older one that happens to be stored is not it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from market_pipeline.indicators.levels.catalogue import LEVELS
from market_pipeline.indicators.levels.engine import compute_levels as levels_of
from market_pipeline.indicators.levels.pivots import PreviousSession
from market_pipeline.steps.bar_windows import FIELDS, SessionBlock, bar_window
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.windowed_rows import (
    Changed,
    Due,
    RowsReport,
    WindowedTable,
    Windows,
    compute_due_rows,
    compute_session_rows,
    key_arrays,
    recompute_rows,
)
from market_pipeline.storage.tables import LEVELS_1M, UTC_TIME


def compute_levels(runtime: Runtime, market: MarketRuntime) -> RowsReport:
    """Compute and write what the session in progress still lacks: new minutes, and all from a corrected bar on."""
    return compute_due_rows(runtime, market, _levels(runtime, market))


def compute_session_levels(
    runtime: Runtime, market: MarketRuntime, days: Sequence[date], *, progress: Callable[[date], None] = lambda _: None
) -> RowsReport:
    """Compute whole sessions, and the next two stored ones, whose windows reach into the last of them."""
    return compute_session_rows(runtime, market, _levels(runtime, market), days=days, progress=progress)


def recompute_levels(runtime: Runtime, market: MarketRuntime, changed: Changed) -> int:
    """Compute what changed bars have changed, and nothing else; return the rows written."""
    return recompute_rows(runtime, market, _levels(runtime, market), changed=changed)


def _levels(runtime: Runtime, market: MarketRuntime) -> WindowedTable:
    return WindowedTable(LEVELS_1M, len(LEVELS), partial(_table, runtime, market))


def _table(runtime: Runtime, market: MarketRuntime, windows: Windows, due: Sequence[Due]) -> pa.Table:  # noqa: PLR0917
    bars = [bar_window(entry.symbol, list(windows.before.values()), windows.present) for entry in due]
    firsts = [window.session_start + entry.first for window, entry in zip(bars, due, strict=True)]
    previous = _previous(market, windows, [entry.symbol for entry in due])
    values = levels_of(bars, firsts, previous=previous, rule=market.file.indicators.levels)
    arrays = [
        *key_arrays(market.name, windows, due),
        *(_column(row, field.type) for row, field in zip(values, list(LEVELS_1M.schema)[4:-1], strict=True)),
        pa.repeat(pa.scalar(runtime.clock.now(), UTC_TIME), values.shape[1]),
    ]
    return pa.Table.from_arrays(arrays, schema=LEVELS_1M.schema)


def _column(values: npt.NDArray[np.float64], type_: pa.DataType) -> pa.Array:
    """Return a column, exact to the last bit; what is not finite becomes null."""
    missing = ~np.isfinite(values)
    return pa.array(np.where(missing, 0, values).astype(type_.to_pandas_dtype()), type_, mask=missing)


def _previous(market: MarketRuntime, windows: Windows, symbols: Sequence[str]) -> PreviousSession:
    """Return what each symbol did in the session before, from its minute bars; NaN where it has none."""
    found = np.full((len(symbols), 4), np.nan)
    block = windows.before.get(_session_before(market, windows.day))
    if block is not None:
        for place, symbol in enumerate(symbols):
            if symbol in block.rows_of:
                found[place] = _of_session(block, block.rows_of[symbol])
    return PreviousSession(*found.T)


def _of_session(block: SessionBlock, rows: slice) -> tuple[float, float, float, float]:
    opens, highs, lows, closes = (block.fields[FIELDS.index(name)][rows] for name in FIELDS[:4])
    return opens[0], highs.max(), lows.min(), closes[-1]


def _session_before(market: MarketRuntime, day: date) -> date:
    return market.calendar.previous_sessions(day, 1)[0]
