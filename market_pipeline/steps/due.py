"""When a market has work: while trades can happen, after the close for as long as its sources lag, and once a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from market_pipeline.markets.zones import zone
from market_pipeline.model.session import Session
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.turns import is_taken
from market_pipeline.storage.tables import BARS_1M

TRAILING_MINUTES = 2
RETRIED_SESSIONS = 5
"""How many earlier sessions are tried again when they could not be completed."""


def in_reach(market: MarketRuntime, at: datetime) -> bool:
    """Tell whether bars of the session in progress can still arrive at `at`.

    After the last phase that is so for as long as the slowest source says it lags, plus two minutes: the last
    trades of a delayed source are seen only then.
    """
    state = market.calendar.state(at)
    if state.is_open:
        return True
    session = market.calendar.session(state.session_date)
    if session is None or at < session.open:
        return False
    lag = timedelta(seconds=max(rule.declared_delay_seconds for rule in market.file.quote_sources))
    return at < session.last_phase_end + lag + timedelta(minutes=TRAILING_MINUTES)


def off_reason(market: MarketRuntime) -> str | None:
    """Return what to set when every source of the market is off; None while one is on."""
    if any(rule.name not in market.off for rule in market.file.sources):
        return None
    listed = "; ".join(f"{source} is {why}" for source, why in market.off.items())
    return f"{market.name} has no source: {listed}, in .env or the environment"


def skip_reason(market: MarketRuntime, at: datetime) -> str | None:
    """Return why no minute cycle is due at `at`, in words for people; None when one is due."""
    return off_reason(market) or (None if in_reach(market, at) else market.calendar.state(at).reason)


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


def session_due(
    runtime: Runtime, market: MarketRuntime, *, has_failed: Callable[[date], bool] = lambda _: False
) -> SessionDue:
    """Return the last ended session when it has settled and is not closed yet, or its completion `has_failed`.

    Then come the sessions before it that stayed open, the newest first.
    """
    now = runtime.clock.now()
    if (why_off := off_reason(market)) is not None:
        return SessionDue(None, why_off)
    day = last_ended_session(market, now)
    session = market.calendar.session(day)
    if session is None:
        return SessionDue(None, f"{market.name} has no session on {day}")
    if now < settled(market, session):
        return SessionDue(None, f"{market.name}: session {day} settles until {settled(market, session):%H:%M} UTC")
    due = day if has_failed(day) else _newest_open(runtime, market, day)
    if due is None:
        return SessionDue(None, f"{market.name}: session {day} is complete; {_next_one(market, day)}")
    waits = _waits_for_window(market, due, now)
    if waits is None and is_taken(runtime, market):
        waits = f"{market.name}: session {due} is being completed by another process"
    return SessionDue(due if waits is None else None, waits)


def is_heavy_time(market: MarketRuntime, now: datetime) -> bool:
    """Tell whether a whole market's history may be asked for now, by the market file's window."""
    return market.file.daily.is_open_at(now.astimezone(zone(market.file.calendar.zone)).time())


def _waits_for_window(market: MarketRuntime, day: date, now: datetime) -> str | None:
    window = market.file.daily.heavy_window
    if window is None or is_heavy_time(market, now):
        return None
    local = now.astimezone(zone(market.file.calendar.zone))
    start, end = window
    return f"{market.name}: session {day} waits for the window from {start:%H:%M} to {end:%H:%M} {local:%Z}"


def _newest_open(runtime: Runtime, market: MarketRuntime, day: date) -> date | None:
    """Return `day`, or the newest of the sessions before it that were recorded and could not be completed."""
    if not runtime.warehouse.is_closed(market.name, day):
        return day
    recorded = set(runtime.warehouse.sessions(BARS_1M, market.name))
    before = [d for d in market.calendar.previous_sessions(day, RETRIED_SESSIONS) if d in recorded]
    return next((d for d in reversed(before) if not runtime.warehouse.is_closed(market.name, d)), None)


def settled(market: MarketRuntime, session: Session) -> datetime:
    """Return when the sources have told all of a session."""
    return session.last_phase_end + timedelta(minutes=market.file.calendar.settle_minutes)


def _next_one(market: MarketRuntime, day: date) -> str:
    following = market.calendar.session(market.calendar.next_session(day))
    if following is None:
        return "no later one is known"
    return f"that of {following.session_date} settles {settled(market, following):%Y-%m-%d %H:%M} UTC"
