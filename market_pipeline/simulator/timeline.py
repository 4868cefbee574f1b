"""When a simulated market trades: its sessions, and the minutes and auction prints of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from market_pipeline.model.session import Phase, Session, SessionState

LONGEST_BREAK_DAYS = 30
"""No market stays closed longer; a walk through the calendar gives up after so many days."""


class Timeline:
    """The sessions of one market, found by `find` and remembered."""

    def __init__(self, find: Callable[[date], Session | None], zone: ZoneInfo, *, last: date | None = None) -> None:
        self.zone = zone
        self._find = find
        self._last = last
        self._sessions: dict[date, Session | None] = {}

    def session(self, day: date) -> Session | None:
        """Return the session of a trading date, None when there is none."""
        if day not in self._sessions:
            self._sessions[day] = self._find(day)
        return self._sessions[day]

    def begun_by(self, at: float) -> Session | None:
        """Return the latest session whose first phase has begun at epoch second `at`."""
        day = datetime.fromtimestamp(at, self.zone).date()
        for session in self._back_from(day):
            if begin_of(session) <= at:
                return session
        return None

    def before(self, day: date) -> Session | None:
        """Return the last session before a trading date."""
        return next(self._back_from(day - timedelta(days=1)), None)

    def between(self, first: date, last: date) -> Iterator[Session]:
        """Give the sessions from `first` to `last`, both included, in order."""
        day = first
        while day <= last:
            session = self.session(day)
            if session is not None:
                yield session
            day += timedelta(days=1)

    def _back_from(self, day: date) -> Iterator[Session]:
        start = day if self._last is None else min(day, self._last)
        for back in range(LONGEST_BREAK_DAYS):
            session = self.session(start - timedelta(days=back))
            if session is not None:
                yield session


@dataclass(frozen=True, slots=True, eq=False)
class TradingPlan:
    """Minutes of one session in which an instrument can trade, as epoch seconds of their starts."""

    starts: NDArray[np.int64]
    prints: NDArray[np.bool_]
    """True where the minute carries an auction's print."""


def begin_of(session: Session) -> float:
    """Return the epoch second at which the session's day begins: its first phase, or the open."""
    return min((phase.start for phase in session.phases), default=session.open).timestamp()


def phases_of(session: Session, group: str | None) -> list[Phase]:
    """Return the phases that apply to an instrument group, in order."""
    own = [phase for phase in session.phases if phase.group == group and group is not None]
    chosen = own or [phase for phase in session.phases if phase.group is None]
    return sorted(chosen, key=lambda phase: phase.start)


def state_of(session: Session, group: str | None, at: float) -> SessionState:
    """Return what the market is doing for a group at epoch second `at`."""
    moment = datetime.fromtimestamp(at, UTC)
    phases = phases_of(session, group)
    for phase in phases:
        if phase.start <= moment < phase.end:
            return phase.state
    if not phases and session.open <= moment < session.close:
        return SessionState.OPEN
    return SessionState.CLOSED


def trading_ends(session: Session, group: str | None) -> float:
    """Return the epoch second after which a group cannot trade any more in this session."""
    trading = (SessionState.OPEN, SessionState.AUCTION)
    ends = [phase.end for phase in phases_of(session, group) if phase.state in trading]
    return max(ends, default=session.close).timestamp()


def trading_plan(session: Session, group: str | None) -> TradingPlan:
    """Return the minutes of continuous trading and of the auctions' prints.

    An auction before continuous trading prints into the first minute of it; the last one prints in its own last minute.
    """
    phases = phases_of(session, group)
    minutes: set[int] = set()
    prints: set[int] = set()
    for index, phase in enumerate(phases):
        if phase.state is SessionState.OPEN:
            minutes.update(_minutes(phase.start, phase.end))
        elif phase.state is SessionState.AUCTION:
            follows = phases[index + 1] if index + 1 < len(phases) else None
            opens = follows is not None and follows.state is SessionState.OPEN
            prints.add(int(phase.end.timestamp()) - (0 if opens else 60))
    if not phases:
        minutes.update(_minutes(session.open, session.close))
    starts = sorted(minutes | prints)
    return TradingPlan(np.array(starts, dtype=np.int64), np.array([start in prints for start in starts], dtype=bool))


def _minutes(start: datetime, end: datetime) -> range:
    return range(int(start.timestamp()), int(end.timestamp()), 60)
