"""What a read returns, and what it does about files that vanished or cannot be read."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import structlog

from market_pipeline.storage.layout import Slice
from market_pipeline.storage.reader import Reader, Selection
from market_pipeline.storage.tables import BARS_1M
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import DAY, EARLIER, bars, closes, minute, seen


def test_a_read_selects_sessions_minutes_symbols_and_columns(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], day=EARLIER))
    warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], range(5)))
    rows = warehouse.read(
        BARS_1M,
        "casablanca",
        sessions=[DAY],
        since=minute(1),
        until=minute(3),
        symbols=["IAM"],
        columns=["interval_start", "close"],
    )
    assert rows.column_names == ["interval_start", "close"]
    assert sorted(rows["interval_start"].to_pylist()) == [minute(1), minute(2)]


def test_since_is_included_and_until_is_not(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(4)))
    rows = warehouse.read(BARS_1M, "casablanca", since=minute(1), until=minute(3))
    assert set(closes(rows)) == {("ATW", minute(1)), ("ATW", minute(2))}


def test_no_symbols_are_no_rows(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    assert warehouse.read(BARS_1M, "casablanca", symbols=[]).num_rows == 0


def test_both_tiers_are_read_together(warehouse: Warehouse) -> None:
    warehouse.write_session(BARS_1M, "casablanca", EARLIER, bars(["ATW"], range(3), day=EARLIER))
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(2)))
    assert warehouse.read(BARS_1M, "casablanca").num_rows == 5
    assert warehouse.sessions(BARS_1M, "casablanca") == [EARLIER, DAY]


def test_a_market_without_rows_reads_as_an_empty_table_with_the_schema(warehouse: Warehouse) -> None:
    assert warehouse.read(BARS_1M, "casablanca").schema.equals(BARS_1M.schema)
    assert warehouse.sessions(BARS_1M, "casablanca") == []


def test_small_tables_are_selected_by_session_too(warehouse: Warehouse) -> None:
    table = warehouse.table("bars_1d")
    row = {"market": "casablanca", "source": "bourse", "symbol": "ATW", "close": 1.0, "known_at": minute(0)}
    days = [row | {"session_date": day} for day in (EARLIER, DAY)]
    warehouse.write(table, "casablanca", pa.Table.from_pylist(days, schema=table.schema))
    assert warehouse.read(table, "casablanca", sessions=[DAY])["session_date"].to_pylist() == [DAY]
    assert warehouse.sessions(table, "casablanca") == [EARLIER, DAY]


def test_a_slice_that_vanishes_between_listing_and_opening_is_listed_again(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0, 1]))
    listings = [[*warehouse.slices(BARS_1M, "casablanca"), _gone(warehouse)], warehouse.slices(BARS_1M, "casablanca")]
    reader = Reader(warehouse.layout, warehouse._locks)
    rows = reader.read(BARS_1M, lambda: listings.pop(0), Selection())
    assert (rows.num_rows, len(listings)) == (2, 0)


def _gone(warehouse: Warehouse) -> Slice:
    return Slice("live", "bars_1m", BARS_1M.version, "casablanca", DAY, Path(warehouse.layout.root / "gone.parquet"))


def test_an_unreadable_slice_is_set_aside_counted_and_logged_and_the_others_are_read(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0, 1]))
    path = warehouse.slices(BARS_1M, "casablanca")[0].path
    path.write_bytes(b"PAR1 and then nothing")
    with structlog.testing.capture_logs() as logs:
        rows = warehouse.read(BARS_1M, "casablanca")
    assert set(closes(rows)) == {("ATW", minute(1))}
    assert warehouse.unreadable_count == 1
    error = next(entry for entry in logs if entry["log_level"] == "error")
    assert error["event"] == "slice_unreadable"
    assert error["path"].startswith("warehouse/live/bars_1m/v=")
    assert error["path"].endswith("20261120T0930.parquet.unreadable")


def test_after_an_unreadable_slice_was_set_aside_the_views_work_and_its_minute_can_be_written_again(
    warehouse: Warehouse,
) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], [0, 1]))
    path = warehouse.slices(BARS_1M, "casablanca")[0].path
    path.write_bytes(path.read_bytes()[:-100])
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], close=9.0))
    assert warehouse.unreadable_count == 1
    assert seen(warehouse, "SELECT symbol, close FROM bars_1m ORDER BY interval_start, symbol") == [
        ("ATW", 9.0),
        ("ATW", 100.0),
        ("IAM", 100.0),
    ]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 and then nothing", bytes(500)], ids=repr)
def test_a_slice_that_was_cut_is_set_aside_before_anybody_reads_it(warehouse: Warehouse, content: bytes) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0, 1]))
    warehouse.slices(BARS_1M, "casablanca")[0].path.write_bytes(content)
    with pytest.raises(duckdb.Error):
        seen(warehouse, "SELECT count(*) FROM bars_1m")
    assert warehouse.set_unreadable_aside("casablanca", [EARLIER]) == 0
    assert warehouse.set_unreadable_aside("casablanca", [DAY]) == 1
    assert seen(warehouse, "SELECT count(*) FROM bars_1m") == [(1,)]


def test_whole_slices_are_left_where_they_are(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(3)))
    assert warehouse.set_unreadable_aside("casablanca") == 0
    assert len(warehouse.slices(BARS_1M, "casablanca")) == 3
