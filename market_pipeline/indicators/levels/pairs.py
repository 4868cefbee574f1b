"""Each due bar beside each level of its window, so that the nearest one is found for a whole market at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from market_pipeline.indicators.levels.joined_bars import BoolArray, IntArray, JoinedBars, spread

LARGEST = 500_000
"""Pairs at once; so many stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rows of the result (each with one level or more), and all pairs of them, by row. `starts`: each row's first."""

    rows: IntArray
    row_of: IntArray
    """Of each pair, its place in `rows`."""
    levels: IntArray
    starts: IntArray

    def last(self, is_wanted: BoolArray) -> IntArray:
        """Return the last wanted level of each row, −1 where there is none."""
        found: IntArray = np.maximum.reduceat(np.where(is_wanted, self.levels, -1), self.starts)
        return found

    def first(self, is_wanted: BoolArray) -> IntArray:
        """Return the first wanted level of each row, −1 where there is none."""
        none = np.iinfo(np.intp).max
        found = np.minimum.reduceat(np.where(is_wanted, self.levels, none), self.starts)
        return np.where(found == none, -1, found)


def pairs_of(bars: JoinedBars, windows: IntArray) -> Iterator[Pairs]:
    """Yield the pairs of all due bars with the levels of their windows; `windows` are those of the levels, sorted."""
    every = np.arange(len(bars.starts))
    starts, ends = np.searchsorted(windows, every), np.searchsorted(windows, every, side="right")
    window_of_row = np.repeat(every, np.diff(bars.due_starts))
    rows = np.flatnonzero((ends > starts)[window_of_row])
    counts = (ends - starts)[window_of_row[rows]]
    portion = (np.cumsum(counts) - 1) // LARGEST
    for part in np.split(rows, np.flatnonzero(np.diff(portion)) + 1):
        if len(part):
            of_part = window_of_row[part]
            count = (ends - starts)[of_part]
            row_of = np.repeat(np.arange(len(part)), count)
            yield Pairs(part, row_of, spread(starts[of_part], ends[of_part]), np.cumsum(count) - count)
