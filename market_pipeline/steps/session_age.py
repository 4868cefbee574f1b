"""Whether the last ended session is complete, or still has time: a holiday is no reason to worry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from market_pipeline.quality.freshness import FreshnessLevel
from market_pipeline.steps.due import last_ended_session, settled
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import BARS_1M

WARN_AFTER = timedelta(hours=3)
FAIL_AFTER = timedelta(hours=12)
"""Since the session settled: some markets' histories may be asked for at certain hours only."""


@dataclass(frozen=True)
class SessionAge:
    """The last ended session, and what can be said of it."""

    session_date: date
    level: FreshnessLevel
    text: str


def session_age(runtime: Runtime, market: MarketRuntime) -> SessionAge:
    """Return how the last ended session stands; one that nobody recorded is NEVER."""
    now = runtime.clock.now()
    day = last_ended_session(market, now)
    session = market.calendar.session(day)
    settles = now if session is None else settled(market, session)
    if runtime.warehouse.is_closed(market.name, day):
        return SessionAge(day, FreshnessLevel.FRESH, f"session {day} is complete")
    if not runtime.warehouse.slices(BARS_1M, market.name, [day]):
        return SessionAge(day, FreshnessLevel.NEVER, f"session {day} was not recorded")
    return SessionAge(day, _level(now - settles), f"session {day} is not complete; {_since(settles, now)}")


def _level(waited: timedelta) -> FreshnessLevel:
    if waited > FAIL_AFTER:
        return FreshnessLevel.STALE
    return FreshnessLevel.WARN if waited > WARN_AFTER else FreshnessLevel.FRESH


def _since(settles: datetime, now: datetime) -> str:
    if now < settles:
        return f"it settles at {settles:%H:%M} UTC"
    hours = (now - settles) / timedelta(hours=1)
    limit = FAIL_AFTER / timedelta(hours=1)
    return f"it settled {hours:.1f} h ago (limit {limit:g} h): look at the daily job's newest run"
