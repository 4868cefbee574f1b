"""`market-pipeline screen`: what people and programs get."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from market_pipeline import read
from market_pipeline.clock import HandClock
from market_pipeline.steps.warehouse_tables import all_tables, indicators_1m
from market_pipeline.storage.tables import LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.cli.conftest import EARLY, Command
from market_pipeline_tests.storage.desk import rows_of

AT = datetime(2026, 11, 20, 9, 59, tzinfo=UTC)


@pytest.fixture
def filled(folder: Path) -> None:
    """Three symbols of India."""
    warehouse = Warehouse(folder / "data" / "simulated", all_tables(), clock=HandClock(AT))
    key = {"market": "india", "session_date": date(2026, 11, 20), "known_at": AT}
    figures = {"TCS": (20.0, 3100.5), "INFY": (25.0, None), "RELIANCE": (71.5, 1500.0)}
    rows = [
        key | {"symbol": s, "interval_start": AT, "RSI_14": rsi, "SMA_200": sma} for s, (rsi, sma) in figures.items()
    ]
    warehouse.write(indicators_1m(), "india", rows_of(indicators_1m(), rows))
    tickers = [key | {"symbol": s, "name": f"{s.title()} [Ltd]", "price": 100.0} for s in figures]
    warehouse.write(LIVE_TICKERS, "india", rows_of(LIVE_TICKERS, tickers))


def test_as_json_it_is_one_document_with_the_rows(command: Command, filled: None) -> None:
    done = command("screen", "india", "rsi_14 < 30", "--sort=-rsi_14", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (
        0,
        {
            "feed": "simulated",
            "market": "india",
            "expression": "rsi_14 < 30",
            "symbols": 3,
            "matches": 2,
            "rows": [
                {"market": "india", "symbol": s, "interval_start": "2026-11-20T09:59:00+00:00", "RSI_14": rsi}
                for s, rsi in (("INFY", 25.0), ("TCS", 20.0))
            ],
        },
    )


def test_for_people_it_is_a_table_and_how_many_match(command: Command, filled: None) -> None:
    done = command("screen", "india", "rsi_14 < 80", "--columns", "name, SMA_200", "--sort", "sma_200", "--limit", "3")
    lines = done.stdout.splitlines()
    assert lines[0] == "SIMULATED · made-up prices"
    assert [line.split() for line in lines[1:5]] == [
        ["symbol", "interval_start", "name", "SMA_200"],
        ["RELIANCE", "2026-11-20", "09:59", "Reliance", "[Ltd]", "1,500"],
        ["TCS", "2026-11-20", "09:59", "Tcs", "[Ltd]", "3,100.5"],
        ["INFY", "2026-11-20", "09:59", "Infy", "[Ltd]", "–"],
    ]
    assert lines[5] == "3 of 3 symbols of india match"


def test_what_a_limit_leaves_out_is_said(command: Command, filled: None) -> None:
    done = command("screen", "india", "rsi_14 < 80", "--limit", "1")
    assert done.stdout.splitlines()[-1] == "3 of 3 symbols of india match; the first 1 are shown"


def test_no_match_is_an_answer(command: Command, filled: None) -> None:
    done = command("screen", "india", "rsi_14 < 1")
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "0 of 3 symbols of india match")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["indai", "rsi_14 < 1"], "did you mean india?"),
        (["india", "rsi_41 < 1"], "there is no column rsi_41; did you mean"),
        (["india", "rsi_14 < 1", "--columns", "nmae"], "there is no column nmae; did you mean name"),
        (["india", "rsi_14 < 1", "--sort", "-nothing_like_it"], "there is no column nothing_like_it"),
        (["india", "rsi_14 < 1", "--limit", "0"], "a limit of 1 or more"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(command: Command, filled: None, words: list[str], said: str) -> None:
    done = command("screen", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_an_empty_feed_says_how_to_fill_it(command: Command) -> None:
    done = command("screen", "india", "rsi_14 < 30")
    assert done.exit_code == 2
    assert "retry helps once something was stored (`make run`, or `market-pipeline cycle MARKET`)" in done.stderr


def test_what_a_cycle_wrote_can_be_screened_and_read_in_python_and_sql(
    running_command: Command, hand_clock: HandClock
) -> None:
    hand_clock.at = EARLY + timedelta(hours=2)
    running_command("cycle", "crypto")
    done = running_command("screen", "crypto", "close > 0 and price > 0", "--json")
    assert json.loads(done.stdout)["matches"] == 8
    path = json.loads(running_command("views", "--json").stdout)["path"]
    ours = read.bars("crypto", None, "1h", as_="arrow")
    with duckdb.connect(path, read_only=True) as people:
        theirs = people.sql("FROM bars_at('crypto', '1h') ORDER BY symbol, interval_start").to_arrow_table()
    assert ours.num_rows > 8
    assert theirs.cast(ours.schema).to_pylist() == ours.to_pylist()
