"""(f) Own work of one refresh of metrics for the whole of a big market: read, merge, write, report.

A made-up universe: every instrument has a live ticker, a year of daily bars, a report of one source and last turn's
row. The source answers from memory, so what it takes to ask is left out, as the target wants it.

Run: python -m benchmarks.metrics   (about a minute; --symbols 8782 --rounds 3)
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from benchmarks.report import machine, print_table, spread, verdict
from market_pipeline.clock import Clock, SystemClock
from market_pipeline.logs import configure_logging
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.live_ticker import FieldProvenance, LiveTicker
from market_pipeline.model.metrics import Metrics
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import PriceKind
from market_pipeline.settings import Settings
from market_pipeline.sources.source import Fetched
from market_pipeline.steps.refresh_metrics import MetricsReport, refresh_metrics
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage import records
from market_pipeline.storage.tables import BARS_1D, INSTRUMENTS, LIVE_TICKERS

LIMIT_SECONDS, AIM_SECONDS = 60.0, 5.0
NOW = datetime(2026, 11, 19, 7, 0, tzinfo=UTC)
SESSIONS = 252


@dataclass
class StandingClock:
    """Market time that moves only when told to, beside a running monotonic clock."""

    at: datetime
    running: SystemClock = field(default_factory=SystemClock)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.running.monotonic()


@dataclass
class MadeUp:
    """A source that reports all fields of every instrument from memory."""

    clock: Clock
    name: str = "dhan"
    kinds: frozenset[RequestKind] = frozenset({RequestKind.METRICS})

    def metrics(self, instruments: Sequence[Instrument]) -> Fetched[Metrics]:
        now = self.clock.now()
        said = tuple(
            Metrics(
                *("india", self.name, one.symbol, now, now, 1e6, 101.0, 99.0, 1e9, 15.5, 0.031, 80.0, 130.0, 9e5),
                *(99.9, 100.0, 100.1, 200.0, 6.4, 50.0, now.date(), 1e7, "INR"),
            )
            for one in instruments
        )
        status = OutcomeStatus.OK
        outcomes = (Outcome("india", self.name, i.symbol, RequestKind.METRICS, status, now) for i in instruments)
        return Fetched(said, tuple(outcomes))


def fill(runtime: Runtime, symbols: int) -> None:
    """Write what a market of so many instruments holds before a refresh."""
    instruments = [Instrument("india", f"SYM{n:05d}", f"Company {n}", currency="INR") for n in range(symbols)]
    warehouse = runtime.warehouse
    warehouse.write(INSTRUMENTS, "india", records.instruments_table(instruments, (), known_at=NOW))
    warehouse.write(BARS_1D, "india", daily_bars([one.symbol for one in instruments]))
    record = FieldProvenance("dhan", NOW, NOW, PriceKind.TRADE)
    provenance = dict.fromkeys(("last", "session", "book"), record)
    tickers = [
        LiveTicker(
            *("india", one.symbol, NOW, NOW, 100.0, PriceKind.TRADE, "dhan", (), 99.5, 101.0, 99.0, 99.0, 1e6),
            *(1e8, 99.9, 100.0, 100.1, 200.0),
            provenance=provenance,
        )
        for one in instruments
    ]
    file = load_market("india")
    state = calendar_for(file).state(NOW)
    by_symbol = {one.symbol: one for one in instruments}
    table = records.tickers_table(tickers, market_file=file, instruments=by_symbol, state=state, known_at=NOW)
    warehouse.write(LIVE_TICKERS, "india", table)


def daily_bars(symbols: Sequence[str]) -> pa.Table:
    """Return a year of bars of every symbol."""
    chance = random.Random(1)
    days = [NOW.date() - timedelta(days=n) for n in range(1, SESSIONS * 7 // 5)]
    days = [day for day in days if day.weekday() < 5]
    count = len(days) * len(symbols)
    constants = {"market": "india", "source": "dhan", "is_split_adjusted": False, "known_at": NOW}
    figures = {"open": 100.0, "high": 102.0, "low": 98.0, "turnover": 1e8}
    columns: dict[str, pa.Array] = {
        "symbol": pa.array([symbol for symbol in symbols for _ in days]),
        "session_date": pa.array(days * len(symbols)),
        "close": pa.array([chance.uniform(90, 110) for _ in range(count)]),
        "volume": pa.array([chance.uniform(1e5, 1e6) for _ in range(count)]),
    }
    arrays = []
    for found in BARS_1D.columns:
        value = (constants | figures).get(found.name)
        arrays.append(columns.get(found.name, pa.repeat(pa.scalar(value, found.type), count)))
    return pa.Table.from_arrays(arrays, schema=BARS_1D.schema)


def refreshed(folder: Path, clock: StandingClock) -> MetricsReport:
    """Refresh once with a runtime of its own, as each run has one."""
    runtime = Runtime(Settings(data=folder, _env_file=None), clock)
    file = load_market("india")
    market = MarketRuntime(file, calendar_for(file), {}, lambda _: MadeUp(clock))
    return refresh_metrics(runtime, market)


def main() -> int:
    """Measure and print; return 1 when the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=8782)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, clock = Path(name), StandingClock(NOW)
        settings = Settings(data=folder, _env_file=None)
        configure_logging(settings)
        fill(Runtime(settings, clock), options.symbols)
        seconds = []
        for _ in range(options.rounds + 1):  # the first one has no row of last turn
            seconds.append(refreshed(folder, clock).own_seconds)
            clock.at += timedelta(minutes=10)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(machine())
    header = ("metrics", "least s", "median s", "greatest s", f"limit {LIMIT_SECONDS:g} s", f"aim {AIM_SECONDS:g} s")
    worst = max(seconds)
    figures = [*spread(seconds[1:]), verdict(worst, LIMIT_SECONDS), verdict(worst, AIM_SECONDS)]
    print_table(header, [(f"{options.symbols:,} instruments", *figures)])
    print(f"peak memory of this process, making the universe included: {megabytes:.0f} MB")
    return 0 if worst <= LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
