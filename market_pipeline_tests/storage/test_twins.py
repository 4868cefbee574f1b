"""A column that always equals another is stored once and shown twice."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from market_pipeline.storage.tables import Column, indicators_table
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import DAY, RSI, indicators, open_warehouse, seen

SMA = Column("SMA_20", pa.float32(), "mean of 20 closes", "currency")
BAND = Column("BBM_20_2", pa.float32(), "middle of the bands", "currency")
TWIN = Column("BBM_20_2", pa.float32(), "middle of the bands", "currency", same_as="SMA_20")
SEPARATE, TOGETHER = indicators_table([RSI, SMA, BAND]), indicators_table([RSI, SMA, TWIN])
ASKED = "SELECT symbol, RSI_14, SMA_20, BBM_20_2 FROM {} ORDER BY symbol"


def filled(folder: Path) -> Warehouse:
    warehouse = open_warehouse(folder, TOGETHER)
    rows = indicators(TOGETHER, ["ATW"], [0], RSI_14=50.0, SMA_20=400.0, BBM_20_2=400.0)
    warehouse.write("indicators_1m", "casablanca", rows)
    return warehouse


def test_the_file_has_one_of_the_two(tmp_path: Path) -> None:
    (found,) = filled(tmp_path).slices("indicators_1m", "casablanca")
    assert "SMA_20" in pq.read_schema(found.path).names
    assert "BBM_20_2" not in pq.read_schema(found.path).names


def test_views_show_both_live_latest_and_closed(tmp_path: Path) -> None:
    warehouse = filled(tmp_path)
    assert seen(warehouse, ASKED.format("indicators_1m")) == [("ATW", 50.0, 400.0, 400.0)]
    assert seen(warehouse, ASKED.format("indicators_1m_latest")) == [("ATW", 50.0, 400.0, 400.0)]
    warehouse.close_session("casablanca", DAY)
    assert seen(warehouse, ASKED.format("indicators_1m")) == [("ATW", 50.0, 400.0, 400.0)]


def test_reads_bring_both_or_only_the_twin(tmp_path: Path) -> None:
    warehouse = filled(tmp_path)
    rows = warehouse.read("indicators_1m", "casablanca", sessions=[DAY])
    assert rows.schema.equals(TOGETHER.schema)
    assert rows["BBM_20_2"].to_pylist() == [400.0]
    assert warehouse.read("indicators_1m", "casablanca", columns=["BBM_20_2"])["BBM_20_2"].to_pylist() == [400.0]
    assert warehouse.latest("indicators_1m", "casablanca")["BBM_20_2"].to_pylist() == [400.0]


def test_a_rewritten_minute_keeps_both(tmp_path: Path) -> None:
    warehouse = filled(tmp_path)
    rows = indicators(TOGETHER, ["IAM"], [0], RSI_14=40.0, SMA_20=100.0, BBM_20_2=100.0)
    warehouse.write("indicators_1m", "casablanca", rows)
    assert seen(warehouse, ASKED.format("indicators_1m")) == [("ATW", 50.0, 400.0, 400.0), ("IAM", 40.0, 100.0, 100.0)]


def test_slices_from_before_keep_their_own_values(tmp_path: Path) -> None:
    before = open_warehouse(tmp_path, SEPARATE)
    before.write("indicators_1m", "casablanca", indicators(SEPARATE, ["ATW"], [0], SMA_20=400.0, BBM_20_2=401.0))
    after = open_warehouse(tmp_path, TOGETHER)
    assert after.read("indicators_1m", "casablanca", sessions=[DAY])["BBM_20_2"].to_pylist() == [401.0]
    assert seen(after, "SELECT BBM_20_2 FROM indicators_1m") == [(401.0,)]
