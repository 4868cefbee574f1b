"""Closing a session: from many live slices to one sorted file, without a row lost or counted twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from market_pipeline.clock import SystemClock
from market_pipeline.errors import UsageError
from market_pipeline.storage import sessions
from market_pipeline.storage.tables import BARS_1M, LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import (
    DAY,
    EARLIER,
    NOON,
    bars,
    closes,
    minute,
    open_warehouse,
    seen,
    slice_files,
    tickers,
)

COUNT = "SELECT count(*), count(DISTINCT (symbol, interval_start)) FROM bars_1m"


def test_a_closed_session_is_one_file_sorted_by_symbol_and_minute(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["IAM", "ATW"], range(3)))
    assert warehouse.close_session("casablanca", DAY) == 1
    (found,) = warehouse.slices(BARS_1M, "casablanca")
    rows = pq.read_table(found.path, partitioning=None)
    assert rows["symbol"].to_pylist() == ["ATW"] * 3 + ["IAM"] * 3
    assert rows["interval_start"].to_pylist() == [minute(0), minute(1), minute(2)] * 2


def test_closing_changes_no_count_though_the_live_slices_are_still_there(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], range(10)))
    assert seen(warehouse, COUNT) == [(20, 20)]
    warehouse.close_session("casablanca", DAY)
    assert len(slice_files(warehouse, "live")) == 10
    assert seen(warehouse, COUNT) == [(20, 20)]
    assert warehouse.read(BARS_1M, "casablanca").num_rows == 20


def test_all_sliced_tables_are_closed_together(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    warehouse.write(LIVE_TICKERS, "casablanca", tickers(["ATW"], price=1.0, known_at=NOON))
    assert not warehouse.is_closed("casablanca", DAY)
    assert warehouse.close_session("casablanca", DAY) == 2
    assert warehouse.is_closed("casablanca", DAY)
    assert warehouse.closed_sessions("casablanca") == [DAY]


def test_closing_twice_does_nothing_more(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    warehouse.close_session("casablanca", DAY)
    assert warehouse.close_session("casablanca", DAY) == 0
    assert seen(warehouse, COUNT) == [(1, 1)]


def test_a_session_without_rows_can_be_closed(warehouse: Warehouse) -> None:
    assert warehouse.close_session("casablanca", DAY) == 0
    assert warehouse.is_closed("casablanca", DAY)
    assert warehouse.sessions(BARS_1M, "casablanca") == []


def test_a_write_to_a_closed_session_goes_into_its_file(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0, 1], close=1.0))
    warehouse.close_session("casablanca", DAY)
    report = warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [1, 2], close=2.0))
    assert (report.rows_written, report.rows_replaced, report.slices) == (2, 1, 1)
    assert len(slice_files(warehouse, "live")) == 2
    assert closes(warehouse.read(BARS_1M, "casablanca")) == {
        ("ATW", minute(0)): 1.0,
        ("ATW", minute(1)): 2.0,
        ("ATW", minute(2)): 2.0,
    }
    assert seen(warehouse, "SELECT close FROM bars_1m ORDER BY interval_start") == [(1.0,), (2.0,), (2.0,)]


def test_the_first_write_after_closing_an_empty_session_goes_into_its_file(warehouse: Warehouse) -> None:
    warehouse.close_session("casablanca", DAY)
    warehouse.write(LIVE_TICKERS, "casablanca", tickers(["ATW"], price=1.0, known_at=NOON))
    assert slice_files(warehouse, "live", "live_tickers") == []
    assert seen(warehouse, "SELECT price FROM live_tickers") == [(1.0,)]


def test_a_whole_session_of_the_past_is_written_straight_into_its_file(warehouse: Warehouse) -> None:
    warehouse.write_session(BARS_1M, "casablanca", EARLIER, bars(["ATW"], range(360), day=EARLIER))
    assert slice_files(warehouse, "live") == []
    assert seen(warehouse, COUNT) == [(360, 360)]
    assert warehouse.sessions(BARS_1M, "casablanca") == [EARLIER]


def test_a_backfill_of_some_symbols_leaves_the_others(warehouse: Warehouse) -> None:
    warehouse.write_session(BARS_1M, "casablanca", EARLIER, bars(["ATW", "IAM"], [0], close=1.0, day=EARLIER))
    warehouse.write_session(BARS_1M, "casablanca", EARLIER, bars(["IAM"], [0], close=2.0, day=EARLIER))
    stored = closes(warehouse.read(BARS_1M, "casablanca"))
    assert stored == {("ATW", minute(0, EARLIER)): 1.0, ("IAM", minute(0, EARLIER)): 2.0}


def test_a_session_write_takes_the_live_slices_along(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], [0], close=1.0))
    warehouse.write_session(BARS_1M, "casablanca", DAY, bars(["IAM"], [0, 1], close=2.0))
    expected = {("ATW", minute(0)): 1.0, ("IAM", minute(0)): 2.0, ("IAM", minute(1)): 2.0}
    assert closes(warehouse.read(BARS_1M, "casablanca")) == expected
    assert seen(warehouse, COUNT) == [(3, 3)]


def test_rows_of_another_session_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match=r"2026-11-19: the rows are of \[datetime.date\(2026, 11, 20\)\]"):
        warehouse.write_session(BARS_1M, "casablanca", EARLIER, bars(["ATW"], [0]))


def test_a_session_too_large_for_memory_is_written_in_portions_of_symbols(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "VALUES_AT_ONCE", 10 * len(BARS_1M.columns))
    symbols = [f"S{n}" for n in range(9)]
    warehouse.write(BARS_1M, "casablanca", bars(symbols, range(4)))
    warehouse.close_session("casablanca", DAY)
    (found,) = warehouse.slices(BARS_1M, "casablanca")
    assert pq.ParquetFile(found.path).metadata.num_row_groups == 4
    assert pq.read_table(found.path, partitioning=None)["symbol"].to_pylist() == sorted(symbols * 4)


def test_live_slices_are_deleted_a_day_after_the_close(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(3)))
    warehouse.close_session("casablanca", DAY)
    assert warehouse.sweep(NOON + timedelta(hours=23)).live_slices == 0
    assert warehouse.sweep(NOON + timedelta(hours=24)).live_slices == 3
    assert slice_files(warehouse, "live") == []
    assert seen(warehouse, COUNT) == [(3, 3)]


def test_a_session_that_is_not_closed_is_never_swept(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(3)))
    assert warehouse.sweep(NOON + timedelta(days=30)).files == 0
    assert warehouse.read(BARS_1M, "casablanca").num_rows == 3


def test_superseded_editions_are_deleted_a_day_later(warehouse: Warehouse) -> None:
    for close in (1.0, 2.0):
        warehouse.write_session(BARS_1M, "casablanca", DAY, bars(["ATW"], [0], close=close))
    old, new = (warehouse.layout.root / "session" / "bars_1m" / name for name in slice_files(warehouse, "session"))
    assert warehouse.sweep(NOON).editions == 0
    _age(old, new)
    assert warehouse.sweep(NOON).editions == 1
    assert (old.exists(), new.exists()) == (False, True)
    assert seen(warehouse, "SELECT close FROM bars_1m") == [(2.0,)]


def test_an_edition_that_a_killed_writer_never_put_in_force_is_not_read_and_swept(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], close=1.0))
    killed = open_warehouse(warehouse.layout.feed_folder)
    killed._sessions._compact(sessions._Part(BARS_1M, "casablanca", DAY), bars(["ATW"], [0], close=2.0))
    assert seen(warehouse, "SELECT close FROM bars_1m") == [(1.0,)]
    path = warehouse.layout.root / "session" / "bars_1m" / slice_files(warehouse, "session")[0]
    _age(path)
    assert warehouse.sweep(NOON).editions == 1
    assert closes(warehouse.read(BARS_1M, "casablanca")) == {("ATW", minute(0)): 1.0}


def test_temporary_files_of_killed_writers_are_deleted_after_an_hour(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    folder = warehouse.slices(BARS_1M, "casablanca")[0].path.parent
    old, young = folder / ".a.parquet.1.abc.tmp", folder / ".b.parquet.1.abc.tmp"
    for path in (old, young):
        path.write_bytes(b"half")
    _age(old)
    assert warehouse.sweep(NOON).temporaries == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_temporary_files_are_not_read(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    (warehouse.slices(BARS_1M, "casablanca")[0].path.parent / ".x.parquet.1.abc.tmp").write_bytes(b"half")
    assert warehouse.read(BARS_1M, "casablanca").num_rows == 1
    assert seen(warehouse, COUNT) == [(1, 1)]


def test_forgotten_sessions_are_gone_from_both_tiers(warehouse: Warehouse) -> None:
    warehouse.write_session(BARS_1M, "casablanca", EARLIER, bars(["ATW"], [0], day=EARLIER))
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0]))
    assert warehouse.forget(BARS_1M, "casablanca", [EARLIER, DAY]) == 2
    assert warehouse.sessions(BARS_1M, "casablanca") == []
    assert seen(warehouse, COUNT) == [(0, 0)]


def _age(*paths: Path) -> None:
    """Make files, and the folders of editions, two days old."""
    import os

    moment = (SystemClock().now() - timedelta(days=2)).timestamp()
    for path in paths:
        os.utime(path, (moment, moment))
        if path.name == "session.parquet":
            os.utime(path.parent, (moment, moment))
