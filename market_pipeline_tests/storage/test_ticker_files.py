"""JSON snapshot files."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from market_pipeline.storage.ticker_files import retain_ticker_files, write_ticker_file
from market_pipeline_tests.storage.facts import MARKET_FILE, state_after

ATW: dict[str, Any] = {"ticker": "ATW", "price": 504.0, "volume": None, "provenance": "{}"}


def write(folder: Path, minutes: float = 0, **document: Any) -> dict[str, Any]:
    path = write_ticker_file(
        folder,
        [ATW | document],
        market_file=MARKET_FILE,
        state=state_after(minutes),
        is_simulated=True,
        requested=16,
        fresh=15,
    )
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_the_file_is_named_by_the_utc_second_of_its_cycle(tmp_path: Path) -> None:
    write(tmp_path)
    (path,) = (tmp_path / "live_tickers" / "casablanca").iterdir()
    assert path.name == "live_tickers_20261120_093507.json"


def test_it_holds_the_tickers_and_the_figures_of_the_cycle(tmp_path: Path) -> None:
    content = write(tmp_path)
    assert content["live_tickers"] == [{"ticker": "ATW", "price": 504.0, "volume": None}]
    assert content["metadata"] == {
        "market": "casablanca",
        "exchange": "Casablanca Stock Exchange",
        "feed": "simulated",
        "simulated": True,
        "as_of": "2026-11-20T09:35:07+00:00",
        "session_state": "open",
        "total": 16,
        "successful": 15,
        "failed": 1,
        "last_run": None,
        "start_time": "2026-11-20T09:35:07+00:00",
    }


def test_the_next_file_names_the_run_before_and_keeps_the_start(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, minutes=1)
    metadata = write(tmp_path, minutes=2)["metadata"]
    assert metadata["last_run"] == "2026-11-20T09:36:07+00:00"
    assert metadata["start_time"] == "2026-11-20T09:35:07+00:00"


def test_times_dates_and_numbers_are_strict_json(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 20, 9, 34, tzinfo=UTC)
    content = write(tmp_path, timestamp=moment, session_date=date(2026, 11, 20), price=math.nan, name="Société")
    assert content["live_tickers"][0] == {
        "ticker": "ATW",
        "price": None,
        "volume": None,
        "timestamp": "2026-11-20T09:34:00+00:00",
        "session_date": "2026-11-20",
        "name": "Société",
    }


def test_a_file_spoiled_by_hand_does_not_stop_the_next_one(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "live_tickers" / "casablanca" / "live_tickers_20261120_093507.json").write_text("{")
    assert write(tmp_path, minutes=1)["metadata"]["last_run"] is None


def test_only_the_newest_files_are_kept(tmp_path: Path) -> None:
    for minutes in range(5):
        write(tmp_path, minutes=minutes)
    assert retain_ticker_files(tmp_path, "casablanca", keep=2) == 3
    names = sorted(path.name for path in (tmp_path / "live_tickers" / "casablanca").iterdir())
    assert names == ["live_tickers_20261120_093807.json", "live_tickers_20261120_093907.json"]
