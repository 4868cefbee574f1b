"""A recording of the United States through Yahoo's charts and quotes and the symbol directories."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from market_pipeline.clock import HandClock
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.server import RunningSimulator, running_simulator
from market_pipeline_tests.simulator.conftest import write_recording

FOLDER = "nasdaq_directory/dynamic/SymDir"
ROWS = [
    ("BRK.B", "2019-02-14T20:59:00+00:00", 201.0, 201.5, 200.9, 201.25, 900.0),
    ("BRK.B", "2019-02-15T14:30:00+00:00", 202.0, 202.01, 201.99, 202.0 + 1e-9, 1200.0),
    ("BRK.B", "2019-02-15T14:32:00+00:00", 202.0, 203.0, 202.0, 202.5, 0.0),
    ("SPY", "2019-02-15T14:30:00+00:00", 276.5, 276.75, 276.5, 276.7001, 51200.0),
    ("SPY", "2019-02-15T14:35:00+00:00", 276.7, 276.7, 276.4, 276.45, 8000.0),
]


@contextmanager
def replayed(path: Path, at: datetime) -> Iterator[RunningSimulator]:
    with running_simulator(SimulatorOptions(port=0, replay={"us": path}), clock=HandClock(at)) as running:
        yield running


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[RunningSimulator]:
    path = write_recording(tmp_path / "bars.parquet", ROWS)
    with replayed(path, datetime(2019, 2, 15, 14, 33, 30, tzinfo=UTC)) as running:
        yield running


def quotes(replay: RunningSimulator, symbols: str) -> list[dict[str, Any]]:
    with requests.Session() as session:
        session.get(f"{replay.url}/yahoo/", timeout=5)
        crumb = session.get(f"{replay.url}/yahoo/v1/test/getcrumb", timeout=5).text
        params = {"symbols": symbols, "crumb": crumb}
        answer = session.get(f"{replay.url}/yahoo/v7/finance/quote", params=params, timeout=5)
    found: list[dict[str, Any]] = answer.json()["quoteResponse"]["result"]
    return found


def chart(replay: RunningSimulator, symbol: str, **params: Any) -> Any:
    answer = requests.get(f"{replay.url}/yahoo/v8/finance/chart/{symbol}", params=params, timeout=5)
    answer.raise_for_status()
    return answer.json()["chart"]["result"][0]


def listed(replay: RunningSimulator) -> list[str]:
    files = [requests.get(f"{replay.url}/{FOLDER}/{name}listed.txt", timeout=5).text for name in ("nasdaq", "other")]
    return [line.split("|")[0] for text in files for line in text.splitlines()[1:-1]]


def test_the_directories_list_exactly_the_recorded_symbols(replay: RunningSimulator) -> None:
    assert sorted(listed(replay)) == ["BRK.B", "SPY"]


def test_quotes_know_only_finished_minutes_of_recorded_symbols(replay: RunningSimulator) -> None:
    rows = quotes(replay, "BRK-B,AAPL,SPY")
    assert [row["symbol"] for row in rows] == ["BRK-B", "SPY"]
    assert (rows[0]["regularMarketPrice"], rows[0]["regularMarketVolume"]) == (202.5, 1200)
    assert rows[0]["regularMarketPreviousClose"] == 201.25
    assert (rows[1]["regularMarketPrice"], rows[1]["regularMarketTime"]) == (276.7001, 1550241059)


def test_a_chart_has_the_recorded_floats_and_nulls_between_them(replay: RunningSimulator) -> None:
    found = chart(replay, "BRK-B", interval="1m", range="1d")
    assert found["timestamp"] == [1550241000, 1550241060, 1550241120]
    assert found["indicators"]["quote"][0]["close"] == [202.000000001, None, 202.5]
    assert found["indicators"]["quote"][0]["volume"] == [1200, None, 0]


def test_a_recording_knows_no_splits_and_no_dividends(replay: RunningSimulator) -> None:
    found = chart(replay, "BRK-B", interval="1d", range="5d", events="div,splits")
    assert "events" not in found
    assert found["indicators"]["adjclose"][0]["adjclose"] == [201.25, 202.5]


@pytest.mark.realdata
def test_a_real_week_comes_back_to_the_last_bit(realdata: Path) -> None:
    import pyarrow.parquet as pq

    path = realdata / "replay" / "us_2019-02-11_15.parquet"
    table = pq.read_table(path).to_pydict()
    week = {"interval": "1m", "period1": 1549843200, "period2": 1550275200}
    with replayed(path, datetime(2019, 2, 15, 23, 0, tzinfo=UTC)) as replay:
        symbols = sorted(set(table["symbol"]))
        assert sorted(listed(replay)) == symbols
        assert sorted(row["symbol"] for row in quotes(replay, ",".join(symbols))) == symbols
        for symbol in symbols:
            recorded = [n for n, name in enumerate(table["symbol"]) if name == symbol]
            found = chart(replay, symbol, **week)
            quote = found["indicators"]["quote"][0]
            traded = [n for n, close in enumerate(quote["close"]) if close is not None]
            starts = [int(table["interval_start"][n].timestamp()) for n in recorded]
            order = sorted(range(len(recorded)), key=starts.__getitem__)
            assert [found["timestamp"][n] for n in traded] == [starts[n] for n in order]
            for name in ("open", "high", "low", "close", "volume"):
                assert [quote[name][n] for n in traded] == [table[name][recorded[n]] for n in order]
