"""The arithmetic of pandas-ta's functions on plain arrays: the same figures without pandas, 10 to 100 times as fast.

Each takes its inputs and parameters by pandas-ta's names and returns one array a column, NaN or nonsense before the
warm-up. Averages and extremes are TA-Lib's, which is always installed here. A test holds each to what pandas-ta makes
with talib=False, from the start or, where means begin otherwise, once their seed is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log
from typing import Any

import numpy as np
import talib
from numpy.lib.stride_tricks import sliding_window_view

from market_pipeline.indicators.indicator import FloatArray

type Columns = tuple[FloatArray, ...]


def _rolled(values: FloatArray, length: int) -> FloatArray:
    return sliding_window_view(values, length)


def _after(values: FloatArray, bars: int) -> FloatArray:
    """Put `bars` NaN before values."""
    return np.concatenate([np.full(bars, np.nan), values])


def _shifted(values: FloatArray, bars: int) -> FloatArray:
    return _after(values[: len(values) - bars], bars)


def _fisher(high: FloatArray, low: FloatArray, *, length: int, signal: int) -> Columns:
    middle = (high + low) / 2
    highest, lowest = talib.MAX(middle, length), talib.MIN(middle, length)
    place = (middle - lowest) / np.maximum(highest - lowest, 0.001) - 0.5
    smooth, value, values = 0.0, 0.0, [0.0]
    for step in place[length:].tolist():
        smooth = 0.66 * step + 0.67 * smooth
        smooth = 0.999 if smooth > 0.99 else -0.999 if smooth < -0.99 else smooth
        value = 0.5 * (log((1 + smooth) / (1 - smooth)) + value)
        values.append(value)
    fisher = _after(np.array(values), length - 1)
    return fisher, _shifted(fisher, signal)


def _kst(close: FloatArray, *, signal: int, **params: int) -> Columns:
    changes = [talib.SMA(talib.ROC(close, params[f"roc{n}"]), params[f"sma{n}"]) for n in (1, 2, 3, 4)]
    kst = 100 * np.sum([weight * change for weight, change in enumerate(changes, start=1)], axis=0)
    return kst, talib.SMA(kst, signal)


def _chop(high: FloatArray, low: FloatArray, close: FloatArray, **params: Any) -> Columns:
    length = params["length"]
    travelled = _rolled(talib.TRANGE(high, low, close), length).sum(axis=-1)
    span = _rolled(high, length).max(axis=-1) - _rolled(low, length).min(axis=-1)
    return (_after(params["scalar"] * (np.log10(travelled) - np.log10(span)) / np.log10(length), length - 1),)


def _ui(close: FloatArray, *, length: int, scalar: float) -> Columns:
    highest = _rolled(close, length).max(axis=-1)
    falls = scalar * (close[length - 1 :] - highest) / highest
    return (_after(np.sqrt(_rolled(falls * falls, length).sum(axis=-1) / length), 2 * length - 2),)


def _squeeze(high: FloatArray, low: FloatArray, close: FloatArray, **params: Any) -> Columns:
    length = params["bb_length"]
    width = params["bb_std"] * np.sqrt(length / (length - 1)) * talib.STDDEV(close, length, 1.0)  # of a sample
    middle, basis = talib.SMA(close, length), talib.SMA(close, params["kc_length"])
    band = params["kc_scalar"] * talib.SMA(talib.TRANGE(high, low, close), params["kc_length"])
    is_on = (middle - width > basis - band) & (middle + width < basis + band)
    is_off = (middle - width < basis - band) & (middle + width > basis + band)
    change = talib.SMA(talib.MOM(close, params["mom_length"]), params["mom_smooth"])
    return change, is_on.astype(float), is_off.astype(float), (~is_on & ~is_off).astype(float)


def _pgo(high: FloatArray, low: FloatArray, close: FloatArray, *, length: int) -> Columns:
    mean_range = talib.EMA(talib.ATR(high, low, close, length), length)
    return ((close - talib.SMA(close, length)) / mean_range,)


def _cksp(high: FloatArray, low: FloatArray, close: FloatArray, **params: Any) -> Columns:
    first, second = params["p"], params["q"]
    room = params["x"] * talib.SMA(talib.TRANGE(high, low, close), first)
    long, short = talib.MAX(high, first) - room, talib.MIN(low, first) + room
    return talib.MAX(long, second), talib.MIN(short, second)


def _kvo(*bars: FloatArray, **params: Any) -> Columns:
    high, low, close, volume = bars
    signed = volume[1:] * np.sign(np.diff((high + low + close) / 3))
    klinger = talib.EMA(signed, params["fast"]) - talib.EMA(signed, params["slow"])
    return _after(klinger, 1), _after(talib.EMA(klinger, params["signal"]), 1)


def _moments(close: FloatArray, length: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    windows = _rolled(close, length)
    away = windows - windows.mean(axis=-1, keepdims=True)
    is_flat = windows.max(axis=-1) == windows.min(axis=-1)
    squares = np.where(is_flat, 1.0, (away**2).sum(axis=-1))
    return is_flat, squares, (away**3).sum(axis=-1), (away**4).sum(axis=-1)


def _skew(close: FloatArray, *, length: int) -> Columns:
    is_flat, squares, cubes, _ = _moments(close, length)
    bias = length * np.sqrt(length - 1) / (length - 2)
    return (_after(np.where(is_flat, 0.0, bias * cubes / squares**1.5), length - 1),)


def _kurtosis(close: FloatArray, *, length: int) -> Columns:
    is_flat, squares, _, fourths = _moments(close, length)
    scale = length * (length + 1) * (length - 1) / ((length - 2) * (length - 3))
    excess = scale * fourths / squares**2 - 3 * (length - 1) ** 2 / ((length - 2) * (length - 3))
    return (_after(np.where(is_flat, -3.0, excess), length - 1),)


def _cti(close: FloatArray, *, length: int) -> Columns:
    is_flat, squares, _, _ = _moments(close, length)
    time = np.arange(length) - (length - 1) / 2
    windows = _rolled(close, length)
    slope = ((windows - windows.mean(axis=-1, keepdims=True)) * time).sum(axis=-1)
    return (_after(np.where(is_flat, 0.0, slope / np.sqrt(squares * (time**2).sum())), length - 1),)


def _ichimoku(high: FloatArray, low: FloatArray, **params: Any) -> Columns:
    kijun = params["kijun"]
    turning, base, slow = (talib.MIDPRICE(high, low, params[name]) for name in ("tenkan", "kijun", "senkou"))
    # plotted ahead: what stands at a bar was known kijun − 1 bars before
    return _shifted((turning + base) / 2, kijun - 1), _shifted(slow, kijun - 1), turning, base


def _qqe(close: FloatArray, *, length: int, smooth: int, factor: float, **_: Any) -> Columns:
    strength = talib.EMA(talib.RSI(close, length), smooth)
    change = np.abs(np.diff(strength, prepend=np.nan))
    room = factor * talib.EMA(talib.EMA(change, 2 * length - 1), 2 * length - 1)
    start = length + smooth + 4 * length - 4
    line = _trailed(strength[start:].tolist(), room[start:].tolist())
    return _after(np.array(line), start)[: len(close)], strength


def _trailed(strength: list[float], room: list[float]) -> list[float]:
    """Return the line that trails the strength: below it in an upward trend, above it in a downward one."""
    was = long = short = long_before = short_before = float("nan")
    is_up, line = True, list[float]()
    for now, width in zip(strength, room, strict=True):
        low, high = now - width, now + width
        next_long = long if was > long and now > long > low else low
        next_short = short if was < short and now < short < high else high
        if (now > short and was < short_before) or (now <= short and was >= short_before):
            is_up = True
        elif (now > long and was < long_before) or (now <= long and was >= long_before):
            is_up = False
        line.append(next_long if is_up else next_short)
        was, long_before, short_before, long, short = now, long, short, next_long, next_short
    return line


def _stc(close: FloatArray, *, tc_length: int, fast: int, slow: int, factor: float) -> Columns:
    macd = talib.EMA(close, fast) - talib.EMA(close, slow)
    period = round(2 / factor - 1)
    once = _stochastic(macd[slow - 1 :], tc_length, period)
    return (_after(_stochastic(once, tc_length, period), slow - 1 + 2 * (tc_length + period - 2)),)


def _stochastic(values: FloatArray, length: int, period: int) -> FloatArray:
    """Return the smoothed place of each value in its range of `length`; where there is no range, the place stays."""
    lowest = talib.MIN(values, length)[length - 1 :]
    span = talib.MAX(values, length)[length - 1 :] - lowest
    last_moving = np.maximum.accumulate(np.where(span > 0, np.arange(len(span)), 0))
    middle = np.full_like(span, 50.0)  # the place of what has never moved
    places = np.divide(100 * (values[length - 1 :] - lowest), span, out=middle, where=span > 0)[last_moving]
    return talib.EMA(places, period)[period - 1 :]


DIRECT: Mapping[str, Callable[..., Columns]] = {
    "fisher": _fisher,
    "kst": _kst,
    "chop": _chop,
    "ui": _ui,
    "squeeze": _squeeze,
    "pgo": _pgo,
    "cksp": _cksp,
    "kvo": _kvo,
    "skew": _skew,
    "kurtosis": _kurtosis,
    "cti": _cti,
    "ichimoku": _ichimoku,
    "qqe": _qqe,
    "stc": _stc,
}
"""pandas-ta's function → the same here."""
