"""`market-pipeline chart`: a file from what is stored, and a clear word where there can be none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.cli.conftest import Command
from market_pipeline_tests.steps.test_levels import THURSDAY, WEDNESDAY, fill


@pytest.fixture
def stored(folder: Path) -> Path:
    clock = HandClock(datetime(2026, 11, 19, 2, tzinfo=UTC))
    fill(Runtime(Settings(data=folder / "data", _env_file=None), clock), WEDNESDAY, THURSDAY)
    return folder


def test_a_chart_is_drawn_to_the_file_that_is_named(command: Command, stored: Path) -> None:
    done = command("chart", "crypto", "BTC-USD", "--date", "2026-11-18", "-o", "btc.png")
    assert (done.exit_code, done.stdout.splitlines()) == (
        0,
        ["SIMULATED · made-up prices", "60 bars of BTC-USD on 2026-11-18 drawn to btc.png"],
    )
    assert (stored / "btc.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_is_drawn_where_the_name_ends_so(command: Command, stored: Path) -> None:
    done = command("chart", "crypto", "ETH-USD", "-o", "eth.html", "--json")
    document = json.loads(done.stdout)
    assert (document["session_date"], document["bars"], document["feed"]) == ("2026-11-19", 60, "simulated")
    assert "<svg" in (stored / "eth.html").read_text()


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["mars", "BTC-USD"], "looked for market 'mars': there is no such market"),
        (["crypto", "DOGE"], "wanted DOGE of crypto on 2026-11-19, and it has no minute bars there"),
        (["crypto", "BTC-USD", "--date", "2026-11-01"], "stored are 2 sessions, 2026-11-18 to 2026-11-19"),
        (["nairobi", "SCOM"], "wanted the newest session of nairobi, and there are no minute bars of it"),
        (["crypto", "BTC-USD", "--date", "today"], "'today' is not a date"),
        (["crypto", "BTC-USD", "-o", "chart.pdf"], "end the name in .png or .html"),
        (["crypto", "BTC-USD", "-o", "missing/chart.png"], "there is no folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_chart_that_cannot_be_is_refused_with_the_reason(
    command: Command, stored: Path, words: list[str], seen: str
) -> None:
    done = command("chart", *words)
    assert done.exit_code == 2
    assert seen in done.stderr
    assert not list(stored.glob("chart*"))
