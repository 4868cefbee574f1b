"""The bars of many windows end to end, so that one numpy call serves a whole market.

Every value of a bar is made from its own window by the same operations in the same order, whatever stands beside it:
a bar computed alone and in a market of thousands is equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.indicator import FloatArray

type IntArray = npt.NDArray[np.intp]
type BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class JoinedBars:
    """Bars by window, then by time. Places are counted over all bars; `firsts` says from where on values are due."""

    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    starts: IntArray
    ends: IntArray
    sessions: IntArray
    """Where the present session begins in each window."""
    firsts: IntArray

    @classmethod
    def of(cls, windows: Sequence[BarWindow], firsts: Sequence[int]) -> Self:
        """Join windows; `firsts` are the first bars, counted in each window, that values are due for."""
        opens, highs, lows, closes, volumes = (
            np.concatenate(arrays) for arrays in zip(*(window.fields for window in windows), strict=True)
        )
        ends = np.cumsum([len(window) for window in windows])
        starts = np.concatenate([[0], ends[:-1]])
        sessions = starts + np.array([window.session_start for window in windows])
        due = starts + np.array(firsts, dtype=np.intp)
        return cls(opens, highs, lows, closes, volumes, starts, ends, sessions, due)

    @cached_property
    def window_of(self) -> IntArray:
        """Return the window of each bar."""
        return np.repeat(np.arange(len(self.starts)), self.ends - self.starts)

    @cached_property
    def due(self) -> IntArray:
        """Return the places of the bars that values are due for."""
        return spread(self.firsts, self.ends)

    @cached_property
    def due_starts(self) -> IntArray:
        """Return which row of the result is the first of each window, and at the end how many rows there are."""
        return np.concatenate([[0], np.cumsum(self.ends - self.firsts)])

    @cached_property
    def position(self) -> IntArray:
        """Return how many bars of its window come before each bar."""
        return np.arange(len(self.close)) - np.repeat(self.starts, self.ends - self.starts)

    @cached_property
    def left(self) -> IntArray:
        """Return how many bars of its window come after each bar."""
        return np.repeat(self.ends, self.ends - self.starts) - 1 - np.arange(len(self.close))

    def has_before(self, bars: int) -> BoolArray:
        """Tell of each bar whether its window has so many bars before it."""
        found: BoolArray = self.position >= bars
        return found

    def has_after(self, bars: int) -> BoolArray:
        """Tell of each bar whether its window has so many bars after it."""
        found: BoolArray = self.left >= bars
        return found

    def usual_range(self, bars: int) -> FloatArray:
        """Return the mean true range of each bar and those before it, `bars` in all; NaN where there are fewer."""
        before = np.concatenate([self.close[:1], self.close[:-1]])
        is_first = ~self.has_before(1)
        before[is_first] = self.close[is_first]
        true_range = np.maximum(self.high, before) - np.minimum(self.low, before)
        total = true_range.copy()
        for lag in range(1, bars):
            total[lag:] += true_range[:-lag]
        return np.where(self.has_before(bars - 1), total / bars, np.nan)


def spread(starts: IntArray, ends: IntArray) -> IntArray:
    """Return start…end − 1 of every pair, one after the other."""
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths
    places: IntArray = np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
    return places
