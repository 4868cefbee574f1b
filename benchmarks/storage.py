"""Measure the warehouse: bytes on disk for many sessions, and queries while a full day of slices is present.

Run: python -m benchmarks.storage   (three minutes; --sessions 3 takes half a minute and scales the bytes)
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from market_pipeline.clock import HandClock
from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.storage.precision import shorten
from market_pipeline.storage.tables import BARS_1M, BASE_TABLES, LIVE_TICKERS, UTC_TIME, Column, Table, indicators_table
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline.transforms.bar_rows import VALUES

LAST_DAY = date(2026, 11, 20)
OPEN_MINUTE_UTC = 225
"""09:15 in India."""
ANCHOR_SESSIONS = 2
TIER_1 = 20
SYMBOLS_AT_ONCE = 100
TICK = 0.05
GOAL_GIGABYTES, GOAL_LATEST_MS, GOAL_DAY_MS = 1.1, 50.0, 200.0
TYPES = {"float32": pa.float32(), "float64": pa.float64(), "int16": pa.int16()}
INDICATORS = indicators_table(Column(c.column, TYPES[c.storage_type], c.description, c.unit) for c in columns())

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Minutes:
    """One session of every symbol: open, high, low, close, volume, each of shape (symbols, minutes)."""

    day: date
    fields: tuple[Reals, ...]


def trading(symbols: int, bars: int, sessions: int) -> Iterator[Minutes]:
    """Yield seeded sessions on a tick grid: fat-tailed returns, whole shares; each goes on where the last one ended."""
    random = np.random.default_rng(11)
    level = random.normal(6, 1, (symbols, 1))
    for back in range(sessions - 1, -1, -1):
        path = level + np.cumsum(random.standard_t(4, (symbols, bars)) * 6e-4, axis=1)
        close = np.exp(path)
        opened = np.concatenate([np.exp(level), close[:, :-1]], axis=1)
        level = path[:, -1:]
        spread = np.abs(random.normal(0, 4e-4, (2, symbols, bars)))
        high, low = np.maximum(opened, close) * (1 + spread[0]), np.minimum(opened, close) * (1 - spread[1])
        prices = (np.round(series / TICK) * TICK for series in (opened, high, low, close))
        volume = np.round(random.lognormal(8, 1.2, (symbols, bars)))
        yield Minutes(LAST_DAY - timedelta(days=back), (*prices, volume))


def starts(day: date, bars: int) -> npt.NDArray[np.int64]:
    """Return the interval starts of a session in microseconds."""
    first = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // 60 + OPEN_MINUTE_UTC
    return (first + np.arange(bars)) * 60_000_000


def bar_rows(session: Minutes, market: str, names: Sequence[str]) -> pa.Table:
    """Return a session's bars as rows."""
    symbols, bars = session.fields[0].shape
    count, moments = symbols * bars, np.tile(starts(session.day, bars), symbols)
    turnover = session.fields[3] * session.fields[4]
    values = dict(zip(VALUES, (*session.fields, turnover), strict=True))
    constants = {"market": market, "session_date": session.day, "origin": "chart", "n_ticks": None, "is_final": True}
    constants |= {"is_synthetic": False, "revision": 0}
    known = pa.array(moments + 60_000_000).cast(UTC_TIME)
    arrays = {"symbol": pa.array(np.repeat(names, bars)), "interval_start": pa.array(moments).cast(UTC_TIME)}
    arrays |= {name: pa.array(series.ravel()) for name, series in values.items()} | {"known_at": known}
    return table_of(BARS_1M, arrays, constants, count=count)


def table_of(table: Table, arrays: dict[str, pa.Array], constants: dict[str, object], *, count: int) -> pa.Table:
    """Return a table from columns and constants; a column without either is null."""
    done = [arrays.get(c.name, pa.repeat(pa.scalar(constants.get(c.name), c.type), count)) for c in table.columns]
    return pa.Table.from_arrays(done, schema=table.schema)


