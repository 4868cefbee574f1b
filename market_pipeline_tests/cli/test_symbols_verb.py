"""`market-pipeline symbols`: how each symbol does, and how well it is known."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.steps.warehouse_tables import all_tables
from market_pipeline.storage.tables import (
    BARS_1D_ADJUSTED,
    BARS_1M,
    FETCH_OUTCOMES,
    GAPS,
    LIVE_TICKERS,
    SESSION_DIFFERENCES,
    SET_ASIDE,
)
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.cli.conftest import Command
from market_pipeline_tests.storage.desk import rows_of

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
"""09:15 in Mumbai."""
AT = OPEN + timedelta(minutes=10)


@pytest.fixture
def filled(folder: Path) -> None:
    """TCS with eight bars of ten minutes, INFY with a ticker only."""
    warehouse = Warehouse(folder / "data" / "simulated", all_tables(), clock=HandClock(AT))
    key: dict[str, Any] = {"market": "india", "symbol": "TCS", "session_date": DAY, "known_at": AT}
    ticker = key | {"name": "Tata", "price": 110.0, "change_1d_percent": 1.25, "volume": 5000.0, "event_time": AT}
    infy = key | {"symbol": "INFY", "price": 50.0, "known_at": AT - timedelta(minutes=1)}
    tickers = [ticker | {"flags": ["disputed"]}, ticker | {"known_at": OPEN, "flags": []}, infy | {"flags": []}]
    warehouse.write(LIVE_TICKERS, "india", rows_of(LIVE_TICKERS, tickers))
    bars = [key | {"interval_start": OPEN + timedelta(minutes=n), "close": 110.0} for n in range(8)]
    warehouse.write(BARS_1M, "india", rows_of(BARS_1M, bars))
    daily = [key | {"source": "dhan", "session_date": date(2026, 11, 13), "close": 200.0, "close_adjusted": 100.0}]
    warehouse.write(BARS_1D_ADJUSTED, "india", rows_of(BARS_1D_ADJUSTED, daily))
    asked = {"market": "india", "symbol": "TCS", "session_date": DAY, "source": "dhan", "kind": "quote"}
    statuses = ["ok", "ok", "timeout", "ok"]
    rows = [asked | {"as_of": OPEN + timedelta(minutes=n), "status": s} for n, s in enumerate(statuses)]
    warehouse.write(FETCH_OUTCOMES, "india", rows_of(FETCH_OUTCOMES, rows))
    refused = key | {"kind": "quote", "as_of": AT, "reason": "stale"}
    warehouse.write(SET_ASIDE, "india", rows_of(SET_ASIDE, [refused]))
    gap = key | {"first_minute": OPEN, "last_minute": OPEN, "minutes": 1, "cause": "timeout", "state": "open"}
    warehouse.write(GAPS, "india", rows_of(GAPS, [gap]))
    apart = key | {"equal": 3, "different": 2, "worst_percent": -0.5}
    warehouse.write(SESSION_DIFFERENCES, "india", rows_of(SESSION_DIFFERENCES, [apart]))


def test_as_json_every_figure_of_a_symbol_is_there(command: Command, filled: None) -> None:
    done = command("symbols", "india", "--json")
    document = json.loads(done.stdout)
    infy, tcs = document["symbols"]
    assert (done.exit_code, document["market"], infy["symbol"]) == (0, "india", "INFY")
    assert round(tcs.pop("change_5d_percent"), 9) == 10.0
    assert tcs == {
        "symbol": "TCS",
        "name": "Tata",
        "price": 110.0,
        "change_1d_percent": 1.25,
        "volume": 5000.0,
        "bars": 8,
        "sampled": 0,
        "gaps": 1,
        "gap_minutes": 1,
        "untraded_minutes": None,
        "requests": 4,
        "ok_share": 0.75,
        "outcomes": {"ok": 3, "timeout": 1},
        "set_aside": 1,
        "disputed_share": 0.5,
        "different_bars": 2,
        "worst_percent": 0.5,
        "last_event": "2026-11-20T03:55:00+00:00",
        "source": None,
        "coverage": 0.8,
    }


def test_what_nobody_knows_of_a_symbol_is_null_and_not_nought(command: Command, filled: None) -> None:
    infy = json.loads(command("symbols", "india", "--json").stdout)["symbols"][0]
    unknown = ("change_1d_percent", "change_5d_percent", "volume", "ok_share", "different_bars", "last_event")
    assert {name: infy[name] for name in unknown} == dict.fromkeys(unknown)
    assert (infy["bars"], infy["coverage"]) == (0, 0.0)


def test_for_people_it_is_one_line_a_symbol(command: Command, filled: None) -> None:
    lines = command("symbols", "india").stdout.splitlines()
    assert lines[0] == "SIMULATED · made-up prices"
    assert lines[3].split() == [
        *("TCS", "110", "+1.25", "+10.00", "5,000", "80.0%", "1", "75.0%", "1", "50.0%"),
        *("timeout", "1", "2026-11-20", "03:55"),
    ]
    assert lines[4] == "2 symbols of india"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["indai"], "did you mean india?"), (["india", "--sessions", "0"], "asked for 0 sessions")],
)
def test_wrong_use_is_one_line_and_exit_code_2(command: Command, filled: None, words: list[str], said: str) -> None:
    done = command("symbols", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
