"""What becomes of zones: which live at a bar, how often they were visited, and which of them is nearest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.levels.joined_bars import IntArray, JoinedBars, spread
from market_pipeline.indicators.levels.pairs import pairs_of

NEVER = np.iinfo(np.intp).max


@dataclass(frozen=True, eq=False)
class Side:
    """Zones of one kind, seen as demand: those of supply with every price negated."""

    known: IntArray
    near: FloatArray
    far: FloatArray
    strength: FloatArray
    reach: FloatArray
    """Of each bar, how far it went towards the zones."""
    close: FloatArray

    def chosen(self, zones: IntArray) -> Side:
        """Return some of the zones, in this order."""
        near, far, strength = (prices[zones] for prices in (self.near, self.far, self.strength))
        return replace(self, known=self.known[zones], near=near, far=far, strength=strength)


@dataclass(frozen=True, eq=False)
class Life:
    """Of each zone the bar whose close ended it, and how often it was visited by each bar from `known` on."""

    ended: IntArray
    visits: IntArray
    starts: IntArray
    """Where the visits of each zone begin."""

    @classmethod
    def of(cls, side: Side, ends: IntArray) -> Life:
        """Follow zones to the ends of their windows."""
        counts = ends - side.known
        bars = spread(side.known, ends)
        zone_of = np.repeat(np.arange(len(counts)), counts)
        is_after = bars > side.known[zone_of]
        has_passed = is_after & (side.close[bars] < side.far[zone_of])
        is_reached = side.reach[bars] <= side.near[zone_of]
        is_visit = is_after & is_reached
        is_visit[1:] &= ~is_reached[:-1]
        starts = np.cumsum(counts) - counts
        ended = np.minimum.reduceat(np.where(has_passed, bars, NEVER), starts)
        return cls(ended, np.cumsum(is_visit), starts)


def nearest_zones(bars: JoinedBars, side: Side) -> FloatArray:
    """Return near edge, far edge and strength of the nearest living zone at each due bar; of equals, of the latest."""
    out = np.full((3, len(bars.due)), np.nan)
    side = side.chosen(_still_living(bars, side))
    if not len(side.known):
        return out
    windows = bars.window_of[side.known]
    order = np.lexsort((side.known, side.near, windows))
    side, windows = side.chosen(order), windows[order]
    life = Life.of(side, bars.ends[windows])
    for pairs in pairs_of(bars, windows):
        due = bars.due[pairs.rows]
        at = due[pairs.row_of]
        zone = pairs.last((side.known[pairs.levels] <= at) & (life.ended[pairs.levels] > at))
        rows, due, zone = pairs.rows[zone >= 0], due[zone >= 0], zone[zone >= 0]
        # no zone is visited at the bar that makes it known, so its count there is what earlier zones left
        visits = life.visits[life.starts[zone] + due - side.known[zone]] - life.visits[life.starts[zone]]
        out[:, rows] = np.array([side.near[zone], side.far[zone], side.strength[zone] / (1 + visits)])
    return out


def _still_living(bars: JoinedBars, side: Side) -> IntArray:
    """Return the zones that no close has ended before the first due bar of their window."""
    windows = bars.window_of[side.known]
    firsts = bars.firsts[windows]
    is_wanted = firsts < bars.ends[windows]
    older = np.flatnonzero(is_wanted & (side.known + 1 < firsts))
    if len(older):
        spans = np.array([side.known[older] + 1, firsts[older]]).T
        is_wanted[older] = np.minimum.reduceat(side.close, spans.reshape(-1))[::2] >= side.far[older]
    return np.flatnonzero(is_wanted)
