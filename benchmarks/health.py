"""(j) One look at everything, as the health sensor makes it each minute: seven markets, 10,000 symbols.

Made-up rows in a warehouse of its own: a quarter of an hour of quotes, outcomes, tickers, bars and coverage of every
symbol, behind them a slice for each earlier minute of the session. Then looks, a minute apart, each by a runtime of
its own, as each tick makes one. Not counted: Dagster's own reading of the runs.

Run: python -m benchmarks.health   (a minute; --profile says where the time goes)
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.report import machine, print_table, spread, verdict
from market_pipeline.clock import HandClock
from market_pipeline.logs import configure_logging
from market_pipeline.markets.loader import market_names
from market_pipeline.quality.runs import CycleRun
from market_pipeline.settings import Settings
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.watch import watch
from market_pipeline.storage.tables import (
    BARS_1M,
    COVERAGE,
    FETCH_OUTCOMES,
    INSTRUMENTS,
    LIVE_TICKERS,
    RAW_QUOTES,
    Table,
)

NOW = datetime(2026, 11, 19, 15, 10, tzinfo=UTC)
"""A Thursday, 10:10 in New York; Casablanca trades too, and the day of crypto is fifteen hours old."""
MINUTE = timedelta(minutes=1)
WINDOW = 15
SYMBOLS = {"us": 8_800, "india": 1_000}
"""Of the markets whose list comes from a source; the others are as long as their file."""
FIRST_TIER = 500
LOOKS = 10
LIMIT_SECONDS, LIMIT_CPU_SHARE = 1.0, 0.03


def main() -> int:
    """Return 1 when a limit was missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--profile", action="store_true", help="print the forty slowest functions of a look")
    is_profiled = options.parse_args().profile
    with tempfile.TemporaryDirectory() as folder:
        clock = HandClock(NOW)
        settings = Settings(data=Path(folder), budgets=False, _env_file=None)
        configure_logging(settings)
        began = Runtime(settings, clock)
        count = _prepare(began, clock)
        seconds, processor = [], []
        for number in range(LOOKS):
            clock.advance(MINUTE)
            _write_minute(began, clock.now())
            measured = _look(settings, clock, profile=is_profiled and number == LOOKS - 1)
            seconds.append(measured[0])
            processor.append(measured[1])
    return _report(count, seconds[1:], processor[1:])


def _look(settings: Settings, clock: HandClock, *, profile: bool) -> tuple[float, float]:
    runs = {name: list(_runs(clock.now())) for name in market_names()}
    profiler = cProfile.Profile()
    wall, processor = time.perf_counter(), time.process_time()
    if profile:
        profiler.enable()
    watch(Runtime(settings, clock), runs)
    profiler.disable()
    measured = time.perf_counter() - wall, time.process_time() - processor
    if profile:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    return measured


def _report(count: int, seconds: list[float], processor: list[float]) -> int:
    print(machine())
    rows = [
        ["seconds", *spread(seconds), verdict(max(seconds), LIMIT_SECONDS)],
        [
            "CPU share of a minute",
            *spread([cpu / 60 for cpu in processor], 4),
            verdict(max(processor) / 60, LIMIT_CPU_SHARE),
        ],
    ]
    print_table([f"a look at 7 markets, {count:,} symbols", "least", "median", "most", "limit"], rows)
    return int(max(seconds) > LIMIT_SECONDS or max(processor) / 60 > LIMIT_CPU_SHARE)


def _runs(now: datetime) -> Iterator[CycleRun]:
    for n in range(WINDOW):
        began = now - n * MINUTE
        yield CycleRun(began, began + timedelta(seconds=10), failed=False, run_id=f"run-{n}")


