"""Errors become one line and an exit code; documents become JSON."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import typer

from market_pipeline.cli.console import ExitCode, guarded, print_json
from market_pipeline.cli.feed import feed_settings
from market_pipeline.cli.progress import PlainProgress
from market_pipeline.errors import (
    BreakerOpen,
    ConfigurationError,
    MarketPipelineError,
    SourceUnreachable,
    StorageError,
    UsageError,
    WarehouseBusy,
)


def ended_with(error: Exception) -> int:
    @guarded
    def verb() -> None:
        raise error

    with pytest.raises(typer.Exit) as left:
        verb()
    return left.value.exit_code


@pytest.mark.parametrize("error", [SourceUnreachable("down"), BreakerOpen("left alone"), WarehouseBusy("locked")])
def test_what_may_work_later_exits_with_3(error: MarketPipelineError) -> None:
    assert ended_with(error) == ExitCode.UNREACHABLE == 3


@pytest.mark.parametrize("error", [UsageError("wrong"), ConfigurationError("wrong"), StorageError("full")])
def test_what_somebody_must_mend_exits_with_2(error: MarketPipelineError) -> None:
    assert ended_with(error) == ExitCode.WRONG_USE == 2


def test_an_error_is_printed_as_it_is_brackets_included(capsys: pytest.CaptureFixture[str]) -> None:
    ended_with(UsageError("saw [red] and [/tmp] in [Errno 2]"))
    assert capsys.readouterr().err == "error: saw [red] and [/tmp] in [Errno 2]\n"


def test_a_defect_is_one_line_for_people_and_a_traceback_in_the_log(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed_settings()
    assert ended_with(KeyError("price")) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: a defect of market-pipeline itself: KeyError: 'price' (test_console.py, line ")
    [log] = (folder / "data" / "simulated" / "logs").glob("market_pipeline_*.log")
    assert "Traceback" in log.read_text()


def test_json_has_iso_times_and_null_for_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 11, 20, 9, 35, tzinfo=UTC)
    print_json({"at": moment, "day": date(2026, 11, 20), "price": math.nan, "rows": ({"rate": math.inf}, 0.5)})
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-11-20T09:35:00+00:00",
        "day": "2026-11-20",
        "price": None,
        "rows": [{"rate": None}, 0.5],
    }


def test_progress_without_a_terminal_says_what_begins_and_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PlainProgress()
    task = progress.add_task("india: looking")
    progress.update(task, completed=1, total=500, description="india: ABB")
    progress.update(task, completed=500, total=500, description="india: ZYDUSLIFE")
    assert capsys.readouterr().err.splitlines() == ["   0 s  india: looking", "   0 s  india: ZYDUSLIFE (500 of 500)"]
