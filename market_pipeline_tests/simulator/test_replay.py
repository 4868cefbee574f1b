"""Recorded bars: charts give back exactly the recorded floats, and quotes know only finished minutes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from market_pipeline.clock import HandClock
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.server import RunningSimulator, running_simulator
from market_pipeline_tests.simulator.conftest import write_recording

KEYS = {"access-token": "simulated", "client-id": "simulated"}
ROWS = [
    ("TCS", "2016-08-18T09:59:00+00:00", 2700.0, 2700.0, 2690.05, 2691.1, 10.0),
    ("TCS", "2016-08-19T03:45:00+00:00", 2701.15, 2703.05, 2700.0, 2702.35, 1200.0),
    ("TCS", "2016-08-19T03:46:00+00:00", 2702.35, 2709.9, 2702.35, 2704.0, 800.0),
    ("TCS", "2016-08-19T03:48:00+00:00", 2704.0, 2704.0, 2650.1, 2650.1 + 1e-9, 0.0),
    ("NIFTY50", "2016-08-19T03:45:00+00:00", 8672.35, 8673.1, 8671.9, 8672.8, 0.0),
]


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2016, 8, 19, 3, 48, 30, tzinfo=UTC))


@pytest.fixture
def replay(tmp_path: Path, clock: HandClock) -> Iterator[RunningSimulator]:
    options = SimulatorOptions(port=0, replay={"india": write_recording(tmp_path / "bars.parquet", ROWS)})
    with running_simulator(options, clock=clock) as running:
        yield running


def chart(replay: RunningSimulator, number: str, day: str) -> dict[str, list[float]]:
    body = {
        "securityId": number, "exchangeSegment": "NSE_EQ", "instrument": "EQUITY", "interval": "1",
        "fromDate": f"{day} 09:15:00", "toDate": f"{day} 15:30:00",
    }  # fmt: skip
    answer = requests.post(f"{replay.url}/dhan/v2/charts/intraday", json=body, headers=KEYS, timeout=5)
    answer.raise_for_status()
    document: dict[str, list[float]] = answer.json()
    return document


def quotes(replay: RunningSimulator) -> dict[str, Any]:
    body = {"NSE_EQ": [11536, 300001]}
    answer = requests.post(f"{replay.url}/dhan/v2/marketfeed/quote", json=body, headers=KEYS, timeout=5)
    found: dict[str, Any] = answer.json()["data"].get("NSE_EQ", {})
    return found


def test_the_master_lists_exactly_the_recorded_symbols(replay: RunningSimulator) -> None:
    lines = requests.get(f"{replay.url}/dhan/api-data/api-scrip-master.csv", timeout=5).text.splitlines()
    assert [line.split(",")[5] for line in lines[1:]] == ["NIFTY50", "TCS"]


def test_a_chart_has_exactly_the_recorded_floats_of_the_finished_minutes(replay: RunningSimulator) -> None:
    bars = chart(replay, "11536", "2016-08-19")
    assert bars["timestamp"] == [1471578300.0, 1471578360.0]
    assert bars["close"] == [2702.35, 2704.0]
    assert bars["volume"] == [1200.0, 800.0]


def test_a_minute_appears_when_it_is_over(replay: RunningSimulator, clock: HandClock) -> None:
    clock.at = datetime(2016, 8, 19, 3, 49, tzinfo=UTC)
    assert chart(replay, "11536", "2016-08-19")["close"][-1] == 2650.100000001


def test_the_session_before_is_there(replay: RunningSimulator) -> None:
    assert chart(replay, "11536", "2016-08-18")["low"] == [2690.05]


def test_a_quote_shows_the_last_finished_minute_at_its_last_second(replay: RunningSimulator) -> None:
    quote = quotes(replay)["11536"]
    assert (quote["last_price"], quote["last_trade_time"], quote["volume"]) == (2704.0, "19/08/2016 09:16:59", 2000)
    assert quote["ohlc"] == {"close": 2691.1, "high": 2709.9, "low": 2700.0, "open": 2701.15}


def test_nothing_is_quoted_before_the_recording_begins(replay: RunningSimulator, clock: HandClock) -> None:
    clock.at = datetime(2016, 8, 1, tzinfo=UTC)
    assert quotes(replay) == {}


def test_after_the_recording_its_last_session_stands(replay: RunningSimulator, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 20, tzinfo=UTC)
    assert quotes(replay)["11536"]["last_price"] == 2650.100000001


def test_an_index_without_volume_is_replayed_like_a_share(replay: RunningSimulator) -> None:
    assert chart(replay, "300001", "2016-08-19")["volume"] == [0.0]
    assert quotes(replay)["300001"]["average_price"] == 0.0


def test_daily_history_sums_the_recorded_minutes(replay: RunningSimulator, clock: HandClock) -> None:
    clock.at = datetime(2016, 8, 20, tzinfo=UTC)
    body = {
        "securityId": "11536", "exchangeSegment": "NSE_EQ", "instrument": "EQUITY", "expiryCode": 0,
        "fromDate": "2016-08-18", "toDate": "2016-08-20",
    }  # fmt: skip
    days = requests.post(f"{replay.url}/dhan/v2/charts/historical", json=body, headers=KEYS, timeout=5).json()
    assert (days["open"], days["high"], days["volume"]) == ([2700.0, 2701.15], [2700.0, 2709.9], [10.0, 2000.0])


@pytest.mark.realdata
@pytest.mark.parametrize("symbol", ["RELIANCE", "NIFTY50", "M&M", "INDIAVIX"])
def test_real_minutes_come_back_to_the_last_bit(realdata: Path, symbol: str) -> None:
    import pyarrow.parquet as pq

    path = realdata / "replay" / "india_2016-08-16_22.parquet"
    recorded = pq.read_table(path, filters=[("symbol", "==", symbol)]).to_pydict()
    day = [n for n, start in enumerate(recorded["interval_start"]) if start.day == 17]
    clock = HandClock(datetime(2016, 8, 19, 5, 30, tzinfo=UTC))
    with running_simulator(SimulatorOptions(port=0, replay={"india": path}), clock=clock) as replay:
        text = requests.get(f"{replay.url}/dhan/api-data/api-scrip-master.csv", timeout=5).text
        number = next(line.split(",")[2] for line in text.splitlines() if line.split(",")[5] == symbol)
        bars = chart(replay, number, "2016-08-17")
    assert len(text.splitlines()) == 178
    for name in ("open", "high", "low", "close", "volume"):
        assert bars[name] == [recorded[name][n] for n in day]
    assert bars["timestamp"] == [recorded["interval_start"][n].timestamp() for n in day]
