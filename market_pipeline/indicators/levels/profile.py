"""The volume profile of the session so far: at which prices it traded, and where most of it.

A bin is 1, 2 or 5 · 10ⁿ wide, the widest that is at most `bin_share` of the session's first open, and begins at a
multiple of that: the bins are the same all day. A bar's volume is spread evenly over the bins that low…high covers;
a bar of unknown volume is left out. Value area: https://purebytes.com/archives/amibroker/2007/msg07856.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.levels.joined_bars import IntArray, JoinedBars, spread
from market_pipeline.indicators.levels.level import PRICE, Level
from market_pipeline.markets.schema import LevelsRule

VALUE_AREA = "https://purebytes.com/archives/amibroker/2007/msg07856.html"
_BINS = ("bin_share", "max_bins")
_GROWN = "from the POC on, always the fuller neighbouring bin (equal: the nearer, then the upper), until {} reached"
_SHARE = _GROWN.format("value_area_share of the volume is")
PROFILE_LEVELS: tuple[Level, ...] = (
    Level("POC", PRICE, "price at which the session traded most so far", "middle of the fullest bin, the lowest of"
          " equals", VALUE_AREA, _BINS),
    Level("VAH", PRICE, "upper edge of the value area", _SHARE, VALUE_AREA, (*_BINS, "value_area_share")),
    Level("VAL", PRICE, "lower edge of the value area", _SHARE, VALUE_AREA, (*_BINS, "value_area_share")),
)  # fmt: skip
ROWS_AT_ONCE = 2000
ROUNDING = 1e-9
"""Bins; prices on an edge must not fall beside it by the division's rounding."""


@dataclass(frozen=True, eq=False)
class Grid:
    """The bins of each window's session: `digit` · `above` / `below` wide, which is NaN for an unusable price.

    Of the two powers of ten one is 1: a power below 1 has no exact float, and a price is rounded once.
    """

    digit: FloatArray
    above: FloatArray
    below: FloatArray

    @classmethod
    def of(cls, opens: FloatArray, bin_share: float) -> Grid:
        """Return the bins of sessions that opened at these prices."""
        widest = np.where(opens > 0, opens * bin_share, np.nan)
        exponent = np.floor(np.log10(widest))
        # the logarithm of a power of ten may be rounded to the wrong side
        exponent = exponent + (10.0 ** (exponent + 1) <= widest) - (10.0**exponent > widest)
        digit = np.select([5 * 10.0**exponent <= widest, 2 * 10.0**exponent <= widest], [5.0, 2.0], 1.0)
        above, below = 10.0 ** np.maximum(exponent, 0), 10.0 ** np.maximum(-exponent, 0)
        return cls(np.where(np.isfinite(widest), digit, np.nan), above, below)

    def bins(self, prices: FloatArray, windows: IntArray) -> FloatArray:
        """Return prices in bins, fractions included."""
        return prices * self.below[windows] / self.above[windows] / self.digit[windows]

    def prices(self, bins: npt.NDArray[np.floating], windows: IntArray) -> FloatArray:
        """Return the prices at places given in bins."""
        found: FloatArray = bins * self.digit[windows] * self.above[windows] / self.below[windows]
        return found


@dataclass(frozen=True, eq=False)
class Spans:
    """The bins that each bar of the sessions covers, both ends included, and the session's so far."""

    bars: IntArray
    windows: IntArray
    low: IntArray
    high: IntArray
    session_low: IntArray
    session_high: IntArray


def _spans(bars: JoinedBars, grid: Grid, rule: LevelsRule) -> Spans:
    """Return the spans of the sessions' bars, those after which a session is too wide left out."""
    at = spread(bars.sessions, bars.ends)
    windows = bars.window_of[at]
    low = np.floor(grid.bins(bars.low[at], windows) + ROUNDING)
    high = np.maximum(low, np.ceil(grid.bins(bars.high[at], windows) - ROUNDING) - 1)
    session_low, session_high = low.copy(), high.copy()
    cuts = np.searchsorted(windows, np.arange(len(bars.starts) + 1))
    for start, end in pairwise(cuts):
        np.minimum.accumulate(session_low[start:end], out=session_low[start:end])
        np.maximum.accumulate(session_high[start:end], out=session_high[start:end])
    fits = session_high - session_low < rule.max_bins
    columns = (low, high, session_low, session_high)
    return Spans(at[fits], windows[fits], *(column[fits].astype(np.intp) for column in columns))


@dataclass(eq=False)
class Profile:
    """Volume by bin, one row a window. `floors` is the bin of the first column."""

    volumes: FloatArray
    totals: FloatArray
    floors: IntArray

    @classmethod
    def empty(cls, spans: Spans, windows: int) -> Profile:
        """Return profiles that have room for all spans."""
        floors, tops = np.zeros(windows, dtype=np.intp), np.zeros(windows, dtype=np.intp)
        # of each window the last one stays, which covers the whole session
        floors[spans.windows] = spans.session_low
        tops[spans.windows] = spans.session_high
        width = int((tops - floors).max(initial=0)) + 1
        return cls(np.zeros((windows, width)), np.zeros(windows), floors)

    def add(self, bars: JoinedBars, spans: Spans, chosen: IntArray) -> None:
        """Add the volume of some spans, in their order."""
        volumes = bars.volume[spans.bars[chosen]]
        chosen, volumes = chosen[np.isfinite(volumes)], volumes[np.isfinite(volumes)]
        windows, low = spans.windows[chosen], spans.low[chosen]
        counts = spans.high[chosen] - low + 1
        np.add.at(self.totals, windows, volumes)
        places = windows * self.volumes.shape[1] + low - self.floors[windows]
        np.add.at(self.volumes.reshape(-1), spread(places, places + counts), np.repeat(volumes / counts, counts))


