"""When Yahoo says that a market trades, and prices before the open and after the close of US shares.

Extended hours are no part of the session: their prices never reach the regular fields, and their charts have volume 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from market_pipeline.model.session import Session, SessionState
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.randomness import normal, uniform
from market_pipeline.simulator.standing import is_nan
from market_pipeline.simulator.timeline import phases_of, state_of
from market_pipeline.simulator.wire.yahoo_venues import Paper

PRE_SECONDS = 5.5 * 3600
POST_SECONDS = 4 * 3600
TRADES_OUTSIDE = 0.9
"""Instruments with at least this chance of a trade in a minute also trade outside the session."""
LONGEST_PAUSE_SESSIONS = 10
TRADING = (SessionState.OPEN, SessionState.AUCTION)


@dataclass(frozen=True, slots=True)
class Hours:
    """A trading date as Yahoo sees it: continuous trading, and where the moment stands to it. Epoch seconds."""

    session_date: date
    state: str
    start: float
    end: float
    at: float


def regular_hours(session: Session, group: str | None) -> tuple[float, float]:
    """Return start and end of continuous trading for a group; the same twice on a day that is its holiday."""
    phases = [phase for phase in phases_of(session, group) if phase.state is SessionState.OPEN]
    if not phases and phases_of(session, group):
        return session.open.timestamp(), session.open.timestamp()
    first = min((phase.start for phase in phases), default=session.open)
    last = max((phase.end for phase in phases), default=session.close)
    return first.timestamp(), last.timestamp()


def hours_of(exchange: Exchange, paper: Paper, at: float) -> Hours:
    """Return the hours of today's session, else of the last one."""
    return _hours(exchange, (paper.listing.group, paper.venue.has_extended_hours), at)


@lru_cache(maxsize=256)
def _hours(exchange: Exchange, kept: tuple[str | None, bool], at: float) -> Hours:
    group, has_extended_hours = kept
    day = datetime.fromtimestamp(at, exchange.timeline.zone).date()
    today = session = exchange.timeline.session(day)
    start, end = regular_hours(session, group) if session else (at, at)
    for _ in range(LONGEST_PAUSE_SESSIONS):
        if start < end:
            break
        session, today = exchange.timeline.before(session.session_date if session else day), None
        start, end = regular_hours(session, group) if session else (at, at)
    if session is None:
        return Hours(day, "CLOSED", at, at, at)
    state = "CLOSED"
    if state_of(session, group, at) in TRADING:
        state = "REGULAR"
    elif has_extended_hours and today is not None:
        state = _extended_state(at, start, end)
    return Hours(session.session_date, state, start, end, at)


def _extended_state(at: float, start: float, end: float) -> str:
    if at < start:
        return "PRE" if at >= start - PRE_SECONDS else "PREPRE"
    return "POST" if at < end + POST_SECONDS else "POSTPOST"


def extended_price(exchange: Exchange, paper: Paper, hours: Hours, *, around: float | None) -> tuple[float, int] | None:
    """Return the last price outside the session and its time; None where nothing trades then."""
    is_before = hours.state == "PRE"
    begin = hours.start - PRE_SECONDS if is_before else hours.end
    until = hours.at if is_before else min(hours.at, hours.end + POST_SECONDS - 60)
    minute = int(until) // 60 * 60 - 60
    price = price_outside(exchange, paper, hours, minute=minute, around=around) if minute >= begin else None
    if price is None:
        return None
    return price, minute + int(60 * uniform(exchange.seed, paper.listing.symbol, minute, "second"))


def price_outside(exchange: Exchange, paper: Paper, hours: Hours, *, minute: int, around: float | None) -> float | None:
    """Return the price of a minute before the open or after the close, near the regular price before it."""
    trades = paper.venue.has_extended_hours and paper.listing.minute_probability >= TRADES_OUTSIDE
    if not trades or around is None or is_nan(around) or not exchange.is_model:
        return None
    listing, is_before = paper.listing, minute < hours.start
    begin = hours.start - PRE_SECONDS if is_before else hours.end
    drift = normal(exchange.seed, listing.symbol, hours.session_date, is_before)
    noise = normal(exchange.seed, listing.symbol, minute)
    move = listing.daily_volatility * (0.3 * drift * (minute - begin) / PRE_SECONDS + 0.03 * noise)
    ticks = max(1, round(around * (1 + move) * 10**listing.decimals / listing.tick))
    price: float = ticks * listing.tick / 10**listing.decimals
    return price


def period(zone: ZoneInfo, start: float, end: float) -> dict[str, Any]:
    """Return a stretch of time as charts state it."""
    local = datetime.fromtimestamp(start, zone)
    offset = int((local.utcoffset() or timedelta()).total_seconds())
    return {"timezone": local.tzname(), "start": int(start), "end": int(end), "gmtoffset": offset}


def trading_period(paper: Paper, hours: Hours) -> dict[str, Any]:
    """Return a session's pre, regular and post periods; outside New York the outer two have no length."""
    zone = ZoneInfo(paper.venue.zone)
    pre, post = (PRE_SECONDS, POST_SECONDS) if paper.venue.has_extended_hours else (0, 0)
    return {
        "pre": period(zone, hours.start - pre, hours.start),
        "regular": period(zone, hours.start, hours.end),
        "post": period(zone, hours.end, hours.end + post),
    }
