"""Situations of a market, good unless changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from market_pipeline.markets.schema import FreshnessLimits
from market_pipeline.quality.freshness import Freshness, FreshnessLevel
from market_pipeline.quality.situation import CycleTime, Requests, Runs, Situation, SourceFailures
from market_pipeline.quality.symbol_ages import TierAges

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def aged(minutes: float | None, level: str) -> Freshness:
    last = None if minutes is None else NOW - timedelta(minutes=minutes)
    limits = FreshnessLimits(warn_minutes=3, fail_minutes=5)
    return Freshness("live_tickers", FreshnessLevel(level), minutes, last, limits, f"live_tickers: {minutes} min old")


GOOD = Situation(
    market="casablanca",
    at=NOW,
    is_open=True,
    window_minutes=15,
    watched_minutes=150,
    last_success=NOW - timedelta(minutes=1),
    minutes_since_success=1,
    runs=Runs(expected=15, started=15),
    requests=Requests(answered=600, failed_by_status={}),
    freshness=aged(1, "fresh"),
    cycle=CycleTime(4.0, 40),
)
CLOSED = replace(
    GOOD,
    is_open=False,
    watched_minutes=0,
    runs=Runs(expected=0, started=0),
    requests=Requests(),
    freshness=aged(1, "closed"),
    cycle=CycleTime(None, 40),
)


def failing(failed: int, total: int = 1000, *, status: str = "timeout", source: str = "wafa_bourse") -> Requests:
    """So many of all requests failed, all at one source."""
    failures = SourceFailures(source, {status: failed}, ("ATW", "IAM"))
    return Requests(total - failed, {status: failed}, (failures,) if failed else ())


def tier_1(old: int, listed: int = 20) -> tuple[TierAges, ...]:
    """So many symbols of tier 1 got no answer for five minutes."""
    oldest = ("ATW", "IAM", "BCP", "BOA", "CIH")[: min(old, 5)]
    return (TierAges(1, listed, old, 0, 5, (1.0, 2.0, 9.0), (4.0, 60.0, 300.0), oldest),)


def silent_for(minutes: float) -> dict[str, Any]:
    return {"last_success": NOW - timedelta(minutes=minutes), "minutes_since_success": minutes}


STOPPED = replace(
    GOOD,
    **silent_for(20),
    runs=Runs(expected=15, started=0),
    requests=Requests(),
    freshness=aged(20, "stale"),
    cycle=CycleTime(None, 40),
)
