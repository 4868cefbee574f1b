"""Rows to write and small questions to ask: what the storage tests share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from market_pipeline.clock import HandClock
from market_pipeline.storage.tables import BARS_1M, BASE_TABLES, LIVE_TICKERS, Column, Table, indicators_table
from market_pipeline.storage.warehouse import Warehouse

DAY = date(2026, 11, 20)
EARLIER = date(2026, 11, 19)
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RSI = Column("RSI_14", pa.float32(), "relative strength", "0 to 100", is_continuous=True)
OBV = Column("OBV", pa.float64(), "on-balance volume", "shares")
INDICATORS = indicators_table([RSI])
INDICATORS_WITH_OBV = indicators_table([RSI, OBV])


def open_warehouse(folder: Path, indicators: Table = INDICATORS, **options: Any) -> Warehouse:
    """A warehouse with all tables, whose clock stands at noon."""
    return Warehouse(folder, [*BASE_TABLES, indicators], clock=HandClock(NOON), **options)


def minute(number: int, day: date = DAY) -> datetime:
    """The so-many-th minute after 09:30 UTC."""
    return datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC) + timedelta(minutes=number)


def rows_of(table: Table, rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows in the table's schema, null where nothing was said."""
    return pa.Table.from_pylist(list(rows), schema=table.schema)


def bars(
    symbols: Sequence[str], minutes: Sequence[int], *, close: float = 100.0, day: date = DAY, market: str = "casablanca"
) -> pa.Table:
    """One bar for every symbol and minute."""
    return rows_of(BARS_1M, (bar(s, n, close=close, day=day, market=market) for n in minutes for s in symbols))


def bar(symbol: str, number: int, *, close: float, day: date = DAY, market: str = "casablanca") -> dict[str, Any]:
    """One bar as a dictionary."""
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    known = {"origin": "chart", "is_final": True, "is_synthetic": False, "revision": 0, "known_at": NOON}
    where = {"market": market, "symbol": symbol, "session_date": day, "interval_start": minute(number, day)}
    return where | prices | known | {"volume": 10.0}


def indicators(
    table: Table, symbols: Sequence[str], minutes: Sequence[int], *, day: date = DAY, **values: float
) -> pa.Table:
    """One row of indicators for every symbol and minute."""
    where = {"market": "casablanca", "session_date": day, "known_at": NOON}
    return rows_of(
        table, (where | {"symbol": s, "interval_start": minute(n, day)} | values for n in minutes for s in symbols)
    )


def tickers(
    symbols: Sequence[str], *, price: float, known_at: datetime, market: str = "casablanca", day: date = DAY
) -> pa.Table:
    """One live ticker for every symbol."""
    where = {"market": market, "session_date": day, "known_at": known_at, "event_time": known_at, "flags": ["disputed"]}
    return rows_of(LIVE_TICKERS, (where | {"symbol": s, "ticker": s, "price": price} for s in symbols))


def closes(rows: pa.Table) -> dict[tuple[str, datetime], float]:
    """(symbol, minute) → close. Fails on a duplicate."""
    keys = list(zip(rows["symbol"].to_pylist(), rows["interval_start"].to_pylist(), strict=True))
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, rows["close"].to_pylist(), strict=True))


def seen(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    """The result of a query over the views."""
    with warehouse.connect() as connection:
        return connection.execute(sql).fetchall()


def slice_files(warehouse: Warehouse, tier: str, table: str = "bars_1m") -> list[str]:
    """The names of a table's files that hold rows, relative to the tier."""
    folder = warehouse.layout.root / tier / table
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet") if "market=_" not in str(path))
