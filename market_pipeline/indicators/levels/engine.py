"""All levels of many symbols, from bars alone. Nothing is kept between calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.levels.catalogue import LEVELS
from market_pipeline.indicators.levels.joined_bars import JoinedBars
from market_pipeline.indicators.levels.pivots import PreviousSession, pivots
from market_pipeline.indicators.levels.profile import profile_levels
from market_pipeline.indicators.levels.swings import swing_levels
from market_pipeline.indicators.levels.zones import zone_levels
from market_pipeline.markets.schema import LevelsRule

WINDOWS_AT_ONCE = 120
"""Their bars stay in the processor's cache between one operation and the next."""


def compute_levels(
    windows: Sequence[BarWindow], firsts: Sequence[int], *, previous: PreviousSession, rule: LevelsRule
) -> FloatArray:
    """Return the levels of many symbols, shape (columns, rows), rows by window, then by bar from its `first` on.

    `previous` has one entry a window. What cannot be known is NaN: before the first swing, without volume, without
    a previous session.
    """
    parts = []
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        part = slice(start, start + WINDOWS_AT_ONCE)
        bars = JoinedBars.of(windows[part], firsts[part])
        of_part = PreviousSession(*(getattr(previous, name)[part] for name in ("open", "high", "low", "close")))
        parts.append(_levels(bars, of_part, rule))
    return np.concatenate(parts, axis=1) if parts else np.empty((len(LEVELS), 0))


def _levels(bars: JoinedBars, previous: PreviousSession, rule: LevelsRule) -> FloatArray:
    if not len(bars.close):
        return np.empty((len(LEVELS), 0))
    usual = bars.usual_range(rule.range_bars)
    return np.concatenate(
        [
            np.repeat(pivots(previous), np.diff(bars.due_starts), axis=1),
            swing_levels(bars, rule, usual=usual),
            profile_levels(bars, rule),
            zone_levels(bars, rule, usual=usual),
        ]
    )
