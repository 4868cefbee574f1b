"""Where a source forgot to divide by a split, or did it twice: found by jumps of just that ratio.

Only what has one reading is repaired: rows between two opposite jumps, or everything before a jump close to the
split itself. A real fall of the same size elsewhere is left alone, and counted as unclear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from market_pipeline.transforms.bar_rows import Integers, Reals, Truths

SPLIT = "the split's factor was missing, or applied twice"
DIVIDEND = "the dividend was not divided by the split"
LONGEST_BLOCK = 30
"""Rows between two jumps that belong together."""
NEAR_THE_SPLIT = 5
"""Rows before a split within which a source may have stopped adjusting."""
TOLERANCE = 0.35
"""Of the split's size (logarithm): how far a jump may lie from it."""
CALM = 6.0
"""A split is recognised only when it is so many times as large as the series' usual move."""
DIVIDEND_TOLERANCE = 0.1


@dataclass(frozen=True)
class Events:
    """One series in time order, as the source sends it: split ratio (1 for none), dividend (0 for none), closes."""

    split: Reals
    dividend: Reals
    close: Reals
    adjusted_close: Reals


@dataclass(frozen=True)
class Repairs:
    """By what to multiply each row's prices (and divide its volume), and its dividend; 1 where nothing is wrong."""

    price: Reals
    dividend: Reals
    unclear: int = 0


def find_repairs(events: Events, is_split_adjusted: Truths) -> Repairs:
    """Return what to repair in a series that the source says it adjusts for splits; others are as traded."""
    price = np.ones(len(events.close))
    unclear = 0
    if not is_split_adjusted.any():
        return Repairs(price, np.ones(len(price)))
    for at in np.flatnonzero(events.split != 1).tolist():
        unclear += _repair_split(price, events, at)
    return Repairs(price, _dividends(events, events.close * price), unclear)


def _repair_split(price: Reals, events: Events, at: int) -> int:
    """Correct rows in `price` for the split at row `at`; return how many jumps have no clear reading."""
    size = float(np.log(events.split[at]))
    steps = _steps(events.close * price, events.dividend)
    usual = float(np.median(np.abs(steps[np.isfinite(steps)]))) if np.isfinite(steps).any() else 0.0
    if abs(size) < CALM * usual:
        return 0
    jumps = _jumps(steps, size)
    unclear = 0
    rows = np.flatnonzero(jumps).tolist()
    while rows:
        newest = rows.pop()
        sign = int(jumps[newest])
        if rows and jumps[rows[-1]] == -sign and newest - rows[-1] <= LONGEST_BLOCK:
            first = rows.pop()
        elif at - NEAR_THE_SPLIT <= newest <= at and not rows:
            first = 0
        else:
            unclear += 1
            continue
        price[first:newest] *= events.split[at] ** sign
    return unclear


def _steps(close: Reals, dividend: Reals) -> Reals:
    """Return each row's move against the row before (logarithm), the dividend that left it put back."""
    steps = np.zeros(len(close))
    with np.errstate(divide="ignore", invalid="ignore"):
        steps[1:] = np.log((close[1:] + dividend[1:]) / close[:-1])
    return steps


def _jumps(steps: Reals, size: float) -> Integers:
    """Return -1 where the older row is the split's ratio too high, +1 where it is as much too low, else 0."""
    down, up = (np.abs(steps + sign * size) < TOLERANCE * abs(size) for sign in (1, -1))
    return np.where(down, -1, np.where(up, 1, 0)).astype(np.int64)


def _dividends(events: Events, close: Reals) -> Reals:
    """Return 1 / ratio where a dividend on the day of a split is that ratio times what the adjusted close implies."""
    factors = np.ones(len(close))
    ratio = events.adjusted_close / close
    for row in np.flatnonzero((events.dividend > 0) & (events.split != 1)).tolist():
        if row == 0 or not np.isfinite(ratio[row - 1 : row + 1]).all():
            continue
        implied = close[row - 1] * (1 - ratio[row - 1] / ratio[row])
        stated, split = events.dividend[row], events.split[row]
        if implied > 0 and abs(stated / split / implied - 1) < DIVIDEND_TOLERANCE:
            factors[row] = 1 / split
    return factors
