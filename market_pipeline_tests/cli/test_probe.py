"""`probe` as people and scripts meet it: the simulated exchange plays the sources, well and badly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline_tests.cli.conftest import Command
from market_pipeline_tests.sources.scripted_server import reply, serving

CLOCK = b'{"now": "2026-11-19T09:50:00+00:00", "speed": 0}'


def probed(command: Command, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = command("probe", *words, "--json")
    return done.exit_code, {entry["source"]: entry for entry in json.loads(done.stdout)["probes"]}


def test_every_source_is_asked_once_and_parsed(running_command: Command, simulated: RunningSimulator) -> None:
    code, found = probed(running_command)
    assert code == 0
    assert {"casablanca_bourse", "wafa_bourse", "african_markets", "dhan", "kraken"} <= set(found)
    assert {(entry["verdict"], entry["http_status"]) for entry in found.values()} == {("ok", 200)}
    # Yahoo wants a cookie and a crumb first, and the directory is two files
    assert {name: entry["requests"] for name, entry in found.items() if entry["requests"] > 1} == {
        "yahoo": 3,
        "nasdaq_directory": 2,
    }
    assert simulated.requests("/kraken/0/public/Ticker") == 1
    kraken = found["kraken"]
    assert (kraken["market"], kraken["symbol"], kraken["event_time"]) == (
        "crypto",
        "BTC-USD",
        "2026-11-19T09:50:00+00:00",
    )
    assert kraken["price"] > 0
    assert kraken["latency_ms"] > 0
    assert kraken["drift"] == {"channel": "ticker", "missing": [], "added": [], "retyped": []}


def test_for_people_it_is_one_line_a_source(running_command: Command) -> None:
    lines = running_command("probe", "african_markets").stdout.splitlines()
    assert lines[0].startswith("SIMULATED · made-up prices")
    assert lines[1].split() == ["source", "market", "symbol", "HTTP", "ms", "parsed", "verdict"]
    assert lines[2].split()[:4] == ["african_markets", "casablanca", "ATW", "200"]
    assert lines[2].endswith("at 2026-11-19 00:00:00 UTC  ok")


@pytest.mark.parametrize(
    ("kind", "verdict", "status", "code"),
    [
        ("500", "unreachable", 500, 3),
        ("429", "unreachable", 429, 3),
        ("403", "odd", 403, 1),
        ("html", "odd", 200, 1),
        ("truncated", "odd", 200, 1),
        ("empty", "odd", 200, 1),
    ],
)
def test_a_source_that_does_not_answer_as_it_should_says_how(
    running_command: Command, simulated: RunningSimulator, kind: str, verdict: str, status: int, code: int
) -> None:
    simulated.set_faults(FaultPlan.model_validate({"faults": [{"kind": kind}]}))
    exit_code, found = probed(running_command, "casablanca_bourse")
    probe = found["casablanca_bourse"]
    assert (exit_code, probe["verdict"], probe["http_status"]) == (code, verdict, status)
    assert probe["reason"]
    assert simulated.requests("/casablanca_bourse/api/proxy/fr/api/bourse/dashboard/ticker") == 1


def test_one_source_that_fails_hides_no_other(running_command: Command, simulated: RunningSimulator) -> None:
    simulated.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503", "source": "kraken"}]}))
    code, found = probed(running_command)
    assert (code, found["kraken"]["verdict"], found["dhan"]["verdict"]) == (3, "unreachable", "ok")


def test_drift_names_every_field_that_is_missing_new_or_of_another_type(
    command: Command, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads((samples / "kraken" / "ticker_normal.json").read_text())
    for pair in document["result"].values():
        del pair["t"]
        pair["h"] = [92010.0, 92500.0]
        pair["vwap"] = "90512.1"
    with serving([reply(body=CLOCK), reply(body=json.dumps(document).encode())]) as server:
        monkeypatch.setenv("MARKET_PIPELINE_SIMULATOR_URL", server.url)
        done = command("probe", "kraken")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-3:] == [
        "kraken ticker: missing .result.*.t[]",
        "kraken ticker: retyped .result.*.h[]: text → number",
        "kraken ticker: new .result.*.vwap",
    ]
    assert "91000.1 at 2026-11-19 09:50:00 UTC" in done.stdout
    assert done.stdout.splitlines()[2].split()[-1] == "drift"


def test_a_saved_payload_holds_the_prices_and_no_token(
    running_command: Command, simulated: RunningSimulator, folder: Path
) -> None:
    first = {"kind": "401", "source": "wafa_bourse", "route": "/api/proxy/data/*", "first": 1}
    simulated.set_faults(FaultPlan.model_validate({"faults": [first]}))
    code, found = probed(running_command, "wafa_bourse", "--save", "kept")
    assert (code, found["wafa_bourse"]["requests"]) == (0, 3)
    texts = {path.name: path.read_text() for path in (folder / "kept").iterdir()}
    assert json.loads(texts["wafa_bourse_casablanca.json"]) == {"token": "REDACTED"}
    assert '"DernierCours"' in texts["wafa_bourse_casablanca_2.json"]


def test_a_folder_that_cannot_be_written_is_wrong_use(running_command: Command, folder: Path) -> None:
    (folder / "file").write_text("")
    done = running_command("probe", "kraken", "--save", "file")
    assert done.exit_code == 2
    assert "name a folder that can be written" in done.stderr


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["reuters"], "looked for source 'reuters' and there is none"),
        (["kraken", "--market", "india"], "source 'kraken' in market 'india'"),
    ],
    ids=["no such source", "not in that market"],
)
def test_an_unknown_source_is_answered_with_those_there_are(command: Command, words: list[str], asked: str) -> None:
    done = command("probe", *words)
    assert done.exit_code == 2
    assert asked in done.stderr
    assert "dhan: india; kraken: crypto" in done.stderr


def test_a_source_without_its_keys_is_off_and_not_asked(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_FEED", "live")
    monkeypatch.setenv("MARKET_PIPELINE_BUDGETS", "on")
    done = command("probe", "dhan")
    assert done.exit_code == 2
    assert "off  off: set DHAN_CLIENT_ID and DHAN_API_TOKEN" in done.stdout
    assert "dhan was not asked" in done.stderr


def test_without_the_simulated_exchange_the_command_to_run_is_named(command: Command) -> None:
    done = command("probe")
    assert done.exit_code == 3
    assert "market-pipeline simulate" in done.stderr
