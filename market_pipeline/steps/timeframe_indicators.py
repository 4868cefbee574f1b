"""Indicators of bars of 5 minutes to a day: computed when asked for, by the engine that fills indicators_1m.

A session's window is as many bars before it as minutes have: the two sessions before it at 1m, ten at 5m, 120 at 1h.
It depends on the session alone, so that a value is the same wherever a question begins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import batched

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import all_indicators
from market_pipeline.indicators.engine import compute_many
from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.model.timeframe import TIMEFRAMES
from market_pipeline.steps.bar_windows import SessionBlock, bar_window, session_block
from market_pipeline.steps.timeframe_bars import TimeframeBars
from market_pipeline.storage.tables import UTC_TIME

ANCHOR_SESSIONS = 2
ANCHOR_DAYS = 750
"""Of daily bars: as many as two sessions of 375 minutes have."""
SYMBOLS_AT_ONCE = 100


def anchor_sessions(timeframe: str) -> int:
    """Return how many stored sessions before a bar's own its window reaches back."""
    return ANCHOR_DAYS if timeframe == "1d" else ANCHOR_SESSIONS * TIMEFRAMES[timeframe]


def timeframe_indicators(
    bars: TimeframeBars, sessions: Sequence[date], *, columns: Sequence[str], pandas_ta_for: Collection[str] = ()
) -> pa.Table:
    """Return these columns for every bar of `sessions`: float64 as computed, null where there is no finite value.

    pandas-ta's columns are null but for the symbols in `pandas_ta_for`: they take 60 ms a symbol and session. known_at
    is that of the bar.
    """
    blocks: dict[date, SessionBlock] = {}
    parts = []
    stored = bars.stored_sessions()
    for day in sessions:
        anchor = [other for other in stored if other < day][-anchor_sessions(bars.timeframe) :]
        blocks = _blocks(bars, [*anchor, day], known=blocks)
        before, present = [blocks[other] for other in anchor], blocks[day]
        for symbols in batched(present.rows_of, SYMBOLS_AT_ONCE):
            values = _values([bar_window(symbol, before, present) for symbol in symbols], columns, pandas_ta_for)
            parts.append(
                _table(bars.market, day, values=dict(zip(columns, values, strict=True)), rows=(present, symbols))
            )
    return pa.concat_tables([_schema(columns).empty_table(), *parts])


def _blocks(
    bars: TimeframeBars, days: Sequence[date], *, known: Mapping[date, SessionBlock]
) -> dict[date, SessionBlock]:
    """Return the block of each day, from those that are known or by reading the rest at once."""
    missing = [day for day in days if day not in known]
    table = bars.read(missing)
    read = {day: session_block(table.filter(pc.equal(table["session_date"], day))) for day in missing}
    return {day: known[day] if day in known else read[day] for day in days}


def _values(windows: Sequence[BarWindow], columns: Sequence[str], pandas_ta_for: Collection[str]) -> list[FloatArray]:
    """Return one array a column over the rows of all windows' present sessions."""
    chosen = tuple(indicator for indicator in all_indicators() if not set(columns).isdisjoint(indicator.columns))
    firsts = [window.session_start for window in windows]
    values = compute_many(windows, firsts, indicators=chosen, tier_1=pandas_ta_for)
    places = {name: place for place, name in enumerate(name for indicator in chosen for name in indicator.columns)}
    return [values[:, places[name]] for name in columns]


def _table(
    market: str, day: date, *, values: Mapping[str, FloatArray], rows: tuple[SessionBlock, Sequence[str]]
) -> pa.Table:
    block, symbols = rows
    counts = [block.rows_of[symbol].stop - block.rows_of[symbol].start for symbol in symbols]
    taken = np.concatenate([np.arange(block.rows_of[symbol].start, block.rows_of[symbol].stop) for symbol in symbols])
    arrays = [
        pa.repeat(pa.scalar(market), len(taken)),
        pa.array(np.repeat(np.array(symbols, dtype=object), counts), pa.string()),
        pa.array(block.minutes[taken], pa.int64()).cast(UTC_TIME),
        pa.repeat(pa.scalar(day, pa.date32()), len(taken)),
        *(pa.array(column, pa.float64(), mask=~np.isfinite(column)) for column in values.values()),
        pa.array(block.known[taken], pa.int64()).cast(UTC_TIME),
    ]
    return pa.Table.from_arrays(arrays, schema=_schema(list(values)))


def _schema(columns: Sequence[str]) -> pa.Schema:
    key = [
        ("market", pa.string()),
        ("symbol", pa.string()),
        ("interval_start", UTC_TIME),
        ("session_date", pa.date32()),
    ]
    return pa.schema([*key, *((name, pa.float64()) for name in columns), ("known_at", UTC_TIME)])
