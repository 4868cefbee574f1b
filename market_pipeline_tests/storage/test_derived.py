"""What was known at a moment, and corporate actions, in memory and in the file that people open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.storage.tables import BARS_1D, BARS_1M, BARS_1M_REPLACED
from market_pipeline.storage.warehouse import Warehouse

MINUTE = datetime(2026, 11, 19, 10, tzinfo=UTC)
LIVE, NIGHT = MINUTE + timedelta(minutes=1), MINUTE + timedelta(hours=8)
DAY = date(2026, 11, 19)


def bar(close: float, *, revision: int, known_at: datetime) -> dict[str, Any]:
    values = {"open": close, "high": close, "low": close, "close": close, "volume": 1.0, "turnover": None}
    return {
        "market": "india",
        "symbol": "INFY",
        "interval_start": MINUTE,
        "session_date": DAY,
        **values,
        "origin": "sampled" if revision == 0 else "chart",
        "n_ticks": None,
        "is_final": True,
        "is_synthetic": False,
        "revision": revision,
        "known_at": known_at,
    }


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """One minute that was sampled live and replaced at night; one split and one dividend."""
    opened = Warehouse(tmp_path, clock=HandClock(NIGHT))
    old, new = bar(100.0, revision=0, known_at=LIVE), bar(101.0, revision=1, known_at=NIGHT)
    opened.write(BARS_1M_REPLACED, "india", pa.Table.from_pylist([old], schema=BARS_1M.schema))
    opened.write(BARS_1M, "india", pa.Table.from_pylist([new], schema=BARS_1M.schema))
    event = {"market": "india", "source": "dhan", "symbol": "INFY", "close": 100.0, "known_at": NIGHT}
    days = [
        event | {"session_date": DAY, "split_ratio": 7.0, "dividend": 1.5, "is_split_adjusted": False},
        event | {"session_date": DAY + timedelta(days=1), "is_split_adjusted": False},
    ]
    opened.write(BARS_1D, "india", pa.Table.from_pylist(days, schema=BARS_1D.schema))
    return opened


def in_memory(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    return warehouse.connect()


def in_the_file(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(warehouse.build_market_duckdb().path, read_only=True)


@pytest.mark.parametrize("connect", [in_memory, in_the_file])
def test_bars_are_those_that_were_known_at_the_moment(
    warehouse: Warehouse, connect: Callable[[Warehouse], duckdb.DuckDBPyConnection]
) -> None:
    with connect(warehouse) as connection:

        def known(moment: datetime) -> list[tuple[float, int]]:
            return connection.execute("SELECT close, revision FROM bars_1m_as_of(?)", [moment]).fetchall()

        assert known(LIVE - timedelta(seconds=1)) == []
        assert known(LIVE) == known(NIGHT - timedelta(seconds=1)) == [(100.0, 0)]
        assert known(NIGHT) == [(101.0, 1)]
        assert connection.execute("SELECT close FROM bars_1m_as_of('2026-11-19 12:00+00')").fetchall() == [(100.0,)]


@pytest.mark.parametrize("connect", [in_memory, in_the_file])
def test_splits_and_dividends_are_rows_of_their_own(
    warehouse: Warehouse, connect: Callable[[Warehouse], duckdb.DuckDBPyConnection]
) -> None:
    with connect(warehouse) as connection:
        found = connection.execute("SELECT effective_on, action, value FROM corporate_actions ORDER BY ALL").fetchall()
    assert found == [(DAY, "dividend", 1.5), (DAY, "split", 7.0)]