def session_profile(window: BarWindow, rule: LevelsRule) -> tuple[FloatArray, FloatArray]:
    """Return the edges of one session's bins, from below, and the volume in each: what POC, VAH and VAL come from.

    Both are empty where there is no usable price.
    """
    bars = JoinedBars.of([window], [len(window)])
    grid = Grid.of(bars.open[bars.sessions], rule.bin_share)
    spans = _spans(bars, grid, rule)
    if not len(spans.bars):
        return np.empty(0), np.empty(0)
    profile = Profile.empty(spans, 1)
    profile.add(bars, spans, np.arange(len(spans.bars)))
    edges = profile.floors[0] + np.arange(profile.volumes.shape[1] + 1)
    return grid.prices(edges, np.zeros(len(edges), dtype=np.intp)), profile.volumes[0]


def profile_levels(bars: JoinedBars, rule: LevelsRule) -> FloatArray:
    """Return the columns of PROFILE_LEVELS for the bars that are due, NaN where nothing was traded so far.

    All symbols take their next bar at once, each in its own row.
    """
    has_session = bars.sessions < bars.ends
    opens = np.where(has_session, bars.open[np.minimum(bars.sessions, len(bars.open) - 1)], np.nan)
    grid = Grid.of(opens, rule.bin_share)
    spans = _spans(bars, grid, rule)
    profile = Profile.empty(spans, len(bars.starts))
    lateness = spans.bars - bars.firsts[spans.windows]
    profile.add(bars, spans, np.flatnonzero(lateness < 0))
    out = np.full((len(PROFILE_LEVELS), len(bars.due)), np.nan)
    for chosen, volumes, totals in _snapshots(bars, spans, profile, lateness=lateness):
        rows = bars.due_starts[spans.windows[chosen]] + lateness[chosen]
        low, fullest, high = value_areas(
            volumes,
            rule.value_area_share * totals,
            bottom=(spans.session_low - profile.floors[spans.windows])[chosen],
            top=(spans.session_high - profile.floors[spans.windows])[chosen],
        )
        windows = spans.windows[chosen]
        for column, place in enumerate((fullest + 0.5, high + 1.0, low + 0.0)):
            out[column, rows] = grid.prices(place + profile.floors[windows], windows)
    return out


def _snapshots(
    bars: JoinedBars, spans: Spans, profile: Profile, *, lateness: IntArray
) -> Iterator[tuple[IntArray, FloatArray, FloatArray]]:
    """Yield spans that are due with the volumes by bin and in all, their own included, many at once."""
    order = np.argsort(lateness, kind="stable")
    steps = np.searchsorted(lateness[order], np.arange(int(lateness.max(initial=-1)) + 2))
    held: list[tuple[IntArray, FloatArray, FloatArray]] = []
    for start, end in pairwise(steps):
        profile.add(bars, spans, order[start:end])
        chosen = order[start:end]
        chosen = chosen[profile.totals[spans.windows[chosen]] > 0]
        held.append((chosen, profile.volumes[spans.windows[chosen]], profile.totals[spans.windows[chosen]]))
        if sum(len(entry[0]) for entry in held) >= ROWS_AT_ONCE or end == steps[-1]:
            chosen, volumes, totals = (np.concatenate(parts) for parts in zip(*held, strict=True))
            held = []
            yield chosen, volumes, totals


def value_areas(
    volumes: FloatArray, wanted: FloatArray, *, bottom: IntArray, top: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Return the lowest bin of each row's value area, its fullest and its highest; none lies outside bottom…top."""
    fullest = volumes.argmax(axis=1)
    low, high = fullest.copy(), fullest.copy()
    taken = volumes[np.arange(len(fullest)), fullest]
    growing = np.flatnonzero((taken < wanted) & (top > bottom))
    while len(growing):
        at_low, at_high = low[growing], high[growing]
        above = np.where(at_high < top[growing], volumes[growing, np.minimum(at_high + 1, top[growing])], -1.0)
        below = np.where(at_low > bottom[growing], volumes[growing, np.maximum(at_low - 1, bottom[growing])], -1.0)
        is_up_nearer = at_high - fullest[growing] <= fullest[growing] - at_low
        is_up = (above > below) | ((above == below) & is_up_nearer)
        high[growing[is_up]] += 1
        low[growing[~is_up]] -= 1
        taken[growing] += np.where(is_up, above, below)
        goes_on = (taken[growing] < wanted[growing]) & (high - low < top - bottom)[growing]
        growing = growing[goes_on]
    return low, fullest, high
