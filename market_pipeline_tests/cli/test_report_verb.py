"""`market-pipeline report`: what people and programs get."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from market_pipeline.clock import HandClock
from market_pipeline_tests.cli.conftest import EARLY, Command


def test_what_a_cycle_of_the_simulated_exchange_brought_is_reported(
    running_command: Command, folder: Path, hand_clock: HandClock
) -> None:
    hand_clock.at = EARLY
    running_command("cycle", "crypto")
    hand_clock.advance(timedelta(minutes=1))
    done = running_command("report", "daily", "--market", "crypto", "--date", "2026-11-19", "--json")
    assert done.exit_code == 0
    [found] = json.loads(done.stdout)["reports"]
    assert found["coverage"][0] | {"worst_minute": ""} == {
        **{"tier": 1, "listed": 8, "cycles": 1, "mean_share": 1.0, "worst_share": 1.0},
        **{"worst_minute": "", "reasons": {}},
    }
    assert [(day["open_minutes"], day["up_minutes"]) for day in found["uptime"]] == [(21, 1)]
    path = folder / "data" / "simulated" / "reports" / "crypto" / "daily_2026-11-19.html"
    assert (found["path"], found["mailed_to"]) == (str(path), [])
    assert "SIMULATED" in path.read_text()


def test_markdown_can_go_to_stdout(command: Command) -> None:
    done = command("report", "daily", "--market", "nairobi", "--date", "2026-11-19", "--format", "md", "-o", "-")
    assert done.exit_code == 0
    assert done.stdout.startswith("# Nairobi Securities Exchange: Thursday 19 November 2026\n")
    assert "Nothing stored: no cycle ran in open hours" in done.stdout


def test_wrong_use_is_one_line_and_exit_code_2(command: Command) -> None:
    wrong = {
        ("report", "daily", "-o", "x.html"): "name the market that goes there",
        ("report", "daily", "--market", "indai"): "did you mean india?",
        ("report", "daily", "--market", "casablanca", "--date", "2026-11-18"): "no session (Independence Day)",
        ("report", "weekly", "--market", "crypto", "-o", "-", "--json"): "stdout has room for one",
        ("report", "daily", "--market", "crypto", "--date", "2026-11-19", "--mail"): "SMTP_HOST",
    }
    found = {words: command(*words) for words in wrong}
    assert {words: done.exit_code for words, done in found.items()} == dict.fromkeys(wrong, 2)
    assert [said for words, said in wrong.items() if said not in found[words].stderr] == []
