"""The batch engine: indicators of one window or of a whole market, from bars alone. Nothing is kept between calls.

TA-Lib's batch result on the anchor window *is* the definition of each of its columns. No NaN is ever fed to it; what
it divides by zero (VWMA and RVOL without volume: NaN, rarely −inf) passes unchanged, and whoever stores it writes null.
One thread: a call lasts 5 µs and then waits for the interpreter's lock. Two threads took 335 instead of 408 ms for 487
symbols on two idle cores, nothing less on busy ones, and a minute has several markets.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from market_pipeline.indicators import pandas_ta_group, registry, talib_calls
from market_pipeline.indicators.bar_window import BarWindow, Span, spans_of, volume_spans
from market_pipeline.indicators.catalogue import CATALOGUE, all_indicators
from market_pipeline.indicators.indicator import FloatArray, Group, Indicator


def compute(window: BarWindow, *, first: int, indicators: tuple[Indicator, ...] = CATALOGUE) -> FloatArray:
    """Return the values of the bars from `first` on, shape (columns, bars − first), NaN where there is none yet.

    Too few bars give NaN, never an error. Volume-based columns start anew after each bar of unknown volume.
    """
    return compute_many([window], [first], indicators=indicators, tier_1={window.symbol}).T


def compute_many(
    windows: Sequence[BarWindow],
    firsts: Sequence[int],
    *,
    indicators: tuple[Indicator, ...] | None = None,
    tier_1: Collection[str] = (),
) -> FloatArray:
    """Return the values of many symbols, shape (rows, columns), rows by window, then by bar from its `first` on.

    Columns are those of `indicators` (catalogue.columns() by default); pandas-ta's are NaN outside `tier_1`.
    Each column lies contiguous in memory, ready for Arrow. 100,000 rows take 130 MB: give a long past in portions.
    """
    chosen = all_indicators() if indicators is None else indicators
    spans = spans_of(windows, firsts)
    cut = volume_spans(windows, spans)
    rows = sum(span.end - span.first for span in spans)
    out = np.full((sum(len(indicator.columns) for indicator in chosen), rows), np.nan)
    position = 0
    for indicator in chosen:
        outputs = out[position : position + len(indicator.columns)]
        due = cut if indicator.uses_volume else spans
        if indicator.group is Group.PANDAS_TA:
            due = [span for span in due if span.symbol in tier_1]
        _fill(indicator, due, outputs)
        position += len(indicator.columns)
    return out.T


def _fill(indicator: Indicator, spans: Sequence[Span], out: FloatArray) -> None:
    """Let the indicator's group do the work, one indicator after the other: its code stays in the processor's cache."""
    match indicator.group:
        case Group.TALIB:
            talib_calls.fill(indicator, spans, out)
        case Group.PANDAS_TA:
            pandas_ta_group.fill(indicator, spans, out)
        case Group.CUSTOM:
            registry.fill(indicator, spans, out)
