"""Wrong options are found before the server starts, and say what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import UsageError
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.simulation import Simulation
from market_pipeline_tests.simulator.conftest import write_recording


@pytest.mark.parametrize(
    ("as_of", "seen"),
    [("tomorrow", "is no ISO time"), ("2026-11-20T09:35:00", "has no offset from UTC"), ("2026-13-01Z", "is no ISO")],
)
def test_a_wrong_time_is_refused(as_of: str, seen: str) -> None:
    with pytest.raises(UsageError, match=f"--as-of {as_of}: {seen}.*write it like 2026-11-20T09:35:00"):
        SimulatorOptions(as_of=as_of)


def test_an_offset_is_understood() -> None:
    assert SimulatorOptions(as_of="2016-08-19T11:00:00+05:30", speed=0).clock().now() == datetime(
        2016, 8, 19, 5, 30, tzinfo=UTC
    )


def test_a_negative_speed_is_refused() -> None:
    with pytest.raises(UsageError, match="--speed -1: time cannot run so"):
        SimulatorOptions(speed=-1)


def test_an_impossible_port_is_refused() -> None:
    with pytest.raises(UsageError, match="--port 70000: a port is 0 to 65535"):
        SimulatorOptions(port=70000)


def simulate(market: str, path: Path) -> Simulation:
    return Simulation(SimulatorOptions(replay={market: path}), HandClock(datetime(2026, 11, 20, tzinfo=UTC)))


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"tried to replay .*gone.parquet: there is no such file"):
        simulate("india", tmp_path / "gone.parquet")


def test_a_recording_that_is_no_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.parquet"
    path.write_text("symbol,open\nTCS,1\n")
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        simulate("india", path)


def test_a_recording_without_a_needed_column_says_which(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "short.parquet"
    pq.write_table(pa.table({"symbol": ["TCS"], "time": [1], "open": [1.0]}), path)
    with pytest.raises(
        UsageError, match=r"it lacks interval_start, high, low, close, volume \(it has symbol, time, open\)"
    ):
        simulate("india", path)


def test_a_recording_with_two_bars_of_a_minute_is_refused(tmp_path: Path) -> None:
    rows = [("TCS", "2026-11-20T03:45:00+00:00", 1.0, 1.0, 1.0, 1.0, volume) for volume in (5.0, 6.0)]
    with pytest.raises(UsageError, match="TCS has a minute twice with different numbers"):
        simulate("india", write_recording(tmp_path / "twice.parquet", rows))


def test_a_recording_of_another_zones_hours_is_refused(tmp_path: Path) -> None:
    row = ("TCS", "2026-11-19T20:45:00+00:00", 1.0, 1.0, 1.0, 1.0, 5.0)
    with pytest.raises(UsageError, match=r"none of its minutes lies in a session of india.*check the zone"):
        simulate("india", write_recording(tmp_path / "zone.parquet", [row]))


def test_a_recording_off_the_minute_is_refused(tmp_path: Path) -> None:
    row = ("TCS", "2026-11-20T03:45:59+00:00", 1.0, 1.0, 1.0, 1.0, 5.0)
    with pytest.raises(UsageError, match="interval_start is not on whole minutes"):
        simulate("india", write_recording(tmp_path / "late.parquet", [row]))


def test_a_market_without_simulated_sources_cannot_be_replayed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--replay atlantis=…: no source of this market is simulated"):
        simulate("atlantis", tmp_path / "any.parquet")
