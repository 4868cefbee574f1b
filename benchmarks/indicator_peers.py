"""What others need for the same columns: TA-Lib in a plain loop, polars-talib, talipp, a pandas-ta study.

A peer that is not installed is named with the command that brings it, and left out.
"""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pandas_ta
import talib

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import CATALOGUE
from market_pipeline.indicators.indicator import FIELDS

TALIB_COLUMNS = sum(len(indicator.columns) for indicator in CATALOGUE)
STUDY = """
sma length=5|sma length=10|sma length=20|sma length=50|sma length=100|sma length=200|ema length=5|ema length=9
ema length=12|ema length=20|ema length=26|ema length=50|ema length=100|ema length=200|wma length=10|wma length=20
dema length=20|tema length=20|trima length=20|kama length=10|t3 length=5|hma length=20|zlma length=20|rma length=14
vwma length=20|midpoint length=14|midprice length=14|psar|supertrend length=10|bbands length=20|kc length=20
donchian|accbands length=20|adx length=14|aroon length=14|vortex length=14|vhf length=28|qstick length=10
rsi length=7|rsi length=14|rsi length=21|macd|stoch|stochrsi|kdj|cci length=14|cci length=20|willr length=14
cmo length=14|mom length=10|roc length=1|roc length=5|roc length=10|roc length=20|apo|ppo|pvo|trix|tsi|uo|ao|bop
coppock|er length=10|eri|smi|atr length=14|natr length=14|true_range|massi|rvi length=14|stdev length=20
variance length=20|linreg length=14|obv|ad|adosc|cmf|mfi length=14|efi length=13|pvt|nvi|pvi
"""
TALIPP_OF_CLOSES = """
SMA 5|SMA 10|SMA 20|SMA 50|SMA 100|SMA 200|EMA 5|EMA 9|EMA 12|EMA 20|EMA 26|EMA 50|EMA 100|EMA 200|WMA 10|WMA 20
DEMA 20|TEMA 20|KAMA 10 2 30|T3 5 0.7|HMA 20|ZLEMA 20|SMMA 14|BB 20 2|RSI 7|RSI 14|RSI 21|MACD 12 26 9
StochRSI 14 14 3 3|ROC 1|ROC 5|ROC 10|ROC 20|TRIX 30|TSI 13 25|CoppockCurve 11 14 10|DPO 20|StdDev 20
"""
TALIPP_OF_BARS = """
VWMA 20|ParabolicSAR 0.02 0.02 0.2|SuperTrend 10 3|KeltnerChannels 20 10 2 2|DonchianChannels 20|ADX 14 14|Aroon 14
VTX 14|Stoch 14 3|CCI 14|CCI 20|Williams 14|UO 7 14 28|AO 5 34|BOP|ATR 14|NATR 14|MassIndex 9 9 25|OBV|AccuDist
ChaikinOsc 3 10|ForceIndex 13|VWAP
"""


