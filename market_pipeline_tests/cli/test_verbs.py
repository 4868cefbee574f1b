"""What each verb prints for people and for programs, on a simulated exchange that stands still."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline_tests.cli.conftest import EARLY, Command


def faults(*plan: dict[str, str]) -> FaultPlan:
    return FaultPlan.model_validate({"faults": plan})


def test_cycle_as_json_has_exactly_the_documented_keys_first(running_command: Command) -> None:
    document = json.loads(running_command("cycle", "casablanca", "--json").stdout)
    keys = ["market", "as_of", "session_state", "duration_seconds", "coverage", "tickers", "outcomes"]
    assert list(document)[:7] == keys
    assert (document["as_of"], document["session_state"]) == ("2026-11-19T09:50:00+00:00", "open")
    assert document["outcomes"]["wafa_bourse"] == {"ok": 16}


def test_cycle_for_people_names_every_source_and_table(running_command: Command) -> None:
    lines = running_command("cycle", "casablanca").stdout.splitlines()
    assert lines[0].startswith("SIMULATED · made-up prices, clock of the simulated exchange: 2026-11-19 09:50:")
    assert lines[1].startswith("casablanca is open: continuous until 15:20 +00:00; coverage 100%; took ")
    assert "wafa_bourse        quotes     ok            16" in lines
    assert "live_tickers             16" in lines


def test_cycle_says_why_a_source_failed(running_command: Command, simulated: RunningSimulator) -> None:
    simulated.set_faults(faults({"kind": "503", "source": "casablanca_bourse"}))
    done = running_command("cycle", "casablanca")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("casablanca_bourse")]
    assert line.split()[1:4] == ["quotes", "timeout", "16"]
    assert "saw HTTP 503" in line
    assert done.exit_code == 0


def test_cycle_below_the_limit_says_so_and_exits_with_1(running_command: Command, simulated: RunningSimulator) -> None:
    simulated.set_faults(faults({"kind": "403"}))
    done = running_command("cycle", "crypto")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == "crypto: coverage 0% is below the market's limit of 50%"


def test_a_closed_market_has_no_limit_to_be_below(
    running_command: Command, simulated: RunningSimulator, hand_clock: HandClock
) -> None:
    hand_clock.at = hand_clock.at.replace(day=21)
    simulated.set_faults(faults({"kind": "503"}))
    done = running_command("cycle", "casablanca", "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["session_state"], document["coverage"]) == (0, "closed", 0)


@pytest.mark.parametrize("words", [["cycle", "crypto"], ["backfill", "crypto", "--from", "2026-11-18"]])
def test_without_the_simulated_exchange_the_command_to_run_is_named(command: Command, words: list[str]) -> None:
    done = command(*words, *(["--to", "2026-11-18"] if words[0] == "backfill" else []))
    assert done.exit_code == 3
    assert "start it with `market-pipeline simulate` (or everything with `make run`)" in done.stderr
    assert done.stdout == ""


def test_a_live_market_without_keys_names_what_to_set(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_FEED", "live")
    monkeypatch.setenv("MARKET_PIPELINE_BUDGETS", "on")
    done = command("cycle", "india")
    assert done.exit_code == 2
    assert "india has no source: dhan is off: set DHAN_CLIENT_ID and DHAN_API_TOKEN" in done.stderr


@pytest.mark.parametrize(
    ("first", "last", "seen"),
    [
        ("18/11/2026", "2026-11-18", "'18/11/2026' is not a date"),
        ("2026-11-18", "2026-11-17", "--from 2026-11-18 lies after --to 2026-11-17"),
        ("2027-01-04", "2027-01-05", "there is none up to 2026-11-19"),
        ("2026-11-14", "2026-11-15", "there is none up to 2026-11-19"),
        ("1999-01-04", "1999-01-05", "it begins on 2013-01-01"),
    ],
    ids=["no date", "reversed", "future", "weekend", "before the calendar"],
)
def test_a_range_that_cannot_be_is_refused(running_command: Command, first: str, last: str, seen: str) -> None:
    done = running_command("backfill", "casablanca", "--from", first, "--to", last)
    assert done.exit_code == 2
    assert seen in done.stderr


def test_backfill_of_a_market_without_minute_history_gives_daily_bars_and_says_so(running_command: Command) -> None:
    done = running_command("backfill", "casablanca", "--from", "2026-11-16", "--to", "2026-11-17")
    assert done.exit_code == 0
    assert [line.split()[:5] for line in done.stdout.splitlines()[2:4]] == [
        ["2026-11-16", "0", "0", "0", "16"],
        ["2026-11-17", "0", "0", "0", "16"],
    ]
    assert "note: casablanca has no source with minute history: its past gives daily bars only" in done.stdout


def test_status_as_json_has_the_documented_keys(running_command: Command) -> None:
    document = json.loads(running_command("status", "--json").stdout)
    assert (list(document)[:3], document["feed"]) == (["feed", "now", "markets"], "simulated")
    india = document["markets"]["india"]
    assert list(india)[:6] == ["state", "reason", "next_change", "last_event_time", "coverage", "rows"]
    assert (india["state"], india["next_change"]) == ("open", "2026-11-19T10:00:00+00:00")
    assert (india["last_event_time"], india["coverage"], india["rows"]["bars_1m"]) == (None, None, 0)
    assert india["last_cycle_seconds"] == {}


def test_status_fetches_nothing(running_command: Command, simulated: RunningSimulator) -> None:
    running_command("status")
    assert dict(simulated.simulation.counts) == {}


def test_status_explains_each_market_in_one_line(running_command: Command) -> None:
    lines = running_command("status").stdout.splitlines()
    assert lines[2] == "casablanca: open, continuous until 15:20 +00:00; last session 2026-11-17 not recorded"
    assert lines[3] == "crypto: open, all day, every day; last session 2026-11-18 not recorded"


def test_status_needs_no_simulated_exchange(
    running_command: Command, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_clock.at = EARLY
    running_command("cycle", "crypto")
    monkeypatch.setenv("MARKET_PIPELINE_SIMULATOR_URL", "http://127.0.0.1:9")
    done = running_command("status")
    assert done.exit_code == 0
    assert "the simulated exchange is not running: everything below is as of the last moment stored" in done.stdout
    document = json.loads(running_command("status", "--json").stdout)
    assert (document["is_clock_running"], document["now"]) == (False, "2026-11-19T00:20:00+00:00")
    assert document["markets"]["crypto"]["rows"]["live_tickers"] == 8


def test_status_shows_budgets_breakers_and_the_next_full_sweep(
    running_command: Command, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_clock.at = EARLY
    monkeypatch.setenv("MARKET_PIPELINE_BUDGETS", "on")
    running_command("cycle", "crypto", "--json")
    text = running_command("status").stdout
    assert re.search(r"^budget +used +limit +now +left +wait +breaker +full sweep \(UTC\)$", text, re.MULTILINE)
    assert re.search(r"^kraken default +\d+ +60 +60 +\d +[\d.]+ s +closed +crypto 00:20$", text, re.MULTILINE)
    budgets = json.loads(running_command("status", "--json").stdout)["budgets"]
    (kraken,) = [one for one in budgets if one["source"] == "kraken"]
    assert (kraken["burst"], kraken["breaker"], kraken["next_probe"]) == (2, "closed", None)
    assert kraken["full_sweep_at"] == {"crypto": "2026-11-19T00:20:00+00:00"}


def test_status_names_the_seed_that_nobody_could_resolve(running_command: Command) -> None:
    text = running_command("status").stdout
    assert "casablanca: seed MAR (Marjane Holding) is unresolved: Marjane Holding is not listed" in text


def test_views_and_export_need_no_simulated_exchange(command: Command, folder: Path) -> None:
    views = json.loads(command("views", "--json").stdout)
    assert (views["feed"], Path(views["path"]).name) == ("simulated", "market.duckdb")
    done = command("export", "copy.duckdb")
    assert done.exit_code == 0
    assert done.stdout.startswith("SIMULATED · made-up prices\n")
    with duckdb.connect(str(folder / "copy.duckdb"), read_only=True) as copy:
        assert copy.sql("SELECT count(*) FROM live_tickers").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["missing/copy.duckdb"], "there is no folder"),
        (["taken.duckdb"], "that file is there already; a retry does not help; add --overwrite"),
        (["taken.duckdb", "--format", "csv"], "name a folder that is new"),
        (["."], "that is a folder"),
        (["copy", "--format", "xml"], "asked for an export as 'xml'; there are duckdb, parquet, csv"),
        (["copy.duckdb", "--table", "prices"], "there is no table prices; there are: alerts, bars_1d"),
        (["copy.duckdb", "--market", "mars"], "looked for market 'mars'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_export_that_cannot_be_is_refused_and_touches_nothing(
    command: Command, folder: Path, words: list[str], seen: str
) -> None:
    (folder / "taken.duckdb").write_text("mine")
    done = command("export", *words)
    assert done.exit_code == 2
    assert seen in done.stderr
    assert (folder / "taken.duckdb").read_text() == "mine"
    assert not list(folder.glob("copy*"))


def test_export_replaces_a_file_only_when_told_to(command: Command, folder: Path) -> None:
    (folder / "taken.duckdb").write_text("mine")
    assert command("export", "taken.duckdb", "--overwrite").exit_code == 0
    with duckdb.connect(str(folder / "taken.duckdb"), read_only=True) as copy:
        assert ("bars_1m",) in copy.sql("SELECT table_name FROM duckdb_tables()").fetchall()


def test_doctor_shows_what_became_of_each_seed(running_command: Command) -> None:
    findings = {finding["what"]: finding for finding in json.loads(running_command("doctor", "--json").stdout)}
    assert findings["seeds of casablanca"]["found"] == "16 asked for: 9 right as they are, 6 resolved, 1 unresolved"
    assert findings["seed BMCE (casablanca)"]["found"].startswith("BMCE Bank → BOA (renamed since 2019-09-01)")
    assert findings["seed MAR (casablanca)"]["level"] == "warn"
    assert "defs/casablanca/defs.yaml" in findings["seed MAR (casablanca)"]["remedy"]


def test_doctor_without_the_simulated_exchange_names_the_remedy_and_exits_with_3(command: Command) -> None:
    done = command("doctor")
    [line] = [line for line in done.stdout.splitlines() if line.startswith("down")]
    assert "→ start it with `market-pipeline simulate`, or everything with `make run`" in line
    assert done.exit_code == 3


def test_doctor_finds_a_data_folder_that_cannot_be_written(
    running_command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("MARKET_PIPELINE_DATA", str(folder / "file"))
    done = running_command("doctor", "--json")
    [disk] = [finding for finding in json.loads(done.stdout) if finding["what"] == "disk"]
    assert (disk["level"], disk["remedy"]) == ("fail", "set MARKET_PIPELINE_DATA to one that is")
    assert done.exit_code == 1


def test_indicators_for_people_has_one_line_a_column_without_a_terminal(command: Command) -> None:
    lines = command("indicators").stdout.splitlines()
    [line] = [line for line in lines if line.startswith("RSI_14 ")]
    assert "RSI(timeperiod=14)" in line
    assert lines[-1] == "168 columns; formula and source of each: docs/indicators.md"


@pytest.mark.parametrize(
    ("option", "value", "seen"),
    [
        ("--replay", "india", "write MARKET=PATH"),
        ("--replay", "india=none.parquet", "there is no such file"),
        ("--replay", "india=text.parquet", "cannot be read as Parquet"),
        ("--replay", "mars=text.parquet", "no source of this market is simulated"),
        ("--faults", "none.yaml", "the file cannot be read"),
        ("--as-of", "2026-11-19T09:00:00", "has no offset from UTC"),
        ("--speed", "-1", "time cannot run so"),
    ],
)
def test_a_simulation_that_cannot_be_says_nothing_but_the_error(
    command: Command, folder: Path, option: str, value: str, seen: str
) -> None:
    (folder / "text.parquet").write_text("no parquet")
    done = command("simulate", "--port", "0", option, value)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert seen in done.stderr


def test_indicators_check_says_that_our_own_functions_keep_their_promises(command: Command) -> None:
    done = command("indicators", "--check")
    assert done.exit_code == 0
    assert done.stdout == "2 functions keep all 7 promises: parkinson, zscore\n"
