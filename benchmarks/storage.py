"""Measure the warehouse: bytes on disk for many sessions, and queries while a full day of slices is present.

Run: python -m benchmarks.storage   (three minutes; --sessions 3 takes half a minute and scales the bytes)
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import batched
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from market_pipeline.clock import HandClock
from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.simulator.listing import listings_of, with_groups
from market_pipeline.simulator.price_model import ModelTapes
from market_pipeline.simulator.tape import SessionTape
from market_pipeline.simulator.timeline import Timeline
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.precision import stored_column
from market_pipeline.storage.tables import BARS_1M, BASE_TABLES, LIVE_TICKERS, UTC_TIME, Table
from market_pipeline.storage.warehouse import Warehouse

LAST_DAY = date(2026, 11, 20)
ANCHOR_SESSIONS = 2
TIER_1 = 20
SYMBOLS_AT_ONCE = 100
SESSION_MINUTES = 375
SEED = 1
GOAL_GIGABYTES, GOAL_LATEST_MS, GOAL_DAY_MS = 1.1, 50.0, 200.0
INDICATORS = indicators_1m()

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trading:
    """One session as the simulated exchange has it: symbol → its bars."""

    day: date
    bars: dict[str, SessionTape]


def trading(
    market: str, sessions: int, *, symbols: int | None = None, full: bool = False, last: date = LAST_DAY
) -> Iterator[Trading]:
    """Yield sessions of the simulated exchange up to `last`, thin names and halts included unless `full`."""
    file = load_market(market)
    calendar = calendar_for(file)
    listings = with_groups(listings_of(market), file)[:symbols]
    if full:
        listings = tuple(replace(item, minute_probability=1.0, halts_at=None) for item in listings)
    timeline = Timeline(calendar.session, ZoneInfo(file.calendar.zone))
    tapes = ModelTapes(listings, timeline, seed=SEED)
    days = [*calendar.previous_sessions(last, sessions - 1), last] if sessions > 1 else [last]
    for day in sorted(days):
        session = timeline.session(day)
        assert session is not None
        yield Trading(day, {item.symbol: tapes.tape(item, session) for item in listings})


def bar_rows(session: Trading, market: str) -> pa.Table:
    """Return a session's bars as rows."""
    tapes = session.bars.values()

    def joined(name: str) -> Reals:
        return np.concatenate([getattr(tape, name) for tape in tapes])

    moments = joined("starts").astype(np.int64) * 1_000_000
    arrays = {name: pa.array(joined(name)) for name in ("open", "high", "low", "close", "volume")}
    arrays |= {
        "symbol": pa.array(np.repeat(list(session.bars), [len(tape) for tape in tapes])),
        "interval_start": pa.array(moments).cast(UTC_TIME),
        "turnover": pa.array(np.concatenate([np.round(tape.close * tape.volume, 2) for tape in tapes])),
        "known_at": pa.array(moments + 60_000_000).cast(UTC_TIME),
    }
    constants: dict[str, object] = {"market": market, "session_date": session.day, "origin": "chart", "revision": 0}
    return table_of(BARS_1M, arrays, constants | {"is_final": True, "is_synthetic": False}, count=len(moments))


def table_of(table: Table, arrays: dict[str, pa.Array], constants: dict[str, object], *, count: int) -> pa.Table:
    """Return a table from columns and constants; a column without either is null."""
    done = [arrays.get(c.name, pa.repeat(pa.scalar(constants.get(c.name), c.type), count)) for c in table.columns]
    return pa.Table.from_arrays(done, schema=table.schema)


