"""A column is added in mid-session: nobody loses a row, and no minute is seen twice."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa

from market_pipeline.storage.tables import BARS_1M, Column, indicators_table
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import (
    DAY,
    INDICATORS,
    INDICATORS_WITH_OBV,
    RSI,
    indicators,
    minute,
    open_warehouse,
    seen,
    slice_files,
)

ALL = "SELECT symbol, minute(interval_start), RSI_14, OBV FROM indicators_1m ORDER BY interval_start, symbol"


def two_versions(folder: Path) -> Warehouse:
    """A session whose minutes 0 and 1 were written before the column OBV was added, and 1 (ATW only) and 2 after."""
    before = open_warehouse(folder)
    before.write("indicators_1m", "casablanca", indicators(INDICATORS, ["ATW", "IAM"], [0, 1], RSI_14=50.0))
    after = open_warehouse(folder, INDICATORS_WITH_OBV)
    rows = indicators(INDICATORS_WITH_OBV, ["ATW"], [1, 2], RSI_14=60.0, OBV=7.0)
    after.write("indicators_1m", "casablanca", rows)
    return after


EXPECTED = [
    ("ATW", 30, 50.0, None),
    ("IAM", 30, 50.0, None),
    ("ATW", 31, 60.0, 7.0),
    ("IAM", 31, 50.0, None),
    ("ATW", 32, 60.0, 7.0),
]


def test_the_version_follows_names_and_types_but_not_descriptions() -> None:
    described = indicators_table([Column("RSI_14", pa.float32(), "another description")])
    retyped = indicators_table([Column("RSI_14", pa.float64(), RSI.description)])
    assert INDICATORS.version == described.version
    assert len({INDICATORS.version, retyped.version, INDICATORS_WITH_OBV.version}) == 3


def test_views_unite_both_versions_with_null_for_the_missing_column(tmp_path: Path) -> None:
    assert seen(two_versions(tmp_path), ALL) == EXPECTED


def test_reads_unite_both_versions_too(tmp_path: Path) -> None:
    rows = two_versions(tmp_path).read("indicators_1m", "casablanca", sessions=[DAY])
    assert rows.schema.equals(INDICATORS_WITH_OBV.schema)
    columns = [rows[name].to_pylist() for name in ("symbol", "interval_start", "RSI_14", "OBV")]
    found = sorted((row[1], row[0], row[2], row[3]) for row in zip(*columns, strict=True))
    assert [(symbol, moment.minute, rsi, obv) for moment, symbol, rsi, obv in found] == EXPECTED


def test_a_read_of_the_new_column_alone_has_null_for_older_minutes(tmp_path: Path) -> None:
    rows = two_versions(tmp_path).read("indicators_1m", "casablanca", until=minute(1), columns=["OBV"])
    assert rows["OBV"].to_pylist() == [None, None]


def test_the_rewritten_minute_is_in_both_folders_and_carries_the_older_rows(tmp_path: Path) -> None:
    files = slice_files(two_versions(tmp_path), "live", "indicators_1m")
    assert sum(name.endswith("20261120T0931.parquet") for name in files) == 2
    newer = next(name for name in files if INDICATORS_WITH_OBV.version in name and name.endswith("0931.parquet"))
    rows = duckdb.read_parquet(str(tmp_path / "warehouse/live/indicators_1m" / newer), hive_partitioning=False)
    assert sorted(rows.project("symbol").fetchall()) == [("ATW",), ("IAM",)]


def test_closing_the_session_unites_the_versions_in_one_file(tmp_path: Path) -> None:
    warehouse = two_versions(tmp_path)
    warehouse.close_session("casablanca", DAY)
    assert len(warehouse.slices("indicators_1m", "casablanca")) == 1
    assert seen(warehouse, ALL) == EXPECTED


def test_a_session_of_an_older_version_stays_readable_and_can_be_rewritten(tmp_path: Path) -> None:
    before = open_warehouse(tmp_path)
    rows = indicators(INDICATORS, ["ATW", "IAM"], [0], RSI_14=50.0)
    before.write_session("indicators_1m", "casablanca", DAY, rows)
    after = open_warehouse(tmp_path, INDICATORS_WITH_OBV)
    assert seen(after, ALL) == [("ATW", 30, 50.0, None), ("IAM", 30, 50.0, None)]
    newer = indicators(INDICATORS_WITH_OBV, ["ATW"], [0], RSI_14=60.0, OBV=7.0)
    after.write_session("indicators_1m", "casablanca", DAY, newer)
    assert seen(after, ALL) == [("ATW", 30, 60.0, 7.0), ("IAM", 30, 50.0, None)]


def test_the_latest_rows_get_the_new_column(tmp_path: Path) -> None:
    before = open_warehouse(tmp_path)
    before.write("indicators_1m", "casablanca", indicators(INDICATORS, ["ATW", "IAM"], [0], RSI_14=50.0))
    after = open_warehouse(tmp_path, INDICATORS_WITH_OBV)
    assert seen(after, "SELECT symbol, OBV FROM indicators_1m_latest ORDER BY 1") == [("ATW", None), ("IAM", None)]
    after.write("indicators_1m", "casablanca", indicators(INDICATORS_WITH_OBV, ["ATW"], [1], OBV=7.0))
    assert seen(after, "SELECT symbol, OBV FROM indicators_1m_latest ORDER BY 1") == [("ATW", 7.0), ("IAM", None)]


def test_a_market_duckdb_from_before_is_rebuilt_when_a_version_is_new(tmp_path: Path) -> None:
    before = open_warehouse(tmp_path)
    before.write("indicators_1m", "casablanca", indicators(INDICATORS, ["ATW"], [0], RSI_14=50.0))
    before.build_market_duckdb()
    two_versions(tmp_path)
    with duckdb.connect(str(tmp_path / "market.duckdb"), read_only=True) as people:
        assert people.execute(ALL).fetchall() == EXPECTED


def test_a_column_that_was_removed_is_no_longer_shown_and_its_rows_are(tmp_path: Path) -> None:
    before = open_warehouse(tmp_path, INDICATORS_WITH_OBV)
    rows = indicators(INDICATORS_WITH_OBV, ["ATW"], [0], RSI_14=50.0, OBV=7.0)
    before.write("indicators_1m", "casablanca", rows)
    after = open_warehouse(tmp_path)
    assert seen(after, "SELECT RSI_14 FROM indicators_1m") == [(50.0,)]
    assert after.read("indicators_1m", "casablanca").schema.equals(INDICATORS.schema)


def test_going_back_to_the_older_version_keeps_what_the_newer_one_wrote(tmp_path: Path) -> None:
    two_versions(tmp_path)
    older_seed, newer_seed = (
        open_warehouse(tmp_path, table).layout.seed("live", table) for table in (INDICATORS, INDICATORS_WITH_OBV)
    )
    assert newer_seed.stat().st_mtime_ns >= older_seed.stat().st_mtime_ns
    os.utime(newer_seed, ns=(older_seed.stat().st_mtime_ns + 1_000_000,) * 2)
    back = open_warehouse(tmp_path)
    assert seen(back, "SELECT symbol, minute(interval_start), RSI_14 FROM indicators_1m ORDER BY 2, 1") == [
        row[:3] for row in EXPECTED
    ]
    assert back.read("indicators_1m", "casablanca").num_rows == 5


def test_an_unchanged_table_keeps_its_folder(tmp_path: Path) -> None:
    two_versions(tmp_path)
    folders = {path.name for path in (tmp_path / "warehouse" / "live" / "bars_1m").iterdir()}
    assert folders == {f"v={BARS_1M.version}"}
