"""`market-pipeline gaps`: what is missing and why, for people and for programs, and healing with an end in sight."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline_tests.cli.conftest import Command


@pytest.fixture
def stopped(running_command: Command, hand_clock: HandClock) -> Command:
    """Crypto ran one cycle in its young day, and then twenty minutes nothing ran."""
    hand_clock.at = datetime(2026, 11, 19, 0, 20, tzinfo=UTC)
    running_command("cycle", "crypto")
    hand_clock.advance(timedelta(minutes=20))
    return running_command


def test_gaps_lists_what_is_missing_with_its_cause(stopped: Command) -> None:
    done = stopped("gaps", "crypto")
    assert done.exit_code == 0
    assert any(line.split() == ["open", "process_down", "1"] for line in done.stdout.splitlines())
    [row] = [line for line in done.stdout.splitlines() if line.startswith("*")]
    assert row.split()[:6] == ["*", "2026-11-19", "00:20", "18", "process_down", "open"]


def test_gaps_heals_and_says_that_nothing_is_left(stopped: Command) -> None:
    document = json.loads(stopped("gaps", "crypto", "--heal", "--json").stdout)
    assert (document["market"], document["asked"], document["answered"], document["open"]) == ("crypto", 8, 8, [])
    assert (document["requests_left"], document["seconds_left"]) == (0, None)
    assert stopped("gaps", "crypto").stdout.splitlines()[-1] == "crypto: no gap is open"


def test_gaps_that_could_not_be_healed_are_left_for_the_same_command(
    stopped: Command, simulated: RunningSimulator
) -> None:
    simulated.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503", "source": "kraken"}]}))
    done = stopped("gaps", "crypto", "--heal")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == "crypto: 8 requests are left; the same command goes on from here"
