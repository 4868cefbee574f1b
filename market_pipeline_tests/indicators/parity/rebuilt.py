"""What recipes need beyond arithmetic, to rebuild another library's definition: swings, streaks, other weights."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline_tests.indicators.parity.recipe import CLOSE, HIGH, LOW, VOLUME, Recipe, call, each, field

COMPARED = field("compare")
"""The closes of the second symbol, which the goldens of two series take."""


def where(is_so: Recipe, then: Recipe, sign: int) -> Recipe:
    """Keep the figures of the bars whose direction is `sign`."""
    name = "where up" if sign > 0 else "where down"
    return each(name, lambda so, value: np.where(so == sign, value, np.nan), is_so, then)


def swing(output: int) -> Recipe:
    """Return the price of a swing of two bars either side at its own bar: 0 highs, 1 lows. Known two bars later."""
    price = (HIGH, LOW)[output]
    found = call("FRACTAL", leftbars=2, rightbars=2, output=output).earlier(2)
    return each("at swings", lambda is_swing, value: np.where(is_swing == 100, value, np.nan), found, price)


def last_known(figures: Recipe) -> Recipe:
    """Return the newest figure there is at each bar."""

    def carry(values: FloatArray) -> FloatArray:
        newest = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
        return values[newest]

    return each("last", carry, figures)


def streak() -> Recipe:
    """Return how many closes in a row have risen (positive) or fallen (negative)."""

    def count(close: FloatArray) -> FloatArray:
        run, runs = 0, [0]
        for before, now in pairwise(close):
            step = int(np.sign(now - before))
            run = run + step if run * step > 0 else step
            runs.append(run)
        return np.array(runs, dtype=np.float64)

    return each("streak", count, CLOSE)


def weighted(name: str, weights: FloatArray) -> Recipe:
    """Return a mean of the last closes with these weights, the oldest first."""
    start = np.full(len(weights) - 1, np.nan)
    return each(name, lambda close: np.r_[start, np.convolve(close, weights[::-1] / weights.sum(), "valid")], CLOSE)


def ulcer(bars: int) -> Recipe:
    """Return the root mean square of the falls below the highest close since the window's own first bar."""

    def fall(close: FloatArray) -> FloatArray:
        windows = np.lib.stride_tricks.sliding_window_view(close, bars)
        falls = 100 * (windows / np.maximum.accumulate(windows, axis=1) - 1)
        return np.r_[np.full(bars - 1, np.nan), np.sqrt((falls**2).mean(axis=1))]

    return each(f"falls in {bars} bars", fall, CLOSE)


def volume_force() -> Recipe:
    """Return Klinger's volume force: volume, signed by the trend and weighed by the trend's measure of movement."""

    def force(high: FloatArray, low: FloatArray, close: FloatArray, volume: FloatArray) -> FloatArray:
        total, reach = high + low + close, high - low
        trend = np.where(np.diff(total, prepend=np.nan) > 0, 1, -1)
        forces, movement = np.full(len(close), np.nan), 0.0
        for bar in range(2, len(close)):
            before = movement if trend[bar] == trend[bar - 1] and bar > 2 else reach[bar - 1]
            movement = before + reach[bar]
            forces[bar] = volume[bar] * abs(2 * (reach[bar] / movement - 1)) * trend[bar] * 100
        return forces

    return each("", force, HIGH, LOW, CLOSE, VOLUME).named("volume force")


def of_previous_month(name: str, take: Callable[[FloatArray], float], of: Recipe) -> Recipe:
    """Return one figure of the previous month's bars at each bar of a month; the first month has none."""

    def spread(values: FloatArray, month: FloatArray) -> FloatArray:
        figures = {now: take(values[month == before]) for before, now in pairwise(np.unique(month))}
        return np.array([figures.get(each_month, np.nan) for each_month in month])

    return each("", spread, of, field("month")).named(f"last month's {name}")


def classic_pivots(high: Recipe, low: Recipe, close: Recipe) -> dict[str, Recipe]:
    """Return the classic pivot and its three levels either side, as indicators/levels defines them."""
    pivot, reach = ((high + low + close) / 3).named("pivot"), high - low
    return {
        "pp": (high + low + close) / 3,
        "r1": 2 * pivot - low,
        "s1": 2 * pivot - high,
        "r2": pivot + reach,
        "s2": pivot - reach,
        "r3": high + 2 * (pivot - low),
        "s3": low - 2 * (high - pivot),
    }
