"""What a write does to the slices."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_pipeline.errors import StorageError, UsageError
from market_pipeline.storage.tables import BARS_1M, BARS_1M_REPLACED, LIVE_TICKERS, SET_ASIDE
from market_pipeline.storage.warehouse import Warehouse, WriteReport
from market_pipeline_tests.storage.desk import (
    DAY,
    INDICATORS,
    NOON,
    bars,
    closes,
    indicators,
    minute,
    open_warehouse,
    rows_of,
    seen,
    slice_files,
    tickers,
)


def test_a_minute_is_one_file_named_by_its_utc_time(warehouse: Warehouse) -> None:
    warehouse.write("bars_1m", "casablanca", bars(["ATW", "IAM"], [0, 1]))
    folder = f"v={BARS_1M.version}/market=casablanca/session_date=2026-11-20"
    assert slice_files(warehouse, "live") == [f"{folder}/20261120T0930.parquet", f"{folder}/20261120T0931.parquet"]


def test_a_write_says_how_many_rows_and_slices_it_wrote_and_replaced(warehouse: Warehouse) -> None:
    assert warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], [0, 1])) == WriteReport(4, 0, 2)
    assert warehouse.write(BARS_1M, "casablanca", bars(["ATW", "BCP"], [1])) == WriteReport(2, 1, 1)


def test_no_rows_make_no_slice(warehouse: Warehouse) -> None:
    assert warehouse.write(BARS_1M, "casablanca", BARS_1M.schema.empty_table()) == WriteReport(0, 0, 0)
    assert slice_files(warehouse, "live") == []


def test_a_write_replaces_its_own_symbols_and_keeps_the_others(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], [0], close=100.0))
    warehouse.write(BARS_1M, "casablanca", bars(["IAM"], [0], close=200.0))
    stored = closes(warehouse.read(BARS_1M, "casablanca"))
    assert stored == {("ATW", minute(0)): 100.0, ("IAM", minute(0)): 200.0}


def test_the_same_write_twice_leaves_the_same_rows(warehouse: Warehouse) -> None:
    for _ in range(2):
        warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0, 1, 2]))
    assert warehouse.read(BARS_1M, "casablanca").num_rows == 3
    assert seen(warehouse, "SELECT count(*) FROM bars_1m") == [(3,)]


def test_of_two_rows_with_one_key_in_a_write_the_last_one_wins(warehouse: Warehouse) -> None:
    both = pa.concat_tables([bars(["ATW"], [0], close=1.0), bars(["ATW"], [0], close=2.0)])
    assert warehouse.write(BARS_1M, "casablanca", both).rows_written == 1
    assert closes(warehouse.read(BARS_1M, "casablanca")) == {("ATW", minute(0)): 2.0}


def test_two_cycles_within_a_minute_leave_one_ticker_and_cycles_of_two_minutes_leave_two(warehouse: Warehouse) -> None:
    for seconds, price in ((5, 1.0), (35, 2.0), (65, 3.0)):
        moment = NOON + timedelta(seconds=seconds)
        warehouse.write(LIVE_TICKERS, "casablanca", tickers(["ATW"], price=price, known_at=moment))
    assert sorted(warehouse.read(LIVE_TICKERS, "casablanca")["price"].to_pylist()) == [2.0, 3.0]


def test_a_rewritten_slice_begins_with_the_bytes_of_the_old_one(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    path = warehouse.slices(BARS_1M, "casablanca")[0].path
    before = path.read_bytes()
    warehouse.write(BARS_1M, "casablanca", bars(["IAM"], [0]))
    assert path.read_bytes().startswith(before)
    assert pq.read_table(path)["symbol"].to_pylist() == ["ATW", "IAM"]


def test_a_column_of_another_type_is_refused_by_name_and_nothing_is_written(warehouse: Warehouse) -> None:
    rows = bars(["ATW"], [0])
    wrong = rows.set_column(8, "volume", pa.array([10], pa.int64()))
    with pytest.raises(StorageError, match=r"bars_1m were refused: column volume is int64, and the table has double"):
        warehouse.write(BARS_1M, "casablanca", wrong)
    assert slice_files(warehouse, "live") == []


def test_a_missing_column_is_refused_by_name(warehouse: Warehouse) -> None:
    with pytest.raises(StorageError, match="column turnover is missing"):
        warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]).drop_columns(["turnover"]))


def test_an_unknown_column_is_refused_by_name(warehouse: Warehouse) -> None:
    rows = bars(["ATW"], [0]).append_column("vwap", pa.array([1.0]))
    with pytest.raises(StorageError, match="column vwap is not one of its columns"):
        warehouse.write(BARS_1M, "casablanca", rows)


def test_a_row_without_a_symbol_is_refused(warehouse: Warehouse) -> None:
    rows = bars(["ATW"], [0]).set_column(1, "symbol", pa.array([None], pa.string()))
    with pytest.raises(StorageError, match="column symbol is null in 1 of 1 rows"):
        warehouse.write(BARS_1M, "casablanca", rows)


def test_an_unknown_source_is_a_part_of_the_key_like_any_other(warehouse: Warehouse) -> None:
    known = {"market": "casablanca", "symbol": "ATW", "session_date": DAY, "as_of": NOON, "event_time": NOON}
    refused = [known | {"kind": "bar", "source": source, "reason": "bad_price"} for source in (None, "wafa_bourse")]
    for replaced in (0, 2):
        assert warehouse.write("set_aside", "casablanca", rows_of(SET_ASIDE, refused)).rows_replaced == replaced
    assert seen(warehouse, "SELECT source FROM set_aside ORDER BY source") == [("wafa_bourse",), (None,)]


def test_rows_of_another_market_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(StorageError, match="column market holds 'india', and the rows were given for 'casablanca'"):
        warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], market="india"))


def test_columns_may_come_in_any_order(warehouse: Warehouse) -> None:
    rows = bars(["ATW"], [0])
    warehouse.write(BARS_1M, "casablanca", rows.select(rows.column_names[::-1]))
    assert warehouse.read(BARS_1M, "casablanca").equals(rows)


def test_an_unknown_table_is_refused_with_the_names_there_are(warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match=r"no table bars_5m; there are: alerts, bars_1d, bars_1d_adjusted, bars_1m"):
        warehouse.write("bars_5m", "casablanca", bars(["ATW"], [0]))


def test_float32_columns_are_stored_split_by_byte_and_text_by_dictionary(warehouse: Warehouse) -> None:
    warehouse.write(INDICATORS, "casablanca", indicators(INDICATORS, ["ATW"], [0], RSI_14=61.5))
    group = pq.ParquetFile(warehouse.slices(INDICATORS, "casablanca")[0].path).metadata.row_group(0)
    encodings = {group.column(i).path_in_schema: group.column(i).encodings for i in range(group.num_columns)}
    assert "BYTE_STREAM_SPLIT" in encodings["RSI_14"]
    assert any("DICTIONARY" in encoding for encoding in encodings["symbol"])
    assert warehouse.read(INDICATORS, "casablanca").schema.field("RSI_14").type == pa.float32()


def test_every_replaced_bar_is_kept_and_a_repeated_write_keeps_it_once(warehouse: Warehouse) -> None:
    for close in (1.0, 2.0, 2.0):
        warehouse.write(BARS_1M_REPLACED, "casablanca", bars(["ATW"], [0], close=close))
    assert sorted(warehouse.read(BARS_1M_REPLACED, "casablanca")["close"].to_pylist()) == [1.0, 2.0]
    assert seen(warehouse, "SELECT close FROM bars_1m_replaced ORDER BY 1") == [(1.0,), (2.0,)]


def test_all_types_come_back_as_they_went_in(warehouse: Warehouse) -> None:
    rows = tickers(["ATW", "IAM"], price=504.5, known_at=NOON)
    warehouse.write(LIVE_TICKERS, "casablanca", rows)
    assert warehouse.read(LIVE_TICKERS, "casablanca").equals(rows)
    assert warehouse.latest(LIVE_TICKERS, "casablanca").equals(rows)


def test_many_minutes_of_many_symbols_are_split_into_their_slices(warehouse: Warehouse) -> None:
    symbols = [f"S{n:03d}" for n in range(50)]
    report = warehouse.write(BARS_1M, "casablanca", bars(symbols, range(200)))
    assert (report.rows_written, report.slices) == (10_000, 200)
    assert warehouse.read(BARS_1M, "casablanca", sessions=[DAY]).num_rows == 10_000


def test_small_tables_are_merged_by_key(warehouse: Warehouse) -> None:
    table = warehouse.table("instruments")
    for name in ("Attijariwafa", "Attijariwafa Bank"):
        row = {"market": "casablanca", "symbol": "ATW", "name": name, "known_at": NOON}
        warehouse.write(table, "casablanca", rows_of(table, [row, row | {"symbol": name}]))
    stored = warehouse.latest(table, "casablanca")
    names = dict(zip(stored["symbol"].to_pylist(), stored["name"].to_pylist(), strict=True))
    assert names["ATW"] == "Attijariwafa Bank"
    assert stored.num_rows == 3


def test_another_warehouse_on_the_same_folder_sees_what_was_written(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], close=7.0))
    other = open_warehouse(warehouse.layout.feed_folder)
    assert closes(other.read(BARS_1M, "casablanca")) == {("ATW", minute(0)): 7.0}
