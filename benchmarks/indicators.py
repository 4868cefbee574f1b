"""Measure both indicator engines on whole markets, then beside TA-Lib, polars-talib, talipp and a pandas-ta study.

Run: python -m benchmarks.indicators   (three to six minutes; what a peer compiles at its first call is not counted)
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.feed import PROJECT
from benchmarks.indicator_cases import FOR_EVERY_SYMBOL, SESSION_BARS, BatchMinutes, ResidentMinutes, make_windows
from benchmarks.indicator_peers import Contender, peers
from benchmarks.report import machine, print_table, verdict, verdict_at_least
from market_pipeline.indicators.engine import compute_many

MARKETS = (487, 8782)
ANCHOR_BARS = 3 * SESSION_BARS
LEAST_BATCH, LEAST_RESIDENT = 50, 500
"""How many times faster than a pandas-ta study each engine has to be, column by column."""


@dataclass(frozen=True)
class Case:
    """One line of the first table: what is measured in a process of its own, and the limits it is held to."""

    name: str
    kind: str
    symbols: int
    bars: int
    seconds: float | None
    megabytes: float | None = None
    shards: int = 1
    minutes: int = 3


CASES = (
    Case("batch, 375 bars", "batch", 487, SESSION_BARS, 0.7),
    Case("batch, real anchor of 1,125 bars", "batch", 487, ANCHOR_BARS, 1.2),
    Case("the same, 20 tier-1 symbols with pandas-ta", "tier_1", 487, ANCHOR_BARS, 1.2),
    Case("resident, 375 bars", "resident", 487, SESSION_BARS, 0.1, minutes=9),
    Case("batch, 375 bars", "batch", 8782, SESSION_BARS, 12, 1200),
    Case("batch, real anchor of 1,125 bars", "batch", 8782, ANCHOR_BARS, 20, 1200, minutes=1),
    Case("resident, 375 bars", "resident", 8782, SESSION_BARS, 1.5, 1200, minutes=9),
    Case("batch, 375 bars, two processes", "batch", 8782, SESSION_BARS, None, shards=2),
    Case("resident, 375 bars, two processes", "resident", 8782, SESSION_BARS, None, shards=2, minutes=9),
)


def measure_cases(largest: int) -> Iterator[list[str]]:
    """Yield the rows of the first table, each case in a fresh process."""
    for case in CASES:
        if case.symbols > largest:
            continue
        print(f"measuring {case.name}, {case.symbols:,} symbols", file=sys.stderr, flush=True)
        words = [sys.executable, "-m", "benchmarks.indicator_cases", case.kind]
        for option in ("symbols", "bars", "minutes", "shards"):
            words += [f"--{option}", str(getattr(case, option))]
        done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        seconds, peak = statistics.median(found["seconds"]), found["peak_megabytes"]
        yield [
            case.name,
            f"{case.symbols:,}",
            str(found["columns"]),
            f"{seconds:.3f}",
            f"{statistics.median(found['cpu_seconds']):.3f}",
            f"≤ {case.seconds:g} s: {verdict(seconds, case.seconds)}" if case.seconds else "",
            f"{found['open_seconds']:.2f}" if found["open_seconds"] else "",
            f"{peak:.0f}",
            f"≤ {case.megabytes:g} MB: {verdict(peak, case.megabytes)}" if case.megabytes else "",
        ]


def ours(symbols: int, rounds: int) -> list[Contender]:
    """Return our engines on the smaller market, as the peers are measured: in this process, in turn with them."""
    windows = make_windows(symbols, SESSION_BARS)
    newest = BatchMinutes(windows)
    resident = ResidentMinutes(make_windows(symbols, SESSION_BARS + rounds), rounds)
    columns = FOR_EVERY_SYMBOL + newest.level_columns
    return [
        Contender("ours, batch, newest row", newest.run, symbols, 375, columns),
        Contender("ours, batch, all rows", lambda: in_portions(windows), symbols, 375, FOR_EVERY_SYMBOL),
        Contender("ours, resident, one bar", resident.run, symbols, 1, columns),
    ]


def in_portions(windows: list, size: int = 50) -> None:
    """Compute every row of all windows, 50 symbols at a time, as a backfill does."""
    for start in range(0, len(windows), size):
        portion = windows[start : start + size]
        compute_many(portion, [0] * len(portion))


def report(measured: list[Contender]) -> None:
    """Print what one more minute costs with each; what ran on fewer symbols than 487 is scaled, and says so."""
    rows = [
        [
            one.name,
            str(one.columns),
            str(one.symbols),
            f"{one.median * 1e3:.1f}",
            *(
                f"{one.median * market / one.symbols * 1e3:,.0f}{'' if market == one.symbols else ' *'}"
                for market in MARKETS
            ),
            f"{one.microseconds_a_minute:.2f}",
            f"{one.microseconds_per_value:.4f}",
        ]
        for one in measured
    ]
    print_table(
        ["engine", "columns", "symbols", "median ms", *(f"ms for {market:,}" for market in MARKETS),
         "µs per symbol-column of a minute", "µs per symbol-bar-column"],
        rows,
    )  # fmt: skip
    print(
        "\n* scaled from the symbols measured. A batch reads 375 bars for one more minute, talipp and resident one bar."
    )


def report_ratios(measured: list[Contender]) -> None:
    """Print how many times faster than pandas-ta each engine is, for one column of one symbol's newest minute."""
    by_name = {one.name: one for one in measured}
    for name, least in (("ours, batch, all rows", LEAST_BATCH), ("ours, resident, one bar", LEAST_RESIDENT)):
        for other in measured:
            if other.name.startswith("pandas-ta"):
                times = other.microseconds_a_minute / by_name[name].microseconds_a_minute
                print(f"{name}: {times:,.0f} times faster a column than {other.name}; "
                      f"≥ {least}: {verdict_at_least(times, least)}")  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--largest", type=int, default=MARKETS[-1], help="leave out the markets with more symbols")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # pandas-ta warns about its own use of pandas
    print(f"{machine()}\n\nOne minute of a market, each line in a process of its own (synthetic bars):\n")
    header = ["engine", "symbols", "columns", "median s", "CPU s", "time limit", "open s", "peak MB", "memory limit"]
    print_table(header, list(measure_cases(options.largest)))
    smallest = MARKETS[0]
    measured = [*ours(smallest, options.rounds), *peers(make_windows(smallest, SESSION_BARS))]
    for _ in range(options.rounds):
        for one in measured:
            started = time.perf_counter()
            one.run()
            one.seconds.append(time.perf_counter() - started)
    print(f"\n{machine()}\n\nBeside peers, in one process, in turn, medians of {options.rounds} rounds:\n")
    report(measured)
    report_ratios(measured)


if __name__ == "__main__":
    main()
