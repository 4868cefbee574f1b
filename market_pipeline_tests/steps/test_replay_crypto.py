"""Recorded one-minute bars of another exchange through Kraken's OHLC into bars_1m: the same bits come out.

ADABTC stands as ADA-USD here, a pair that the market lists; the numbers are untouched. A recording has neither turnover
nor trades, so they are not compared.
"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.cycle import run_cycle
from market_pipeline_tests.steps.replay_desk import VALUES, minutes_before, replaying, stored_minutes

pytestmark = pytest.mark.realdata


def recording(realdata: Path, days: list[int], path: Path) -> Path:
    """Write Binance's rows (opened at, open, high, low, close, volume, …; times in milliseconds) as a recording."""
    rows: list[list[str]] = []
    for day in days:
        with (realdata / "crypto" / "nautilus" / f"ADABTC-1m-2021-11-{day}.csv").open(newline="") as file:
            rows += csv.reader(file)
    starts = pa.array([int(row[0]) for row in rows], pa.timestamp("ms", "UTC"))
    values = {name: [float(row[1 + n]) for row in rows] for n, name in enumerate(VALUES)}
    pq.write_table(pa.table({"symbol": ["ADA-USD"] * len(rows), "interval_start": starts, **values}), path)
    return path


@pytest.mark.parametrize(("day", "minutes"), [(27, 10), (28, 11)])
def test_recorded_minutes_are_the_bars_of_a_cycle(realdata: Path, tmp_path: Path, day: int, minutes: int) -> None:
    path, at = recording(realdata, [day], tmp_path / "ada.parquet"), datetime(2021, 11, day, 0, 15, tzinfo=UTC)
    with replaying("crypto", path, at=at, folder=tmp_path / "feed") as runtime:
        report = run_cycle(runtime, "crypto")
        stored = stored_minutes(runtime, "crypto")
    assert report.bars.chart_counts == {"ok": 1, "unknown": 7}
    assert stored.num_rows == minutes
    assert stored.equals(minutes_before(path, at))


def test_minutes_that_krakens_charts_do_not_reach_come_from_trades(realdata: Path, tmp_path: Path) -> None:
    path, at = recording(realdata, [28], tmp_path / "ada.parquet"), datetime(2021, 11, 28, 23, 0, tzinfo=UTC)
    with replaying("crypto", path, at=at, folder=tmp_path / "feed") as runtime:
        backfill(runtime, "crypto", first=date(2021, 11, 28), last=date(2021, 11, 28))
        stored = stored_minutes(runtime, "crypto")
        bars = runtime.warehouse.read("bars_1m", "crypto", columns=("origin",))
        outcomes = runtime.warehouse.read("fetch_outcomes", "crypto").to_pylist()
    assert stored.equals(minutes_before(path, at))
    assert bars["origin"].unique().to_pylist() == ["ticks"]
    asked = {(row["kind"], row["status"]) for row in outcomes if row["symbol"] == "ADA-USD"}
    assert asked == {("minute_bars", "empty"), ("trades", "ok")}