def indicator_rows(history: Sequence[Trading], market: str) -> Iterator[pa.Table]:
    """Yield the last session's indicators on its anchor window, in portions of symbols as the pipeline does."""
    present, names = history[-1], list(history[-1].bars)
    for portion in batched((name for name in names if len(present.bars[name])), SYMBOLS_AT_ONCE):
        windows = [window_of(name, history) for name in portion]
        values = compute_many(windows, [window.session_start for window in windows], tier_1=set(names[:TIER_1]))
        tapes = [present.bars[name] for name in portion]
        arrays = {"symbol": pa.array(np.repeat(list(portion), [len(tape) for tape in tapes]))}
        moments = np.concatenate([tape.starts for tape in tapes]).astype(np.int64) * 1_000_000
        arrays["interval_start"] = pa.array(moments).cast(UTC_TIME)
        fields = [INDICATORS.schema.field(c.column) for c in columns()]
        arrays |= {field.name: stored_column(values[:, i], field.type) for i, field in enumerate(fields)}
        constants: dict[str, object] = {"market": market, "session_date": present.day, "known_at": datetime.now(UTC)}
        yield table_of(INDICATORS, arrays, constants, count=len(moments))


def window_of(name: str, history: Sequence[Trading]) -> BarWindow:
    """Return a symbol's bars of these sessions, of which the last one is in progress."""
    tapes = [session.bars[name] for session in history]
    opened, high, low, close, volume = (
        np.concatenate([getattr(tape, field) for tape in tapes]) for field in ("open", "high", "low", "close", "volume")
    )
    return BarWindow(name, opened, high, low, close, volume, session_start=len(opened) - len(tapes[-1]))


@dataclass(frozen=True)
class Disk:
    """What the session tier takes."""

    rows: int
    sizes: dict[str, int]

    def gigabytes(self, rows: float) -> float:
        """Return the size of so many rows of bars and indicators."""
        return sum(self.sizes.values()) / self.rows * rows / 1e9


def measure_disk(warehouse: Warehouse, *, symbols: int, sessions: int, full: bool = False) -> Disk:
    """Write whole sessions of bars and indicators."""
    history: list[Trading] = []
    for number, session in enumerate(trading("india", sessions + ANCHOR_SESSIONS, symbols=symbols, full=full)):
        history = [*history[-ANCHOR_SESSIONS:], session]
        if number >= ANCHOR_SESSIONS:
            warehouse.write_session(BARS_1M, "india", session.day, bar_rows(session, "india"))
            rows = pa.concat_tables(indicator_rows(history, "india"))
            warehouse.write_session(INDICATORS, "india", session.day, rows)
    counts = warehouse.row_counts(["bars_1m"])
    sizes = {
        name: sum(found.path.stat().st_size for found in warehouse.slices(name, "india"))
        for name in ("bars_1m", "indicators_1m")
    }
    return Disk(counts["bars_1m", "india"], sizes)


def fill_day(warehouse: Warehouse, market: str, *, symbols: int) -> None:
    """Write a full day of live slices, bars and tickers, as the cycles of the day would have left them."""
    (session,) = trading(market, 1, symbols=symbols, full=True)
    rows = bar_rows(session, market)
    warehouse.write(BARS_1M, market, rows)
    prices = {"price": rows["close"].combine_chunks(), "symbol": rows["symbol"].combine_chunks()}
    prices |= {"known_at": rows["known_at"].combine_chunks(), "ticker": prices["symbol"]}
    constants = {"market": market, "session_date": session.day, "provenance": "{}", "session_state": "open"}
    warehouse.write(LIVE_TICKERS, market, table_of(LIVE_TICKERS, prices, constants, count=rows.num_rows))


def milliseconds(run: Callable[[], object], times: int) -> list[float]:
    """Run `times` times after one warm-up; return the milliseconds of each, sorted."""
    run()
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        run()
        found.append((time.perf_counter() - begun) * 1e3)
    return sorted(found)