def indicator_rows(history: Sequence[Minutes], market: str, names: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the last session's indicators on its anchor window, in portions of symbols as the pipeline does."""
    present, bars = history[-1], history[-1].fields[0].shape[1]
    first = sum(session.fields[0].shape[1] for session in history[:-1])
    for portion in batched(range(len(names)), SYMBOLS_AT_ONCE):
        windows = [
            BarWindow(
                names[i], *(np.concatenate([s.fields[f][i] for s in history]) for f in range(5)), session_start=first
            )
            for i in portion
        ]
        values = compute_many(windows, [first] * len(windows), tier_1=set(names[:TIER_1]))
        moments = np.tile(starts(present.day, bars), len(portion))
        arrays = {"symbol": pa.array(np.repeat([names[i] for i in portion], bars))}
        arrays |= {"interval_start": pa.array(moments).cast(UTC_TIME)}
        arrays |= {c.column: stored(values[:, i], TYPES[c.storage_type]) for i, c in enumerate(columns())}
        constants: dict[str, object] = {"market": market, "session_date": present.day, "known_at": datetime.now(UTC)}
        yield table_of(INDICATORS, arrays, constants, count=len(moments))


def stored(values: Reals, type_: pa.DataType) -> pa.Array:
    """Return a column in its storage type; NaN becomes null."""
    missing = np.isnan(values)
    known = np.where(missing, 0.0, values)
    return pa.array(shorten(known) if type_ == pa.float32() else known.astype(type_.to_pandas_dtype()), mask=missing)


def measure_disk(warehouse: Warehouse, *, symbols: int, bars: int, sessions: int) -> dict[str, float]:
    """Write whole sessions of bars and indicators; return table → bytes."""
    names = [f"S{n:04d}" for n in range(symbols)]
    history: list[Minutes] = []
    for number, session in enumerate(trading(symbols, bars, sessions + ANCHOR_SESSIONS)):
        history = [*history[-ANCHOR_SESSIONS:], session]
        if number < ANCHOR_SESSIONS:
            continue
        warehouse.write_session(BARS_1M, "india", session.day, bar_rows(session, "india", names))
        rows = pa.concat_tables(indicator_rows(history, "india", names))
        warehouse.write_session(INDICATORS, "india", session.day, rows)
    found = {
        name: [s.path.stat().st_size for s in warehouse.slices(name, "india")] for name in ("bars_1m", "indicators_1m")
    }
    return {name: float(sum(sizes)) for name, sizes in found.items()}


def fill_day(warehouse: Warehouse, market: str, *, symbols: int, bars: int) -> None:
    """Write a full day of live slices, bars and tickers, as the cycles of the day would have left them."""
    names = [f"S{n:04d}" for n in range(symbols)]
    (session,) = trading(symbols, bars, 1)
    rows = bar_rows(session, market, names)
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
    anchor = [LAST_DAY - timedelta(days=back) for back in (2, 1, 0)]
    names = ("symbol", "interval_start", "open", "high", "low", "close", "volume")
    with duckdb.connect(str(path), read_only=True) as people:

        def ask(sql: str) -> Callable[[], object]:
            return lambda: people.sql(sql).to_arrow_table()

        return {
            "live_tickers_latest": milliseconds(ask("SELECT * FROM live_tickers_latest"), times),
            "a symbol's day of bars": milliseconds(
                ask(f"FROM bars_1m WHERE {day} AND symbol = 'S0042' ORDER BY interval_start"), times
            ),
            "a symbol's day of tickers": milliseconds(
                ask(f"FROM live_tickers WHERE {day} AND symbol = 'S0042'"), times
            ),
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=22)
    parser.add_argument("--symbols", type=int, default=487)
    parser.add_argument("--bars", type=int, default=375, help="a session's minutes")
    parser.add_argument("--times", type=int, default=50)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clock = HandClock(datetime(2026, 11, 20, 10, tzinfo=UTC))
        disk = Warehouse(Path(folder) / "disk", [*BASE_TABLES, INDICATORS], clock=clock)
        sizes = measure_disk(disk, symbols=chosen.symbols, bars=chosen.bars, sessions=chosen.sessions)
        rows = chosen.sessions * chosen.symbols * chosen.bars
        for name, size in sizes.items():
            print(f"{name:28} {size / 1e9:6.3f} GB for {rows:,} rows   {size / rows:6.1f} bytes a row")
        total = sum(sizes.values()) / 1e9 * 22 / chosen.sessions
        verdict = "met" if total <= GOAL_GIGABYTES else "MISSED"
        print(f"{'22 sessions':28} {total:6.3f} GB   goal {GOAL_GIGABYTES:g} GB: {verdict}")
        day = Warehouse(Path(folder) / "day", [*BASE_TABLES, INDICATORS], clock=clock)
        fill_day(day, "india", symbols=chosen.symbols, bars=375)
        fill_day(day, "crypto", symbols=20, bars=1440)
        for back, session in zip((1, 2), trading(chosen.symbols, 375, 3), strict=False):
            earlier = Minutes(LAST_DAY - timedelta(days=back), session.fields)
            names = [f"S{n:04d}" for n in range(chosen.symbols)]
            day.write_session(BARS_1M, "india", earlier.day, bar_rows(earlier, "india", names))
        queries = measure_queries(day, chosen.times)
        goals = {"live_tickers_latest": GOAL_LATEST_MS, "a symbol's day of bars": GOAL_DAY_MS}
        for name, found in queries.items():
            report(name, found, goals.get(name))


if __name__ == "__main__":
    main()