def _prepare(runtime: Runtime, clock: HandClock) -> int:
    """Fill the warehouse up to the clock's time; return the number of symbols."""
    count = 0
    for name in market_names():
        market = runtime.market(name)
        symbols = _symbols(market)
        count += len(symbols)
        tiers = [1 if n < FIRST_TIER else 2 for n in range(len(symbols))]
        listed = {"symbol": symbols, "tier": tiers, "status": ["listed"] * len(symbols)}
        runtime.warehouse.write(INSTRUMENTS, name, _rows(INSTRUMENTS, market, clock.now(), columns=listed))
    for n in reversed(range(WINDOW)):
        _write_minute(runtime, clock.now() - n * MINUTE)
    for name in market_names():
        _earlier_minutes(runtime, runtime.market(name), clock.now() - WINDOW * MINUTE)
    return count


def _symbols(market: MarketRuntime) -> list[str]:
    if market.file.universe is None:
        return [rule.symbol for rule in market.file.symbols]
    return [f"S{n:05d}" for n in range(SYMBOLS[market.name])]


def _write_minute(runtime: Runtime, now: datetime) -> None:
    for name in market_names():
        market = runtime.market(name)
        symbols = _symbols(market)
        sources = [rule.name for rule in market.file.quote_sources]
        both = {"symbol": symbols * len(sources), "source": [source for source in sources for _ in symbols]}
        statuses = ["timeout" if n % 100 == 0 else "ok" for n in range(len(both["symbol"]))]
        quotes = both | {"price": [100.0] * len(statuses), "price_kind": ["trade"] * len(statuses)}
        outcomes = both | {"kind": ["quote"] * len(statuses), "status": statuses}
        bars = {"symbol": symbols, "close": [100.0] * len(symbols), "is_final": [True] * len(symbols)}
        tiers: dict[str, list[Any]] = {
            "tier": [1, 2],
            "fresh": [490, 900],
            "listed": [500, 1000],
            "share": [0.98, 0.9],
            "reasons": ["{}", "{}"],
        }
        for table, columns in (
            (RAW_QUOTES, quotes),
            (FETCH_OUTCOMES, outcomes),
            (LIVE_TICKERS, {"symbol": symbols, "price": [100.0] * len(symbols)}),
            (BARS_1M, bars),
            (COVERAGE, tiers),
        ):
            runtime.warehouse.write(table, name, _rows(table, market, now, columns=columns))


def _rows(table: Table, market: MarketRuntime, now: datetime, *, columns: dict[str, list[Any]]) -> pa.Table:
    """Return rows with these columns, the market's and the minute's; the rest is null."""
    count = len(next(iter(columns.values())))
    constants: dict[str, Any] = {"market": market.name, "session_date": market.calendar.session_date_at(now)}
    constants |= dict.fromkeys(("as_of", "interval_start"), now.replace(second=0))
    constants |= dict.fromkeys(("event_time", "received_time", "known_at", "timestamp"), now)
    arrays = []
    for field in table.schema:
        if field.name in columns:
            arrays.append(pa.array(columns[field.name], field.type))
        else:
            arrays.append(pa.repeat(pa.scalar(constants.get(field.name), field.type), count))
    return pa.Table.from_arrays(arrays, schema=table.schema)


def _earlier_minutes(runtime: Runtime, market: MarketRuntime, until: datetime) -> None:
    """Put a copy of the newest slice into every earlier minute of the session: a look lists them all."""
    day = market.calendar.session_date_at(until)
    session = market.calendar.session(day)
    if session is None:
        return
    for table in (RAW_QUOTES, FETCH_OUTCOMES, LIVE_TICKERS, BARS_1M, COVERAGE):
        _copy_slices(runtime, table, market, day=day, minutes=int((until - session.open) / MINUTE))


def _copy_slices(runtime: Runtime, table: Table, market: MarketRuntime, *, day: date, minutes: int) -> None:
    slices = runtime.warehouse.slices(table, market.name, [day])
    opening = market.calendar.session(day)
    if not slices or opening is None:
        return
    smallest = min((found.path for found in slices), key=lambda path: path.stat().st_size)
    for n in range(minutes):
        target = runtime.warehouse.layout.minute_slice(
            table, market.name, session_date=day, minute=opening.open + n * MINUTE
        )
        if not target.exists():
            shutil.copyfile(smallest, target)


if __name__ == "__main__":
    raise SystemExit(main())
