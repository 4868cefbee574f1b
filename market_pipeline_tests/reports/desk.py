"""A small warehouse of Casablanca, written by hand: one session of ten minutes that were served badly."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from market_pipeline.clock import HandClock
from market_pipeline.settings import Settings
from market_pipeline.steps.runtime import Runtime
from market_pipeline.storage import tables
from market_pipeline.storage.tables import Table
from market_pipeline_tests.storage.desk import rows_of

DAY = date(2026, 11, 19)
"""A Thursday after a holiday; the session before is that of Tuesday."""
OPENING = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)
EVENING = datetime(2026, 11, 19, 18, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MISSED = (3, 4)
"""Minutes after the opening in which no cycle ran."""
DARK = 6
"""Minute in which nothing was fresh."""
NAME = "Attijariwafa <b>& Co</b> | SA"


def open_feed(folder: Path, **settings: Any) -> Runtime:
    """A feed without a simulated exchange, in the evening."""
    quiet = Settings(data=folder, simulator_url="http://127.0.0.1:9", budgets=False, _env_file=None, **settings)
    return Runtime(quiet, HandClock(EVENING))


def fill(runtime: Runtime) -> None:
    """Write the session."""
    for number in (n for n in range(10) if n not in MISSED):
        _cycle(runtime, OPENING + number * MINUTE, is_dark=number == DARK)
    _gaps(runtime)
    _write(runtime, tables.SET_ASIDE, [{"symbol": "ATW", "as_of": OPENING, "kind": "quote", "reason": "bad_price"}])


def _cycle(runtime: Runtime, at: datetime, *, is_dark: bool) -> None:
    reasons = {"timeout": 2} if is_dark else {}
    coverage = {"tier": 1, "as_of": at, "fresh": 0 if is_dark else 2, "listed": 2, "known_at": at + 5 * MINUTE / 60}
    _write(runtime, tables.COVERAGE, [coverage | {"share": 1.0, "reasons": json.dumps(reasons)}])
    outcomes = [
        {"symbol": "ATW", "source": "wafa_bourse", "status": "timeout" if is_dark else "ok", "latency_ms": 250.0},
        {"symbol": "IAM", "source": "wafa_bourse", "status": "ok", "latency_ms": 250.0},
    ]
    same = {"as_of": at, "kind": "quote", "attempts": 1, "received_time": at + timedelta(seconds=2)}
    _write(runtime, tables.FETCH_OUTCOMES, [same | row for row in outcomes])
    steps = [("fetch", None, 2.0), ("fetch", "wafa_bourse", 1.5), ("merge", None, 0.4), ("write", None, 0.1)]
    named = [dict(zip(("step", "source", "seconds"), step, strict=True)) for step in steps]
    _write(runtime, tables.STEP_TIMES, [step | {"as_of": at, "known_at": at} for step in named])
    _write(runtime, tables.LIVE_TICKERS, _tickers(at))
    budget = {"source": "wafa_bourse", "kind": "any", "limit_per_second": 0.5, "rate_per_second": 0.5}
    used = {"used_last_minute": 3, "breaker": "open" if is_dark else "closed"}
    _write(runtime, tables.BUDGETS, [budget | used | {"as_of": at, "known_at": at}])


def _tickers(at: datetime) -> list[dict[str, Any]]:
    """ATW traded one minute ago; IAM five minutes before Tuesday's close, and so did the third, without a price."""
    before = datetime(2026, 11, 17, 15, 15, tzinfo=UTC)
    return [
        {
            "symbol": "ATW",
            "name": NAME,
            "price": 700.5,
            "change_1d_percent": 1.25,
            "event_time": at - MINUTE,
            "known_at": at,
        },
        {
            "symbol": "IAM",
            "name": "Maroc Telecom",
            "price": 100.0,
            "change_1d_percent": 9.0,
            "event_time": before,
            "known_at": at,
        },
        {"symbol": "CIH", "known_at": at},
    ]


def _gaps(runtime: Runtime) -> None:
    rows = [
        {"symbol": "*", "cause": "process_down", "state": "healed", "minutes": 2, "first_minute": OPENING + 3 * MINUTE},
        {"symbol": "ATW", "cause": "timeout", "state": "open", "minutes": 4, "first_minute": OPENING + 6 * MINUTE},
        {"symbol": "IAM", "cause": "not_traded", "state": "unhealable", "minutes": 9, "first_minute": OPENING},
    ]
    _write(runtime, tables.GAPS, rows)


def _write(runtime: Runtime, table: Table, rows: list[dict[str, Any]]) -> None:
    key = {"market": "casablanca", "session_date": DAY}
    known = {"known_at": OPENING} if "known_at" in table.schema.names else {}
    runtime.warehouse.write(table, "casablanca", rows_of(table, [key | known | row for row in rows]))
