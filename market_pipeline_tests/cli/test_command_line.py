"""The command as its users meet it: what it prints, what it exits with, and one clear line for every mistake.

Where what a process adds is not the point, the command runs within this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.markets.loader import market_names
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline_tests.cli.conftest import EARLY, Command

NIGHT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock(EARLY)


class Shell:
    """Runs the command as a process of its own on a feed of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("MARKET_PIPELINE_")} | {
            "MARKET_PIPELINE_DATA": str(folder),
            "MARKET_PIPELINE_SIMULATOR_URL": url,
            "MARKET_PIPELINE_BUDGETS": "off",
        }

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "market_pipeline.cli", *words],
            env=self.environment | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path, simulated: RunningSimulator) -> Shell:
    return Shell(tmp_path, simulated.url)


def test_cycle_prints_one_json_document_and_nothing_else(shell: Shell) -> None:
    done = shell("cycle", "crypto", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"market", "as_of", "session_state", "duration_seconds", "coverage", "tickers", "outcomes"} <= set(document)
    assert document["outcomes"] == {"kraken": {"ok": 8}, "yahoo": {"ok": 8}}
    assert [ticker["symbol"] for ticker in document["tickers"]][:2] == ["ADA-USD", "BTC-USD"]


def test_status_names_state_reason_and_rows_of_every_market(running_command: Command) -> None:
    running_command("cycle", "crypto", "--json")
    document = json.loads(running_command("status", "--json").stdout)
    assert document["feed"] == "simulated"
    assert set(document["markets"]) == set(market_names())
    crypto = document["markets"]["crypto"]
    assert crypto["state"] == "open"
    assert crypto["rows"]["live_tickers"] == 8
    assert {"state", "reason", "next_change", "last_event_time", "coverage", "rows"} <= set(crypto)


def test_a_forced_cycle_of_a_closed_market_succeeds_and_makes_no_bars(
    running_command: Command, hand_clock: HandClock
) -> None:
    hand_clock.at = NIGHT
    done = running_command("cycle", "casablanca", "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 0
    assert document["session_state"] == "closed"
    assert {ticker["session_state"] for ticker in document["tickers"]} == {"closed"}
    status = json.loads(running_command("status", "--json").stdout)
    assert status["markets"]["casablanca"]["rows"]["bars_1m"] == 0


def test_simulated_data_says_so_wherever_it_is_shown(running_command: Command) -> None:
    for words in (["cycle", "crypto"], ["status"], ["views"]):
        assert "SIMULATED" in running_command(*words).stdout


def test_coverage_below_the_markets_limit_exits_with_1(shell: Shell, simulated: RunningSimulator) -> None:
    simulated.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403"}]}))
    done = shell("cycle", "crypto", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["coverage"] == 0


def test_without_the_simulated_exchange_it_exits_with_3_and_names_the_command(tmp_path: Path) -> None:
    done = Shell(tmp_path, "http://127.0.0.1:9")("cycle", "crypto")
    assert done.returncode == 3
    assert "market-pipeline simulate" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["cycle", "mars"], "casablanca, crypto, global, india, nairobi, saudi, us"),
        (["backfill", "india", "--from", "yesterday", "--to", "2026-11-18"], "YYYY-MM-DD"),
        (["backfill", "india", "--from", "2026-11-18", "--to", "2026-11-17"], "after --to"),
        (["backfill", "casablanca", "--from", "2026-11-14", "--to", "2026-11-15"], "none up to"),
        (["simulate", "--replay", "india"], "MARKET=PATH"),
        (["simulate", "--replay", "india=missing.parquet"], "missing.parquet"),
        (["simulate", "--as-of", "noon"], "ISO"),
        (["export", "copy.duckdb", "--table", "nothing"], "nothing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_gives_one_clear_line_and_exits_with_2(running_command: Command, words: list[str], text: str) -> None:
    done = running_command(*words)
    assert done.exit_code == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_wrong_setting_is_named_with_what_was_seen(shell: Shell) -> None:
    done = shell("status", MARKET_PIPELINE_FEED="paper")
    assert done.returncode == 2
    assert "MARKET_PIPELINE_FEED" in done.stderr
    assert "'paper'" in done.stderr


def test_real_sources_cannot_be_asked_without_budgets(shell: Shell) -> None:
    done = shell("status", MARKET_PIPELINE_FEED="live")
    assert done.returncode == 2
    assert "MARKET_PIPELINE_BUDGETS=off is allowed only with MARKET_PIPELINE_FEED=simulated" in done.stderr


def test_indicators_lists_the_catalogue_as_data(command: Command) -> None:
    listed = json.loads(command("indicators", "--json").stdout)
    rsi = next(column for column in listed if column["column"] == "RSI_14")
    assert len(listed) >= 140
    assert {"column", "function", "inputs", "params", "anchor", "unit", "warm_up", "source"} <= set(rsi)
    assert (rsi["function"], rsi["params"], rsi["warm_up"]) == ("RSI", {"timeperiod": 14}, 14)


def test_backfill_fills_a_past_session_and_export_takes_it_away(
    running_command: Command, hand_clock: HandClock
) -> None:
    hand_clock.at = EARLY + timedelta(hours=2)
    done = running_command("backfill", "crypto", "--from", "2026-11-19", "--to", "2026-11-19", "--json")
    session = json.loads(done.stdout)["sessions"][0]
    exported = running_command("export", "copy.duckdb", "--market", "crypto", "--json")
    rows = json.loads(exported.stdout)["rows"]
    assert done.exit_code == 0
    assert session["bars"] == session["indicators"] == rows["bars_1m"] == 8 * 140


def test_doctor_finds_nothing_to_mend_on_a_running_simulated_feed(running_command: Command) -> None:
    done = running_command("doctor", "--json")
    findings = json.loads(done.stdout)
    assert [finding for finding in findings if finding["level"] == "fail"] == []
    assert any(finding["what"] == "time zones" for finding in findings)
