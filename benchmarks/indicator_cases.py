"""Our engines on a whole market, each case in a process of its own, so that its peak memory is its own.

Run by benchmarks.indicators: python -m benchmarks.indicator_cases batch --symbols 487 --bars 375; prints JSON.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import all_indicators
from market_pipeline.indicators.engine import compute_many
from market_pipeline.indicators.indicator import Group
from market_pipeline.indicators.resident import ResidentEngine

SESSION_BARS = 375
LEVELS = "market_pipeline.indicators.levels"
FOR_EVERY_SYMBOL = sum(len(i.columns) for i in all_indicators() if i.group is not Group.PANDAS_TA)


@dataclass(frozen=True)
class Measured:
    """One case: the seconds of each minute, of opening, and the process's peak memory (of shards: all together)."""

    seconds: list[float]
    cpu_seconds: list[float]
    open_seconds: float
    peak_megabytes: float
    columns: int


def make_windows(symbols: int, bars: int, *, seed: int = 7) -> list[BarWindow]:
    """Return seeded minutes on a tick grid of 0.05; the last 375 bars are the present session."""
    random = np.random.default_rng(seed)
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


def levels_step(windows: list[BarWindow]) -> tuple[Callable[[], Any] | None, int]:
    """Return what computes the levels of each window's newest bar, and their number; None where there are none."""
    if not importlib.util.find_spec(LEVELS):
        return None, 0
    engine, pivots = (importlib.import_module(f"{LEVELS}.{name}") for name in ("engine", "pivots"))
    rule = importlib.import_module("market_pipeline.markets.schema").LevelsRule()
    last = [len(window) - 1 for window in windows]
    previous = pivots.PreviousSession(*np.array([[series[0] for series in window.fields[:4]] for window in windows]).T)
    columns = len(importlib.import_module(f"{LEVELS}.catalogue").LEVELS)
    return lambda: engine.compute_levels(windows, last, previous=previous, rule=rule), columns


class BatchMinutes:
    """The newest row of each window, computed from the window, levels included where they exist."""

    def __init__(self, windows: list[BarWindow], *, tier_1: int = 0) -> None:
        self.windows = windows
        self.tier_1 = {window.symbol for window in windows[:tier_1]}
        self.last = [len(window) - 1 for window in windows]
        self.levels, self.level_columns = levels_step(windows)
        self.open_seconds = 0.0

    def run(self) -> None:
        """Compute one minute."""
        compute_many(self.windows, self.last, tier_1=self.tier_1)
        if self.levels:
            self.levels()


class ResidentMinutes:
    """The newest row of each window from handles that were opened on the bars before; levels as in the batch."""

    def __init__(self, windows: list[BarWindow], minutes: int) -> None:
        self.symbols = [window.symbol for window in windows]
        due = windows[0].session_start
        start = len(windows[0]) - minutes
        self.bars = iter(np.array([[w.fields[f][start:] for f in range(5)] for w in windows]).transpose(2, 0, 1).copy())
        self.engine = ResidentEngine()
        before = [BarWindow(w.symbol, *(f[:start] for f in w.fields), session_start=min(due, start)) for w in windows]
        self.levels, self.level_columns = levels_step(before)
        started = time.perf_counter()
        self.engine.open(before)
        self.open_seconds = time.perf_counter() - started

    def run(self) -> None:
        """Take one minute."""
        self.engine.push(self.symbols, next(self.bars))
        if self.levels:
            self.levels()


def make_case(kind: str, *, symbols: int, bars: int, minutes: int, seed: int = 7) -> BatchMinutes | ResidentMinutes:
    """Return the case with its bars, opened where it is resident; tier_1: 20 symbols get pandas-ta's columns too."""
    if kind == "resident":
        return ResidentMinutes(make_windows(symbols, bars + minutes, seed=seed), minutes)
    return BatchMinutes(make_windows(symbols, bars, seed=seed), tier_1=20 if kind == "tier_1" else 0)


def measure(kind: str, *, minutes: int, ready: Any = None, **size: int) -> Measured:
    """Measure one case in this process. `ready`: a barrier at which shards wait for each other before each minute."""
    case = make_case(kind, minutes=minutes, **size)
    seconds, used = [], []
    for _ in range(minutes):
        if ready:
            ready.wait()
        started, idle = time.perf_counter(), time.process_time()
        case.run()
        seconds.append(time.perf_counter() - started)
        used.append(time.process_time() - idle)
    return Measured(seconds, used, case.open_seconds, _peak_megabytes(), FOR_EVERY_SYMBOL + case.level_columns)


def measure_shards(kind: str, *, symbols: int, bars: int, minutes: int, shards: int) -> Measured:
    """Measure the symbols divided over processes: a minute is over when the slowest is. Values stay where they are."""
    context = multiprocessing.get_context("spawn")
    ready, found = context.Barrier(shards, timeout=300), context.Queue()
    edges = [symbols * number // shards for number in range(shards + 1)]
    workers = [
        context.Process(
            target=_shard,
            args=(found, kind, {"symbols": end - start, "bars": bars, "minutes": minutes, "seed": n, "ready": ready}),
        )
        for n, (start, end) in enumerate(pairwise(edges))
    ]
    for worker in workers:
        worker.start()
    parts: list[Measured] = [found.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join()
    seconds = [max(minute) for minute in zip(*(part.seconds for part in parts), strict=True)]
    used = [sum(minute) for minute in zip(*(part.cpu_seconds for part in parts), strict=True)]
    opened, peak = max(part.open_seconds for part in parts), sum(part.peak_megabytes for part in parts)
    return Measured(seconds, used, opened, peak, parts[0].columns)


def _shard(found: Any, kind: str, case: dict[str, Any]) -> None:
    found.put(measure(kind, **case))


def _peak_megabytes() -> float:
    """Return the high-water mark of this process's resident memory."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Measure one case and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("batch", "tier_1", "resident"))
    parser.add_argument("--symbols", type=int, default=487)
    parser.add_argument("--bars", type=int, default=SESSION_BARS)
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--shards", type=int, default=1)
    given = parser.parse_args()
    size = {"symbols": given.symbols, "bars": given.bars, "minutes": given.minutes}
    found = (
        measure(given.kind, **size) if given.shards == 1 else measure_shards(given.kind, shards=given.shards, **size)
    )
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
