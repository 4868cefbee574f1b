"""Measure the indicator engine beside TA-Lib in a plain loop and a pandas-ta study, in one run, interleaved.

Run: python benchmarks/indicators.py   (about a minute; the first pandas-ta run, which compiles, is not counted)
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pandas_ta
import talib

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import CATALOGUE, all_indicators
from market_pipeline.indicators.engine import compute_many
from market_pipeline.indicators.indicator import Group

SESSION_BARS = 375
TALIB_COLUMNS = sum(len(indicator.columns) for indicator in CATALOGUE)
FOR_EVERY_SYMBOL = sum(len(i.columns) for i in all_indicators() if i.group is not Group.PANDAS_TA)
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


@dataclass
class Contender:
    """Something measured: what it computes in one run, and the seconds of each run."""

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


def make_windows(symbols: int, bars: int) -> list[BarWindow]:
    """Return seeded minutes on a tick grid of 0.05; the last 375 bars are the present session."""
    random = np.random.default_rng(7)
    windows = []
    for number in range(symbols):
        close = np.exp(random.normal(6, 1) + np.cumsum(random.standard_t(4, bars) * 6e-4))
        opened = np.concatenate([close[:1], close[:-1]])
        top = np.maximum(opened, close) * (1 + np.abs(random.normal(0, 4e-4, bars)))
        bottom = np.minimum(opened, close) * (1 - np.abs(random.normal(0, 4e-4, bars)))
        prices = [np.round(series / 0.05) * 0.05 for series in (opened, top, bottom, close)]
        volume = np.round(random.lognormal(8, 1.2, bars))
        windows.append(BarWindow(f"S{number}", *prices, volume, session_start=max(0, bars - SESSION_BARS)))
    return windows


def plain_loop(windows: list[BarWindow]) -> list[object]:
    """Call TA-Lib by name for each symbol and column, as one would without an engine."""
    return [
        getattr(talib, indicator.function)(*(getattr(window, name) for name in indicator.inputs), **indicator.params)
        for window in windows
        for indicator in CATALOGUE
    ]


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
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame(dict(zip(names, window.fields, strict=True)), index=index)
    frame.ta.cores = 0
    frame.ta.study(study)
    return len(frame.columns) - 5


def contenders(symbols: int, study_symbols: int) -> list[Contender]:
    """Return all that is measured; pandas-ta runs once before, so that compiling is not counted."""
    session, anchor = make_windows(symbols, SESSION_BARS), make_windows(symbols, 3 * SESSION_BARS)
    tier_1 = {window.symbol for window in anchor[:20]}
    last = [SESSION_BARS - 1] * symbols
    newest = [3 * SESSION_BARS - 1] * symbols
    some = session[:study_symbols]
    found = [
        Contender("ours, 375 bars, newest row", lambda: compute_many(session, last), symbols, 375, FOR_EVERY_SYMBOL),
        Contender("ours, 375 bars, all rows", lambda: in_portions(session), symbols, 375, FOR_EVERY_SYMBOL),
        Contender(
            "ours, anchor 1,125, newest row", lambda: compute_many(anchor, newest), symbols, 1125, FOR_EVERY_SYMBOL
        ),
        Contender(
            "  the same with 20 tier-1 symbols",
            lambda: compute_many(anchor, newest, tier_1=tier_1),
            symbols,
            1125,
            FOR_EVERY_SYMBOL,
        ),
        Contender("TA-Lib plain loop, 375", lambda: plain_loop(session), symbols, 375, TALIB_COLUMNS),
        Contender("TA-Lib plain loop, 1,125", lambda: plain_loop(anchor), symbols, 1125, TALIB_COLUMNS),
    ]
    for name, inside in (("pandas-ta study, native", False), ("pandas-ta study, talib=True", True)):
        study = make_study(talib_inside=inside)
        made = run_study(some[0], study)
        found.append(Contender(name, lambda study=study: [run_study(w, study) for w in some], study_symbols, 375, made))
    return found


def in_portions(windows: list[BarWindow], size: int = 50) -> None:
    """Compute every row of all windows, 50 symbols at a time, as a backfill does."""
    for start in range(0, len(windows), size):
        portion = windows[start : start + size]
        compute_many(portion, [0] * len(portion))


def report(measured: list[Contender], symbols: int) -> None:
    """Print the table; what ran on fewer symbols is scaled, and says so."""
    print(f"{'':34}{'columns':>8}{'symbols':>9}{'median ms':>11}{'ms for ' + str(symbols):>12}{'µs/value':>11}")
    for one in measured:
        scaled = one.median * symbols / one.symbols * 1e3
        mark = "*" if one.symbols != symbols else " "
        print(
            f"{one.name:34}{one.columns:8}{one.symbols:9}{one.median * 1e3:11.1f}{scaled:11.0f}{mark}"
            f"{one.microseconds_per_value:11.5f}"
        )
    print("* scaled from the symbols measured. Columns: those computed for every symbol of the line.")
    print("A value is one symbol, bar and column of the bars read.")
    ours = next(one for one in measured if one.name == "ours, 375 bars, all rows")
    for other in measured:
        if other.name.startswith("pandas-ta"):
            times = other.microseconds_per_value / ours.microseconds_per_value
            print(f"per column {times:.0f} times faster than {other.name} (375 bars, all rows, same run)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=487)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--study-symbols", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # pandas-ta warns about its own use of pandas
    measured = contenders(options.symbols, options.study_symbols)
    for _ in range(options.rounds):
        for one in measured:
            started = time.perf_counter()
            one.run()
            one.seconds.append(time.perf_counter() - started)
    report(measured, options.symbols)


if __name__ == "__main__":
    main()
