"""Seeded bars of a few short sessions, and random corrections of them: late, changed, unknown, better known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.tables import BARS_1M, BARS_1M_REPLACED
from market_pipeline.transforms.merge_bars import MergedBars, merge_bars

MARKET = "india"
SYMBOLS = ("RELIANCE", "TCS", "THIN", "LATE")
"""The first two are tier 1 and keep the phases of shares with derivatives; LATE has no bar before the third session."""
DAYS = tuple(date(2026, 11, day) for day in (16, 17, 18, 19, 20))
MINUTES = 30
OPEN = timedelta(hours=3, minutes=45)
NOON = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
ORDER = [("session_date", "ascending"), ("symbol", "ascending"), ("interval_start", "ascending")]


def open_runtime(folder: Path) -> Runtime:
    """A feed without an exchange: nobody is asked for anything."""
    settings = Settings(data=folder, simulator_url="http://127.0.0.1:9", budgets=False, _env_file=None)
    return Runtime(settings, HandClock(NOON))


def minute_of(day: date, number: int) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + OPEN + timedelta(minutes=number)


def bar_of(symbol: str, day: date, number: int, *, known_at: datetime, random: np.random.Generator) -> dict[str, Any]:
    """A final bar whose prices lie on the tick grid; every seventh volume is unknown, every third bar sampled."""
    low, opened, close, high = sorted((np.round(random.normal(400, 2, 4) / 0.05) * 0.05).tolist())
    return {
        "market": MARKET,
        "symbol": symbol,
        "interval_start": minute_of(day, number),
        "session_date": day,
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": None if random.random() < 1 / 7 else float(random.integers(0, 5000)),
        "origin": "sampled" if random.random() < 1 / 3 else "chart",
        "is_final": True,
        "is_synthetic": False,
        "revision": 0,
        "known_at": known_at,
    }


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=BARS_1M.schema)


def first_bars(random: np.random.Generator, days: tuple[date, ...] = DAYS) -> pa.Table:
    """Bars as they were seen live: a tenth of the minutes is missing, half of those of THIN."""
    rows = []
    for day in days:
        for symbol in SYMBOLS:
            if symbol == "LATE" and day < DAYS[2]:
                continue
            share = 0.5 if symbol == "THIN" else 0.9
            rows += [
                bar_of(symbol, day, number, known_at=minute_of(day, number + 1), random=random)
                for number in range(MINUTES)
                if random.random() < share
            ]
    return table_of(rows)


@dataclass
class Desk:
    """A feed whose bars are corrected."""

    runtime: Runtime

    @property
    def market(self) -> MarketRuntime:
        return self.runtime.market(MARKET)

    def bars(self) -> pa.Table:
        return self.runtime.warehouse.read(BARS_1M, MARKET)

    def indicators(self) -> pa.Table:
        return self.runtime.warehouse.read(indicators_1m(), MARKET).sort_by(ORDER)

    def store(self, bars: pa.Table, *, closed: tuple[date, ...] = DAYS) -> None:
        """Store bars, those of closed sessions in one file each."""
        for day in DAYS:
            rows = bars.filter(pc.equal(bars["session_date"], pa.scalar(day)))
            if day in closed:
                if rows.num_rows:
                    self.runtime.warehouse.write_session(BARS_1M, MARKET, day, rows)
                self.runtime.warehouse.close_session(MARKET, day)
            else:
                self.runtime.warehouse.write(BARS_1M, MARKET, rows)

    def merge(self, day: date, rows: list[dict[str, Any]]) -> MergedBars:
        """Store corrections of one session as the steps do: a replaced final bar keeps its old row elsewhere."""
        stored = self.runtime.warehouse.read(BARS_1M, MARKET, sessions=[day])
        merged = merge_bars(stored, table_of(rows))
        if merged.replaced.num_rows:
            self.runtime.warehouse.write(BARS_1M_REPLACED, MARKET, merged.replaced)
        if merged.changed.num_rows:
            self.runtime.warehouse.write(BARS_1M, MARKET, merged.changed)
        return merged

    def later(self) -> datetime:
        """Let a minute pass."""
        assert isinstance(self.runtime.clock, HandClock)
        self.runtime.clock.advance(timedelta(minutes=1))
        return self.runtime.clock.now()


def changed_of(merged: MergedBars) -> dict[str, datetime]:
    """Symbol → its first changed minute."""
    firsts: dict[str, datetime] = {}
    for row in merged.changed.select(["symbol", "interval_start"]).to_pylist():
        firsts[row["symbol"]] = min(row["interval_start"], firsts.get(row["symbol"], row["interval_start"]))
    return firsts


def correction(bars: list[dict[str, Any]], desk: Desk, random: np.random.Generator) -> dict[str, Any]:
    """One correction: a late bar, other prices, a volume now known or unknown, or a chart that says the same."""
    kind = random.choice(["late", "prices", "volume", "unknown volume", "confirmed"])
    row = dict(bars[random.integers(len(bars))]) | {"origin": "chart", "known_at": desk.runtime.clock.now()}
    match kind:
        case "late":
            number = int(random.integers(MINUTES))
            fresh = bar_of(row["symbol"], row["session_date"], number, known_at=row["known_at"], random=random)
            return fresh | {"origin": "chart"}
        case "prices":
            return row | {"close": row["high"], "open": row["low"]}
        case "volume":
            return row | {"volume": float(random.integers(1, 9000))}
        case "unknown volume":
            return row | {"volume": None}
    return row
