"""When a market has work: while trades can happen, after the close for as long as its sources lag, and once a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from market_pipeline.model.session import SessionState
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.turns import is_taken

TRAILING_MINUTES = 2


def in_reach(market: MarketRuntime, at: datetime) -> bool:
    """Tell whether bars of the session in progress can still arrive at `at`.

    After the last phase that is so for as long as the slowest source says it lags, plus two minutes: the last
    trades of a delayed source are seen only then.
    """
    state = market.calendar.state(at)
    if state.is_open or state.state is SessionState.POST_CLOSE:
        return True
    session = market.calendar.session(state.session_date)
    if session is None or at < session.open:
        return False
    lag = timedelta(seconds=max(rule.declared_delay_seconds for rule in market.file.sources))
    return at < session.last_phase_end + lag + timedelta(minutes=TRAILING_MINUTES)


def skip_reason(market: MarketRuntime, at: datetime) -> str | None:
    """Return why no minute cycle is due at `at`, in words for people; None when one is due."""
    return None if in_reach(market, at) else market.calendar.state(at).reason


def last_ended_session(market: MarketRuntime, at: datetime) -> date:
    """Return the date of the newest session whose last phase is over at `at`."""
    day = market.calendar.session_date_at(at)
    session = market.calendar.session(day)
    if session is not None and session.last_phase_end <= at:
        return day
    return market.calendar.previous_sessions(day, 1)[0]


@dataclass(frozen=True)
class SessionDue:
    """A session to close, or why there is none."""

    session_date: date | None
    reason: str | None = None


def session_due(runtime: Runtime, market: MarketRuntime) -> SessionDue:
    """Return the last ended session when it has settled and is not closed yet."""
    now = runtime.clock.now()
    day = last_ended_session(market, now)
    session = market.calendar.session(day)
    if session is None:
        return SessionDue(None, f"{market.name} has no session on {day}")
    if runtime.warehouse.is_closed(market.name, day):
        return SessionDue(None, f"{market.name}: session {day} is closed")
    settled = session.last_phase_end + timedelta(minutes=market.file.calendar.settle_minutes)
    if now < settled:
        return SessionDue(None, f"{market.name}: session {day} settles until {settled:%H:%M} UTC")
    if is_taken(runtime, market):
        return SessionDue(None, f"{market.name}: session {day} is being completed by another process")
    return SessionDue(day)
