"""The newest row of every symbol."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market_pipeline.errors import UsageError
from market_pipeline.storage.tables import BARS_1D, BARS_1M, BARS_1M_REPLACED, LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import DAY, NOON, bars, closes, minute, rows_of, seen, tickers


def test_the_latest_rows_are_the_newest_minute_of_each_symbol(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], [0]))
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [1]))
    assert set(closes(warehouse.latest(BARS_1M, "casablanca"))) == {("ATW", minute(1)), ("IAM", minute(0))}


def test_the_latest_rows_never_step_back(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [5], close=5.0))
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [4], close=4.0))
    assert closes(warehouse.latest(BARS_1M, "casablanca")) == {("ATW", minute(5)): 5.0}


def test_a_corrected_newest_minute_is_the_latest(warehouse: Warehouse) -> None:
    for close in (5.0, 6.0):
        warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [5], close=close))
    assert closes(warehouse.latest(BARS_1M, "casablanca")) == {("ATW", minute(5)): 6.0}


def test_a_session_written_in_one_piece_counts_for_the_latest_rows(warehouse: Warehouse) -> None:
    day = minute(0).date()
    warehouse.write_session(BARS_1M, "casablanca", day, bars(["ATW"], range(10)))
    assert set(closes(warehouse.latest(BARS_1M, "casablanca"))) == {("ATW", minute(9))}


def test_the_latest_view_shows_each_market_once(warehouse: Warehouse) -> None:
    for market in ("casablanca", "india"):
        for number in range(3):
            rows = tickers(["X"], price=float(number), known_at=NOON + timedelta(minutes=number), market=market)
            warehouse.write(LIVE_TICKERS, market, rows)
    assert seen(warehouse, "SELECT market, price FROM live_tickers_latest ORDER BY market") == [
        ("casablanca", 2.0),
        ("india", 2.0),
    ]


def test_before_the_first_write_the_latest_rows_are_none(warehouse: Warehouse) -> None:
    assert warehouse.latest(LIVE_TICKERS, "casablanca").num_rows == 0
    assert seen(warehouse, "SELECT * FROM live_tickers_latest") == []


def test_a_table_without_newest_rows_says_which_have_them(warehouse: Warehouse) -> None:
    with pytest.raises(
        UsageError,
        match="bars_1m_replaced keeps no newest rows; those that do: alerts, bars_1d, bars_1d_adjusted, bars_1m",
    ):
        warehouse.latest(BARS_1M_REPLACED, "casablanca")


def test_recent_rows_of_a_small_table_are_read_without_the_older_ones_and_other_columns(warehouse: Warehouse) -> None:
    said = {"market": "casablanca", "source": "wafa_bourse", "symbol": "ATW", "known_at": NOON}
    rows = [said | {"session_date": DAY - timedelta(days=n), "close": 500.0 + n, "volume": 7.0} for n in range(400)]
    warehouse.write(BARS_1D, "casablanca", rows_of(BARS_1D, rows))
    found = warehouse.small_since(BARS_1D, "casablanca", DAY - timedelta(days=1), columns=("session_date", "close"))
    assert sorted(found["close"].to_pylist()) == [500.0, 501.0]
    assert found.column_names == ["session_date", "close"]


def test_recent_rows_of_a_small_table_without_any_are_none(warehouse: Warehouse) -> None:
    found = warehouse.small_since(BARS_1D, "casablanca", DAY, columns=("close",))
    assert (found.num_rows, found.column_names) == (0, ["close"])