@dataclass
class Contender:
    """Something measured: what it computes in one run, and the seconds of each run. `bars`: those read in a run."""

    name: str
    run: Callable[[], object]
    symbols: int
    bars: int
    columns: int
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Return the median run in seconds."""
        return statistics.median(self.seconds)

    @property
    def microseconds_per_value(self) -> float:
        """Return µs per symbol, bar and column."""
        return self.median * 1e6 / (self.symbols * self.bars * self.columns)

    @property
    def microseconds_a_minute(self) -> float:
        """Return µs per symbol and column for one more minute."""
        return self.median * 1e6 / (self.symbols * self.columns)


def peers(windows: list[BarWindow]) -> Iterator[Contender]:
    """Yield the peers, each on as many of the windows as it does in about a second."""
    yield Contender("TA-Lib in a plain loop", lambda: plain_loop(windows), len(windows), 375, TALIB_COLUMNS)
    for wanted, make in (("polars_talib", polars_contenders), ("talipp", talipp_contenders)):
        if importlib.util.find_spec(wanted):
            yield from make(windows)
        else:
            print(f"{wanted.replace('_', '-')} is not installed: uv pip install -e '.[bench]'")
    some = windows[:5]
    for name, is_inside in (("pandas-ta study, native", False), ("pandas-ta study, through TA-Lib", True)):
        study = make_study(talib_inside=is_inside)
        made = run_study(some[0], study)  # compiles, which is not counted
        yield Contender(name, lambda study=study: [run_study(w, study) for w in some], len(some), 375, made)


def plain_loop(windows: list[BarWindow]) -> list[object]:
    """Call TA-Lib by name for each symbol and column, as one would without an engine."""
    return [
        getattr(talib, indicator.function)(*(getattr(window, name) for name in indicator.inputs), **indicator.params)
        for window in windows
        for indicator in CATALOGUE
    ]


def polars_contenders(windows: list[BarWindow]) -> Iterator[Contender]:
    """Yield polars-talib on the whole catalogue, grouped by symbol; it uses all cores."""
    import polars as pl
    import polars_talib

    some = windows[:50]
    named = {name: np.concatenate([getattr(window, name) for window in some]) for name in FIELDS}
    frame = pl.DataFrame({"symbol": np.repeat(np.arange(len(some)), 375), **named})
    wanted = [
        getattr(polars_talib, one.function.lower())(*map(pl.col, one.inputs), **one.params).alias(one.columns[0])
        for one in CATALOGUE
    ]
    windowed = [expression.over("symbol") for expression in wanted]
    yield Contender("polars-talib, over", lambda: frame.select(windowed), len(some), 375, TALIB_COLUMNS)
    yield Contender(
        "polars-talib, group_by", lambda: frame.group_by("symbol").agg(wanted), len(some), 375, TALIB_COLUMNS
    )


def talipp_contenders(windows: list[BarWindow]) -> Iterator[Contender]:
    """Yield talipp's counterparts of the catalogue, each taking one bar more, as it is made to."""
    import talipp.indicators
    from talipp.ohlcv import OHLCV

    def made(text: str) -> list[object]:
        calls = [entry.split() for entry in text.replace("\n", "|").strip("|").split("|")]
        return [getattr(talipp.indicators, name)(*map(float_or_whole, given)) for name, *given in calls]

    some = [(window, made(TALIPP_OF_CLOSES), made(TALIPP_OF_BARS)) for window in windows[:10]]

    def push(bar: int) -> None:
        for window, of_closes, of_bars in some:
            taken = OHLCV(*(float(series[bar]) for series in window.fields))
            for one in of_closes:
                one.add(taken.close)
            for one in of_bars:
                one.add(taken)

    for bar in range(375):
        push(bar)
    columns = sum(_width(one[-1]) for one in (*some[0][1], *some[0][2]))
    yield Contender("talipp, one bar", lambda: push(374), len(some), 1, columns)


def float_or_whole(text: str) -> float | int:
    """Return the number that a parameter is: talipp tells periods from factors."""
    return float(text) if "." in text else int(text)


def _width(value: object) -> int:
    """Return how many columns an indicator's value has."""
    return len(vars(value)) if hasattr(value, "__dict__") else 1


def make_study(*, talib_inside: bool) -> pandas_ta.Study:
    """Return the study: pandas-ta's counterparts of the catalogue, its own arithmetic or TA-Lib's where it can."""
    entries = []
    for text in STUDY.replace("\n", "|").strip("|").split("|"):
        kind, *options = text.split()
        parsed = {key: int(value) for key, value in (option.split("=") for option in options)}
        entries.append({"kind": kind, "talib": talib_inside, **parsed})
    return pandas_ta.Study(name="counterparts", ta=entries, cores=0)


def run_study(window: BarWindow, study: pandas_ta.Study) -> int:
    """Run the study on one symbol and return the number of columns it made."""
    index = pd.date_range("2026-11-20 09:15", periods=len(window), freq="min")
    frame = pd.DataFrame(dict(zip(FIELDS, window.fields, strict=True)), index=index)
    frame.ta.cores = 0
    frame.ta.study(study)
    return len(frame.columns) - 5
