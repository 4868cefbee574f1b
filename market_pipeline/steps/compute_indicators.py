"""Compute the catalogue's columns for the bars that are new or were corrected, on the anchor window."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import cache

import pyarrow as pa

from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.quality.rule import Range
from market_pipeline.steps.bar_windows import bar_window
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.warehouse_tables import indicators_1m
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
from market_pipeline.storage.precision import stored_column
from market_pipeline.storage.tables import UTC_TIME


def compute_indicators(runtime: Runtime, market: MarketRuntime) -> RowsReport:
    """Compute and write what the session in progress still lacks: new minutes, and all from a corrected bar on."""
    return compute_due_rows(runtime, market, _indicators(runtime, market))


def compute_session_indicators(
    runtime: Runtime, market: MarketRuntime, days: Sequence[date], *, progress: Callable[[date], None] = lambda _: None
) -> RowsReport:
    """Compute whole sessions, and the next two stored ones, whose windows reach into the last of them."""
    return compute_session_rows(runtime, market, _indicators(runtime, market), days=days, progress=progress)


def recompute_indicators(runtime: Runtime, market: MarketRuntime, changed: Changed) -> int:
    """Compute what changed bars have changed, and nothing else; return the rows written."""
    return recompute_rows(runtime, market, _indicators(runtime, market), changed=changed)


def _indicators(runtime: Runtime, market: MarketRuntime) -> WindowedTable:
    def rows_of(windows: Windows, due: Sequence[Due]) -> pa.Table:
        return _table(runtime, market, windows, due=due)

    return WindowedTable(indicators_1m(), len(columns()), rows_of, _ranges())


def _tier_1(market: MarketRuntime) -> Collection[str]:
    if not market.file.indicators.pandas_ta_tier1:
        return ()
    return {*market.file.tier_1, *(rule.symbol for rule in market.file.symbols if rule.tier == 1)}


def _table(runtime: Runtime, market: MarketRuntime, windows: Windows, *, due: Sequence[Due]) -> pa.Table:
    bars = [bar_window(entry.symbol, list(windows.before.values()), windows.present) for entry in due]
    firsts = [window.session_start + entry.first for window, entry in zip(bars, due, strict=True)]
    values = compute_many(bars, firsts, tier_1=_tier_1(market))
    schema = indicators_1m().schema
    arrays = [
        *key_arrays(market.name, windows, due),
        *(stored_column(values[:, i], field.type) for i, field in enumerate(list(schema)[4:-1])),
        pa.repeat(pa.scalar(runtime.clock.now(), UTC_TIME), len(values)),
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


@cache
def _ranges() -> dict[str, Range]:
    return {c.column: Range(*c.range) for c in columns() if c.range is not None}
