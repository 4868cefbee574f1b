"""`drill` as people type it: the list, wrong use, exit codes, what is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from market_pipeline.drills import catalogue
from market_pipeline.drills.catalogue import drills
from market_pipeline.drills.drill import Drill, Expectation, Judgement, Pace
from market_pipeline.drills.record import Record
from market_pipeline_tests.cli.conftest import Command


def made_up(name: str, *, is_met: bool) -> Drill:
    """A drill that takes no time."""
    at = datetime(2026, 10, 15, tzinfo=UTC)
    expectation = Expectation("it goes well", lambda _: Judgement(is_met, "it was looked at"))
    return Drill(name, "a story", "crypto", Pace.SHIFTED, 1, lambda *_: Record("crypto", at, at), [expectation])


def test_the_list_tells_each_story(command: Command) -> None:
    lines = command("drill", "--list").stdout.splitlines()
    assert lines[0].split() == ["drill", "market", "pace", "about", "story"]
    assert {line.split()[0] for line in lines[1:]} == set(drills())


def test_wrong_use_is_one_line_and_code_2(command: Command) -> None:
    for words in ((), ("--all", "--list"), ("no-such-thing",)):
        done = command("drill", *words)
        assert done.exit_code == 2
        assert len(done.stderr.splitlines()) == 1


def test_one_failed_drill_makes_the_exit_code_1_and_is_named(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    made = {"good": made_up("good", is_met=True), "bad": made_up("bad", is_met=False)}
    monkeypatch.setattr(catalogue, "drills", lambda: made)
    assert command("drill", "good").exit_code == 0
    done = command("drill", "--all", "--keep", str(tmp_path / "kept"))
    assert done.exit_code == 1
    assert "bad failed: 0 of 1 as expected" in done.stdout
    assert "1 of 2 drills passed" in done.stdout
    assert "SIMULATED" in done.stdout
    assert (tmp_path / "kept" / "good").is_dir()
    document = json.loads(command("drill", "good", "bad", "--json").stdout)
    assert (document["passed"], document["failed"]) == (1, 1)
    assert document["drills"][1]["findings"] == [
        {"expected": "it goes well", "seen": "it was looked at", "is_met": False}
    ]
