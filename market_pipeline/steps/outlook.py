"""The days ahead of every market, from its calendar alone: what opens when, and why something stays closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.schema import MarketFile
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.markets.zones import zone
from market_pipeline.model.session import Phase, Session, SessionState

DAYS = 14


@dataclass(frozen=True)
class DayAhead:
    """One date of one market: a session, or why there is none."""

    day: date
    session: Session | None
    closure: str | None
    is_provisional: bool
    """True beyond the published calendar, where a feast by the moon is not known yet."""

    @property
    def auctions(self) -> tuple[Phase, ...]:
        """Return the auctions of the session, those of instrument groups included."""
        phases = self.session.phases if self.session is not None else ()
        return tuple(phase for phase in phases if phase.state is SessionState.AUCTION)


@dataclass(frozen=True)
class MarketAhead:
    """The days ahead of one market; its times of day are to be shown in `zone`."""

    market: str
    zone: ZoneInfo
    last_published_day: date
    days: Sequence[DayAhead]


def outlook(first: date, days: int = DAYS) -> Mapping[str, MarketAhead]:
    """Return so many days of every market from `first` on. Raise CalendarError before a calendar's first day."""
    return {name: _ahead(file, first, days) for name, file in sorted(load_markets().items())}


def _ahead(file: MarketFile, first: date, days: int) -> MarketAhead:
    calendar = calendar_for(file)
    last = calendar.last_published_day()
    dates = [first + timedelta(days=n) for n in range(days)]
    ahead = tuple(DayAhead(day, calendar.session(day), calendar.closure(day), day > last) for day in dates)
    return MarketAhead(file.market, zone(file.calendar.zone), last, ahead)