def measure_queries(warehouse: Warehouse, times: int) -> dict[str, list[float]]:
    """Time queries on market.duckdb, as a person's client sends them, and the pipeline's own reads."""
    path = warehouse.build_market_duckdb().path
    day = f"market = 'india' AND session_date = DATE '{LAST_DAY}'"
    anchor = warehouse.sessions(BARS_1M, "india")[-3:]
    names = ("symbol", "interval_start", "open", "high", "low", "close", "volume")
    with duckdb.connect(str(path), read_only=True) as people:

        def ask(sql: str) -> Callable[[], object]:
            return lambda: people.sql(sql).to_arrow_table()

        return {
            "live_tickers_latest": milliseconds(ask("SELECT * FROM live_tickers_latest"), times),
            "a symbol's day of bars": milliseconds(
                ask(f"FROM bars_1m WHERE {day} AND symbol = 'TCS' ORDER BY interval_start"), times
            ),
            "a symbol's day of tickers": milliseconds(ask(f"FROM live_tickers WHERE {day} AND symbol = 'TCS'"), times),
            "anchor window, all symbols": milliseconds(
                lambda: warehouse.read(BARS_1M, "india", sessions=anchor, columns=names), times
            ),
            "newest tickers, in process": milliseconds(lambda: warehouse.latest(LIVE_TICKERS, "india"), times),
        }


def report(name: str, found: list[float], goal: float | None = None) -> None:
    """Print one line with the median and the 99th percentile."""
    p99 = found[min(len(found) - 1, round(len(found) * 0.99))]
    aim = "" if goal is None else f"   goal {goal:g} ms: {'met' if statistics.median(found) <= goal else 'MISSED'}"
    print(f"{name:28} p50 {statistics.median(found):7.1f} ms   p99 {p99:7.1f} ms{aim}")


def _warehouse(folder: Path) -> Warehouse:
    return Warehouse(folder, [*BASE_TABLES, INDICATORS], clock=HandClock(datetime(2026, 11, 20, 10, tzinfo=UTC)))


def print_disk(warehouse: Warehouse, *, symbols: int, sessions: int) -> None:
    """Measure and print bytes: as the simulated exchange trades, and if every symbol traded in every minute."""
    disk = measure_disk(warehouse, symbols=symbols, sessions=sessions)
    for name, size in disk.sizes.items():
        print(f"{name:28} {size / 1e6:8.1f} MB   {size / disk.rows:6.1f} bytes a row   {disk.rows:,} rows")
    as_simulated = disk.gigabytes(disk.rows * 22 / sessions)
    verdict = "met" if as_simulated <= GOAL_GIGABYTES else "MISSED"
    print(f"{'22 sessions, as simulated':28} {as_simulated:8.3f} GB   goal {GOAL_GIGABYTES:g} GB: {verdict}")
    with tempfile.TemporaryDirectory() as folder:
        full = measure_disk(_warehouse(Path(folder)), symbols=symbols, sessions=1, full=True)
    print(f"{'22 sessions, no gaps at all':28} {full.gigabytes(22 * full.rows):8.3f} GB   {full.rows:,} rows each")


def print_queries(warehouse: Warehouse, *, symbols: int, times: int) -> None:
    """Fill a day of two markets, with two sessions before it, then time and print queries."""
    fill_day(warehouse, "india", symbols=symbols)
    fill_day(warehouse, "crypto", symbols=20)
    for session in list(trading("india", 3, symbols=symbols, full=True))[:-1]:
        warehouse.write_session(BARS_1M, "india", session.day, bar_rows(session, "india"))
    goals = {"live_tickers_latest": GOAL_LATEST_MS, "a symbol's day of bars": GOAL_DAY_MS}
    for name, found in measure_queries(warehouse, times).items():
        report(name, found, goals.get(name))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=22)
    parser.add_argument("--symbols", type=int, default=487)
    parser.add_argument("--times", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        disk, day = (_warehouse(Path(folder) / name) for name in ("disk", "day"))
        print_disk(disk, symbols=chosen.symbols, sessions=chosen.sessions)
        print_queries(day, symbols=chosen.symbols, times=chosen.times)


if __name__ == "__main__":
    main()
