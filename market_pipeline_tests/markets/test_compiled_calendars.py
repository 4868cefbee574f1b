"""Calendars kept as text are the library's own, and are read without it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.markets import compiled_calendars
from market_pipeline.markets.compiled_calendars import compiled
from market_pipeline.markets.published_calendar import DayHours, PublishedCalendar

SCRIPT = """
import sys
from datetime import date
from market_pipeline.markets.published_calendar import published_calendar
calendar = published_calendar("XNYS")
print(len(calendar.sessions(2026, 2026)), "pandas" in sys.modules)
"""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of compiled modules of this test's own."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return Path(compiled_calendars._folder())


def test_what_was_worked_out_once_is_read_from_then_on(kept: Path) -> None:
    assert compiled("XTST", "2026", lambda: {"sessions": []}) == {"sessions": []}
    assert compiled("XTST", "2026", lambda: pytest.fail("worked out again")) == {"sessions": []}


def test_a_damaged_file_is_made_anew(kept: Path) -> None:
    compiled("XTST", "2026", lambda: {"n": 1})
    [path] = kept.glob("calendar_XTST_2026.*.json")
    path.write_text('{"n": ')
    assert compiled("XTST", "2026", lambda: {"n": 2}) == {"n": 2}
    assert path.read_text() == '{"n": 2}'


def test_a_file_of_an_older_library_is_not_read_and_goes(kept: Path) -> None:
    kept.mkdir(parents=True)
    old = kept / "calendar_XTST_2026.0123456789ab.json"
    old.write_text('{"n": 1}')
    assert compiled("XTST", "2026", lambda: {"n": 2}) == {"n": 2}
    assert not old.exists()


def test_where_nothing_may_be_kept_it_is_worked_out_each_time(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    answers: list[dict[str, Any]] = [{"n": 1}, {"n": 2}]
    assert [compiled("XTST", "2026", lambda: answers.pop(0)) for _ in range(2)] == [{"n": 1}, {"n": 2}]
    assert not kept.exists()


def test_where_not_even_a_leftover_can_be_removed_it_is_worked_out_each_time(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))  # as on a read-only file system
    answers: list[dict[str, Any]] = [{"n": 1}, {"n": 2}]
    assert [compiled("XTST", "2026", lambda: answers.pop(0)) for _ in range(2)] == [{"n": 1}, {"n": 2}]


def test_a_kept_calendar_says_what_the_library_said(kept: Path) -> None:
    fresh, again = PublishedCalendar("XCAS"), PublishedCalendar("XCAS")
    ramadan = DayHours(
        datetime(2026, 2, 19, 10, tzinfo=UTC), datetime(2026, 2, 19, 13, 30, tzinfo=UTC), season="ramadan"
    )
    for calendar in (fresh, again):
        assert calendar.sessions(2026, 2026)[date(2026, 2, 19)] == ramadan
        assert calendar.holiday_name(date(2026, 11, 18)) == "Independence Day"
        assert calendar.last_day == date(2026, 12, 31)


def test_a_kept_calendar_is_read_without_pandas(tmp_path: Path) -> None:
    def run() -> str:
        command = [sys.executable, "-X", f"pycache_prefix={tmp_path}", "-c", SCRIPT]
        return subprocess.run(command, capture_output=True, text=True, check=True, env={}).stdout.strip()

    assert run() == "251 True"
    assert run() == "251 False"
