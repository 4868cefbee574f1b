"""Trading time: phases, sessions and the state of a market at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class SessionState(StrEnum):
    """What a market is doing."""

    CLOSED = "closed"
    PRE_OPEN = "pre_open"
    AUCTION = "auction"
    OPEN = "open"
    POST_CLOSE = "post_close"


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a session, from `start` up to but not including `end`, both UTC."""

    name: str
    state: SessionState
    start: datetime
    end: datetime
    group: str | None = None
    """The instrument group that it applies to; None means every instrument without a phase list of its own."""


@dataclass(frozen=True, slots=True)
class Session:
    """One trading date. Bars exist from `open` up to but not including `close` (UTC); `last_phase_end` ends the day."""

    market: str
    session_date: date
    open: datetime
    close: datetime
    last_phase_end: datetime
    phases: tuple[Phase, ...]
    is_half_day: bool = False
    is_provisional: bool = False
    """True beyond the end of the published calendar: weekly pattern and fixed-date holidays only."""
    season: str = "regular"
    """`ramadan` while Ramadan hours apply."""


@dataclass(frozen=True, slots=True)
class MarketState:
    """A market at one moment, with the reason in words and the next moment at which it opens or closes."""

    market: str
    at: datetime
    state: SessionState
    session_date: date
    """The session in progress, else the last one that began."""
    phase: str | None
    reason: str
    next_change: datetime | None
    is_provisional: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether trades can happen now (continuous trading or an auction)."""
        return self.state in (SessionState.OPEN, SessionState.AUCTION)
