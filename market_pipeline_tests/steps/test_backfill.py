"""A backfill that was killed goes on where it was; complete sessions are asked for again only when somebody insists."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, date, datetime

import requests

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.runtime import Runtime

YESTERDAY, TODAY = date(2026, 11, 18), date(2026, 11, 19)
NOW = datetime(2026, 11, 19, 0, 20, tzinfo=UTC)
"""Crypto's session of yesterday is over, today's is twenty minutes old."""


def chart_requests(exchange: RunningSimulator) -> int:
    stats = requests.get(f"{exchange.url}/_stats", timeout=5).json()
    return sum(entry["requests"] for route, entry in stats.items() if "OHLC" in route)


def test_a_killed_backfill_goes_on_with_the_session_that_it_was_killed_in(
    runtime: Runtime, settings: Settings, exchange: RunningSimulator, clock: HandClock
) -> None:
    clock.at = NOW
    words = (settings.data, exchange.url, NOW.isoformat(), YESTERDAY, TODAY, TODAY)
    command = [sys.executable, "-m", "market_pipeline_tests.steps.killed_backfill", *map(str, words)]
    died = subprocess.run(command, capture_output=True, timeout=100, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-2000:]
    assert runtime.warehouse.closed_sessions("crypto") == [YESTERDAY]
    before = chart_requests(exchange)
    report = backfill(runtime, "crypto", first=YESTERDAY, last=TODAY, with_daily=False)
    assert chart_requests(exchange) - before == 8
    assert [session.was_complete for session in report.sessions] == [True, False]
    assert all(session.bars == session.indicators > 0 for session in report.sessions)
    assert "1 of 2 sessions were complete already and not asked for again" in report.notes


def test_a_complete_session_is_asked_for_again_only_by_force(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    clock.at = NOW
    backfill(runtime, "crypto", first=TODAY, last=TODAY, with_daily=False)
    runtime.warehouse.close_session("crypto", TODAY)
    before = chart_requests(exchange)
    left = backfill(runtime, "crypto", first=TODAY, last=TODAY, with_daily=False)
    assert (left.sessions[0].was_complete, chart_requests(exchange) - before) == (True, 0)
    forced = backfill(runtime, "crypto", first=TODAY, last=TODAY, with_daily=False, is_forced=True)
    assert (forced.sessions[0].was_complete, chart_requests(exchange) - before) == (False, 8)
