"""Help, and wrong use that no verb ever sees."""

from __future__ import annotations

import subprocess
import sys

import pytest

from market_pipeline.cli.main import main
from market_pipeline_tests.cli.conftest import Command

HEAVY = {
    "dagster",
    "pandas",
    "numpy",
    "pyarrow",
    "duckdb",
    "aiohttp",
    "ccxt",
    "talib",
    "requests",
    "pydantic",
    "honcho",
}


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a new Python process has after `statement`."""
    code = f"import sys; {statement}; print(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_help_needs_none_of_the_heavy_libraries() -> None:
    assert loaded_by("import market_pipeline.cli.main") & HEAVY == set()


def test_help_lists_every_verb(command: Command) -> None:
    text = command("--help").stdout
    verbs = ("up", "simulate", "cycle", "backfill", "status", "doctor", "probe", "views", "indicators", "export")
    assert [verb for verb in verbs if f" {verb} " not in text] == []


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["frobnicate"], "error: No such command 'frobnicate'; `market-pipeline --help` shows how it is used"),
        (["cycle"], "error: Missing argument 'MARKET'; `market-pipeline cycle --help` shows how it is used"),
        (["backfill", "india", "--to", "2026-11-18"], "error: Missing option '--from'"),
        (["status", "--loud"], "error: No such option: --loud"),
        (["simulate", "--port", "http"], "error: Invalid value for '--port'"),
        (["up", "--at", "noon"], "error: Invalid value for '--at': 'noon' is not one of 'open', 'now'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_are_one_line_on_stderr_and_exit_2(
    words: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["market-pipeline", *words])
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    assert left.value.code == 2
    assert printed.err.startswith(line)
    assert (printed.err.count("\n"), printed.out) == (1, "")


def test_without_a_verb_the_help_is_shown_as_wrong_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["market-pipeline"])
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    assert left.value.code == 2
    assert "cycle" in printed.out
    assert printed.err == ""
