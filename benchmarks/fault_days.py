"""Lets seeded days of random faults fall on the sources, and looks after every cycle for what must never happen.

A wrong price believed, an instrument without its outcome, a spoilt value without a trace, an exception that escapes,
or a market harmed by faults at sources that are not its own.

A day begins with a good cycle: who has never seen a market cannot tell that its only source errs by a hundred.

Run: python -m benchmarks.fault_days --days 100   (--seed S --day K lives through one of them again)
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.fault_plans import MARKETS, FaultDay, draw_day
from benchmarks.report import print_table
from market_pipeline.clock import HandClock
from market_pipeline.drills.truth import Truth
from market_pipeline.logs import configure_logging
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.schema import MarketFile
from market_pipeline.settings import Settings
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.sources.transport.patience import Patience
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import MarketRuntime, Runtime

MOST_SYMBOLS = 60
"""Of a market that takes its instruments from a list: a day in hundreds is no other than one in dozens."""
MOST_SHOWN = 60
EARLIER = datetime(2026, 1, 1, tzinfo=UTC)
"""Than any day that is drawn."""
Say = Callable[[str], None]


class UnhurriedRuntime(Runtime):
    """A runtime whose pauses take no time, and whose markets are small."""

    def wired(self, file: MarketFile, *, in_cycle: bool = False) -> MarketRuntime:
        """Wire a market as ever, with sources that never sleep."""
        file = _small(file)
        patience = Patience(sleep=lambda _: None)
        market = super().wired(file, in_cycle=in_cycle)
        return replace(market, make_source=lambda rule: self.recorded_source(file, rule, patience=patience)[0])


def _symbols(file: MarketFile) -> list[str]:
    return sorted(file.tier_1 or [rule.symbol for rule in file.symbols])[:MOST_SYMBOLS]


def _small(file: MarketFile) -> MarketFile:
    if file.universe is None:
        return file
    return file.model_copy(update={"universe": file.universe.model_copy(update={"limit": MOST_SYMBOLS})})


def _symbols(file: MarketFile) -> list[str]:
    return sorted(file.tier_1 or [rule.symbol for rule in file.symbols])[:MOST_SYMBOLS]


@dataclass
class FaultReport:
    """What was done, and `violations`, which should be empty."""

    days: int = 0
    cycles: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: int = 0
    tickers: int = 0
    bars: int = 0
    violations: list[str] = field(default_factory=list)


def fault_days(numbers: Sequence[int], *, seed: int = 1, say: Say = lambda _: None) -> FaultReport:
    """Live through the days of these numbers, each in a feed of its own, and report."""
    report = FaultReport()
    clock = HandClock(EARLIER)
    with running_simulator(SimulatorOptions(port=0, speed=0), clock=clock) as exchange:
        symbols = {name: _symbols(load_market(name)) for name in MARKETS}
        for number in numbers:
            day = draw_day(number, seed=seed, symbols=symbols)
            found = len(report.violations)
            with tempfile.TemporaryDirectory() as folder:
                _Drill(day, exchange, clock, Path(folder), report).run()
            exchange.set_faults(FaultPlan())
            report.days += 1
            report.faults.update(day.kinds)
            wrong = len(report.violations) - found
            say(f"day {number}: {day.market}, {', '.join(day.kinds)}: {wrong or 'no'} violations")
    return report


@dataclass(frozen=True)
class _Drill:
    """One day under fire."""

    day: FaultDay
    exchange: RunningSimulator
    clock: HandClock
    folder: Path
    report: FaultReport

    def run(self) -> None:
        """Live through a good cycle, then through the others with the plan in force."""
        settings = Settings(data=self.folder, simulator_url=self.exchange.url, budgets=False, _env_file=None)
        configure_logging(settings)
        for number, moment in enumerate(self.day.moments):
            self.clock.advance(moment - self.clock.at)
            if number == 1:
                self.exchange.set_faults(self.day.plan)
            self._cycle(settings, self.day.market)
            if number == len(self.day.moments) - 1:
                self._neighbour(settings)

    def _neighbour(self, settings: Settings) -> None:
        truth = self._cycle(settings, self.day.neighbour)
        if truth is not None:
            self._note(truth.failed_outcomes(), "neighbour")

    def _cycle(self, settings: Settings, market: str) -> Truth | None:
        runtime = UnhurriedRuntime(settings, self.clock)
        try:
            run_cycle(runtime, market)
        except Exception as error:  # an outermost loop: whatever escapes a cycle is what we look for
            self._note(iter([f"{type(error).__name__}: {error}"]), f"{market} escaped")
            return None
        wired, exchange = runtime.market(market, in_cycle=True), self.exchange.exchange(market)
        truth = Truth(runtime, wired, exchange, self.day.plan)
        self._check(truth, market)
        return truth

    def _check(self, truth: Truth, market: str) -> None:
        tickers = truth.tickers()
        self.report.cycles[market] += 1
        self.report.outcomes += truth.outcome_count()
        self.report.tickers += len(tickers)
        self.report.bars += truth.bar_count()
        self._note(truth.missing_outcomes(), f"{market} outcome")
        self._note(truth.wrong_tickers(tickers), f"{market} ticker")
        self._note(truth.wrong_bars(), f"{market} bar")
        self._note(truth.vanished(tickers), f"{market} vanished")

    def _note(self, found: Iterator[str], what: str) -> None:
        at = f"day {self.day.number} {self.clock.now():%Y-%m-%d %H:%M:%S} {what}"
        self.report.violations.extend(f"{at}: {text}" for text in found)


def _print(report: FaultReport, seconds: float) -> None:
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted(report.faults.items()))
    cycles = ", ".join(f"{market} {count}" for market, count in sorted(report.cycles.items()))
    rows = [
        ["days", str(report.days)],
        ["cycles", f"{report.cycles.total()}: {cycles}"],
        ["faults", f"{report.faults.total()}: {faults}"],
        ["outcomes checked", str(report.outcomes)],
        ["tickers checked", str(report.tickers)],
        ["bars checked", str(report.bars)],
        ["violations", str(len(report.violations))],
        ["seconds", f"{seconds:.0f}"],
    ]
    print_table(["what", "measured"], rows)


def main() -> None:
    """Live through the days, print, and exit with 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--day", type=int, help="only this one")
    options = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    began = time.monotonic()
    numbers = range(options.days) if options.day is None else range(options.day, options.day + 1)
    report = fault_days(numbers, seed=options.seed, say=lambda text: print(text, file=sys.stderr, flush=True))
    for text in report.violations[:MOST_SHOWN]:
        print(text)
    _print(report, time.monotonic() - began)
    sys.exit(1 if report.violations else 0)


if __name__ == "__main__":
    main()
