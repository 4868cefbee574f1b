"""Weeks with unusual hours through the whole pipeline: the right sessions, and every minute of each at its UTC time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.find_gaps import stored_gaps
from market_pipeline_tests.simulator.conftest import write_recording
from market_pipeline_tests.steps.replay_desk import replaying, stored_minutes

type Sessions = dict[str, int]
"""Opening in UTC → minutes of regular trading."""

WEEKS: dict[str, tuple[str, str, Sessions]] = {
    "clocks in New York go forward on a Sunday": (
        "us", "AAPL", {"2026-03-06T14:30": 390, "2026-03-09T13:30": 390, "2026-03-10T13:30": 390},
    ),
    "clocks in New York go back on a Sunday": ("us", "AAPL", {"2026-10-30T13:30": 390, "2026-11-02T14:30": 390}),
    "clocks of 2008 went forward on another Sunday": ("us", "SHY", {"2008-03-07T14:30": 390, "2008-03-10T13:30": 390}),
    "Thanksgiving and the half day after it": (
        "us", "AAPL", {"2026-11-25T14:30": 390, "2026-11-27T14:30": 210, "2026-11-30T14:30": 390},
    ),
    "the last Saudi week from Saturday to Wednesday": (
        "saudi", "2222",
        {f"2013-06-{day}T08:00": 270 for day in (22, 23, 24, 25, 26, 30)} | {"2013-07-01T08:00": 270},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WEEKS)
def test_every_session_has_its_minutes_and_no_other_day_is_one(tmp_path: Path, name: str) -> None:
    market, symbol, sessions = WEEKS[name]
    opens = {datetime.fromisoformat(text).replace(tzinfo=UTC): minutes for text, minutes in sessions.items()}
    starts = [opening + timedelta(minutes=n) for opening, minutes in opens.items() for n in range(minutes)]
    rows = [(symbol, str(start), 10.0, 10.5, 9.5, 10.0 + n % 50 / 100, 100.0) for n, start in enumerate(starts)]
    path = write_recording(tmp_path / "week.parquet", rows)
    days = [opening.date() for opening in opens]
    with replaying(market, path, at=starts[-1] + timedelta(hours=2), folder=tmp_path / "feed") as runtime:
        report = backfill(runtime, market, first=days[0], last=days[-1])
        stored = stored_minutes(runtime, market)
        gaps = stored_gaps(runtime, runtime.market(market)).rows.to_pylist()
        daily = [row["session_date"] for row in runtime.warehouse.latest("bars_1d", market).to_pylist()]
    assert [session.session_date for session in report.sessions] == days
    assert stored["interval_start"].to_pylist() == starts
    assert Counter(start.date() for start in stored["interval_start"].to_pylist()) == dict(
        zip(days, opens.values(), strict=True)
    )
    assert [row for row in gaps if row["symbol"] == symbol] == []
    assert daily == days
