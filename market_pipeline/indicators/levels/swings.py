"""Support and resistance from swings: prices at which the market turned. Nothing is drawn again afterwards.

A swing high is at least as high as the bars before it and higher than the bars after it, `swing_strength` on each side
(a low mirrors it). It is known so many bars later and counts from that bar on; its price never moves. Ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.levels.joined_bars import BoolArray, IntArray, JoinedBars
from market_pipeline.indicators.levels.level import BARS, PRICE, SWINGS, Level
from market_pipeline.indicators.levels.pairs import Pairs, pairs_of
from market_pipeline.markets.schema import LevelsRule

_NEEDS = ("swing_strength", "touch_ranges", "range_bars")
_TOUCHING = "known swings within touch_ranges usual ranges (those of its confirmation), its own included"
_LATEST = "bars since the latest of them"
SWING_LEVELS: tuple[Level, ...] = (
    Level("SUPPORT", PRICE, "nearest swing at or below the close", "max swing ≤ C, highs and lows", parameters=_NEEDS),
    Level("SUPPORT_touches", SWINGS, "swings that touched the support", _TOUCHING, parameters=_NEEDS),
    Level("SUPPORT_age", BARS, "bars since a swing last touched the support", _LATEST, parameters=_NEEDS),
    Level("RESISTANCE", PRICE, "nearest swing above the close", "min swing > C, highs and lows", parameters=_NEEDS),
    Level("RESISTANCE_touches", SWINGS, "swings that touched the resistance", _TOUCHING, parameters=_NEEDS),
    Level("RESISTANCE_age", BARS, "bars since a swing last touched the resistance", _LATEST, parameters=_NEEDS),
)


@dataclass(frozen=True, eq=False)
class Swings:
    """Swings by window, then price, then bar. `reach` is how far off another swing touches the same level."""

    windows: IntArray
    prices: FloatArray
    bars: IntArray
    known: IntArray
    reach: FloatArray


def find_swings(bars: JoinedBars, rule: LevelsRule, *, usual: FloatArray) -> Swings:
    """Return every swing whose usual range is known at the bar that confirms it."""
    strength = rule.swing_strength
    fits = bars.has_before(strength) & bars.has_after(strength)
    fits[:-strength] &= np.isfinite(usual[strength:])
    highs = np.flatnonzero(_turns(bars.high, strength) & fits)
    lows = np.flatnonzero(_turns(-bars.low, strength) & fits)
    at, prices = np.concatenate([highs, lows]), np.concatenate([bars.high[highs], bars.low[lows]])
    order = np.lexsort((at, prices, bars.window_of[at]))
    at, prices = at[order], prices[order]
    return Swings(bars.window_of[at], prices, at, at + strength, rule.touch_ranges * usual[at + strength])


def _turns(values: FloatArray, strength: int) -> BoolArray:
    found = np.ones(len(values), dtype=np.bool_)
    for lag in range(1, strength + 1):
        found[lag:] &= values[lag:] >= values[:-lag]
        found[:-lag] &= values[:-lag] > values[lag:]
    return found


def swing_levels(bars: JoinedBars, rule: LevelsRule, *, usual: FloatArray) -> FloatArray:
    """Return the columns of SWING_LEVELS for the bars that are due, NaN where there is no such swing."""
    swings = find_swings(bars, rule, usual=usual)
    out = np.full((len(SWING_LEVELS), len(bars.due)), np.nan)
    for pairs in pairs_of(bars, swings.windows):
        due = bars.due[pairs.rows]
        is_known = swings.known[pairs.levels] <= due[pairs.row_of]
        is_below = swings.prices[pairs.levels] <= bars.close[due][pairs.row_of]
        out[:3, pairs.rows] = _touched(pairs, swings, pairs.last(is_known & is_below), is_known=is_known, due=due)
        out[3:, pairs.rows] = _touched(pairs, swings, pairs.first(is_known & ~is_below), is_known=is_known, due=due)
    return out


def _touched(pairs: Pairs, swings: Swings, chosen: IntArray, *, is_known: BoolArray, due: IntArray) -> FloatArray:
    """Return level, touches and age of the chosen swings; NaN where none was chosen."""
    level, reach = swings.prices[chosen], swings.reach[chosen]
    off = np.abs(swings.prices[pairs.levels] - level[pairs.row_of])
    is_touching = is_known & (off <= reach[pairs.row_of])
    touches = np.add.reduceat(is_touching, pairs.starts, dtype=np.intp)
    latest = np.maximum.reduceat(np.where(is_touching, swings.bars[pairs.levels], -1), pairs.starts)
    return np.where(chosen >= 0, np.array([level, touches, due - latest]), np.nan)
