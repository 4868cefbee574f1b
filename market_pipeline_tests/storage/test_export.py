"""Copies to take away."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from market_pipeline.errors import StorageError, UsageError
from market_pipeline.storage.export import export_tables
from market_pipeline.storage.tables import BARS_1M
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import bars


@pytest.fixture(autouse=True)
def rows(warehouse: Warehouse) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], range(3), close=7.0))
    warehouse.write(BARS_1M, "india", bars(["TCS"], range(2), market="india"))


def test_a_duckdb_export_has_real_tables_that_need_no_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    report = export_tables(warehouse, tmp_path / "copy.duckdb")
    assert report.rows["bars_1m"] == 5
    warehouse.layout.root.rename(tmp_path / "moved")
    with duckdb.connect(str(report.path), read_only=True) as copy:
        assert copy.execute("SELECT count(*) FROM bars_1m").fetchall() == [(5,)]
        assert copy.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]
        assert len(copy.execute("SHOW TABLES").fetchall()) == len(warehouse.tables)
        unit = "SELECT comment FROM duckdb_columns() WHERE table_name = 'bars_1m' AND column_name = 'open'"
        assert copy.execute(unit).fetchall() == [("first price [currency]",)]


def test_an_export_of_some_tables_of_one_market(warehouse: Warehouse, tmp_path: Path) -> None:
    report = export_tables(warehouse, tmp_path / "copy.duckdb", tables=["bars_1m"], market="india")
    assert report.rows == {"bars_1m": 2}


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_an_export_to_a_folder_has_one_file_a_table(warehouse: Warehouse, tmp_path: Path, file_format: str) -> None:
    folder = tmp_path / "copy"
    export_tables(warehouse, folder, tables=["bars_1m", "instruments"], file_format=file_format)
    assert sorted(path.name for path in folder.iterdir()) == [f"bars_1m.{file_format}", f"instruments.{file_format}"]
    read = {"parquet": duckdb.read_parquet, "csv": duckdb.read_csv}[file_format]
    copied = read(str(folder / f"bars_1m.{file_format}")).aggregate("symbol, max(close)").order("symbol")
    assert copied.fetchall() == [("ATW", 7.0), ("TCS", 100.0)]


def test_progress_names_each_table(warehouse: Warehouse, tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []

    def note(done: int, total: int, table: str) -> None:
        said.append((done, total, table))

    export_tables(warehouse, tmp_path / "copy.duckdb", tables=["bars_1m", "instruments"], progress=note)
    assert said == [(0, 2, "bars_1m"), (1, 2, "instruments"), (2, 2, "done")]


def test_an_older_export_is_replaced(warehouse: Warehouse, tmp_path: Path) -> None:
    export_tables(warehouse, tmp_path / "copy.duckdb", tables=["instruments"])
    export_tables(warehouse, tmp_path / "copy.duckdb", tables=["bars_1m"])
    with duckdb.connect(str(tmp_path / "copy.duckdb"), read_only=True) as copy:
        assert copy.execute("SHOW TABLES").fetchall() == [("bars_1m",)]


def test_a_folder_in_use_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the folder is not empty; name a new one"):
        export_tables(warehouse, tmp_path, file_format="csv")


def test_an_unknown_format_or_table_is_refused_with_what_there_is(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="asked for an export as 'xlsx'; there are duckdb, parquet, csv"):
        export_tables(warehouse, tmp_path / "copy", file_format="xlsx")
    with pytest.raises(
        UsageError, match="there is no table trades; there are: alerts, bars_1d, bars_1d_adjusted, bars_1m"
    ):
        export_tables(warehouse, tmp_path / "copy.duckdb", tables=["trades"])


def test_a_place_that_cannot_be_written_is_a_storage_error_and_nothing_is_left(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "blocked").write_text("a file where a folder is due")
    with pytest.raises(StorageError):
        export_tables(warehouse, tmp_path / "blocked" / "copy.duckdb")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocked", "warehouse"]
