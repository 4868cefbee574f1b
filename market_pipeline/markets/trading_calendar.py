"""When a market trades: every question about trading time is asked here. Moments are UTC, dates session dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import cast

from market_pipeline.errors import CalendarError, UsageError
from market_pipeline.markets import wording
from market_pipeline.markets.phases import TRADING, open_stretches, phase_at
from market_pipeline.markets.published_calendar import DayHours
from market_pipeline.markets.schema import CalendarSection, MarketFile
from market_pipeline.markets.session_book import ONE_DAY, SessionBook
from market_pipeline.model.session import MarketState, Phase, Session, SessionState

WARNING_DAYS = 60


class TradingCalendar:
    """The calendar of one market. Beyond the published end it goes on provisionally, and says so."""

    def __init__(self, market: str, section: CalendarSection) -> None:
        self.market = market
        self.name = section.name
        self._book = SessionBook(market, section)
        self._never_closes = section.name == "24/7"

    @property
    def first_day(self) -> date:
        """Return the first date that can be asked for; earlier ones raise CalendarError."""
        return self._book.first_day

    def last_published_day(self) -> date:
        """Return the last date whose holidays are published; date.max for a calendar that never ends."""
        return self._book.last_published_day

    def local_date(self, at: datetime) -> date:
        """Return the date at the exchange at a moment."""
        return _aware(at).astimezone(self._book.zone).date()

    def state(self, at: datetime) -> MarketState:
        """Return what the market is doing, and why, in words for people.

        next_change is the end of the phase while trades can happen, else the next opening; None where it never closes.
        Raise CalendarError before the first day.
        """
        at, day = _aware(at), self.local_date(at)
        session = self.session(day)
        phase = phase_at(session, at) if session is not None else None
        if self._never_closes and session is not None and phase is not None:
            reason = f"{self.market} is open: {wording.NEVER_CLOSES}"
            return MarketState(self.market, at, phase.state, day, phase.name, reason, None)
        opening = self._opening_after(at)
        is_trading = phase is not None and phase.state in TRADING
        is_provisional = self._book.is_provisional(day) or (not is_trading and opening.is_provisional)
        reason = f"{self.market} is {self._reason(at, phase, opening)}"
        return MarketState(
            market=self.market,
            at=at,
            state=phase.state if phase is not None else SessionState.CLOSED,
            session_date=self.session_date_at(at),
            phase=phase.name if phase is not None else None,
            reason=reason + (wording.provisional_note(self.last_published_day()) if is_provisional else ""),
            next_change=self._trading_end(phase) if phase is not None and is_trading else opening.open,
            is_provisional=is_provisional,
        )

    def session(self, day: date) -> Session | None:
        """Return the session of `day`, or None when the market is closed. Raise CalendarError before the first day."""
        return self._book.session(day)

    def hours(self, day: date) -> DayHours | None:
        """Return when the session of `day` opens, pauses and closes, without its phases; None as for `session`."""
        return self._book.hours(day)

    def closure(self, day: date) -> str | None:
        """Return why there is no session on `day`: "weekend", or the holiday's name. None when there is one."""
        return None if self.session(day) is not None else self._book.closure(day)

    def session_date_at(self, at: datetime) -> date:
        """Return the date of the session in progress (from its first phase on), else of the last one that began."""
        at = _aware(at)
        day = self.local_date(at)
        session = self.session(day)
        if session is not None and session.phases[0].start <= at:
            return day
        return self.previous_sessions(day, 1)[0]

    def previous_sessions(self, day: date, n: int) -> list[date]:
        """Return the `n` session dates before `day`, oldest first. Raise CalendarError where there are not so many."""
        found: list[date] = []
        year = day.year
        while len(found) < n:
            if date(year, 12, 31) < self.first_day:
                raise CalendarError(
                    f"asked the calendar of {self.market} ({self.name}) for {n} sessions before {day}: it begins on "
                    f"{self.first_day} and has {len(found)}; a retry does not help; ask for a later date"
                )
            found = self._book.dates(date(year, 1, 1), min(day - ONE_DAY, date(year, 12, 31))) + found
            year -= 1
        return found[len(found) - n :]

    def sessions_between(self, first: date, last: date) -> list[date]:
        """Return the session dates from `first` to `last`, both included, in order."""
        return self._book.dates(first, last)

    def next_session(self, day: date) -> date:
        """Return the first session date after `day`."""
        for year in range(day.year, day.year + 3):
            found = self._book.dates(max(day + ONE_DAY, date(year, 1, 1)), date(year, 12, 31))
            if found:
                return found[0]
        raise CalendarError(
            f"asked the calendar of {self.market} ({self.name}) for a session after {day} and found none in two years; "
            "a retry does not help; check calendar.weekly_pattern and special_days in the market file"
        )

    def open_minutes_between(self, a: datetime, b: datetime, *, group: str | None = None) -> float:
        """Return the minutes of continuous trading in [a, b); 0 when b is not after a.

        Auctions, in which no trade can happen before the print, do not count; nor does time before the first day.
        """
        a, b = _aware(a), _aware(b)
        if b <= a:
            return 0.0
        first = max(self.local_date(a), self.first_day)
        seconds = 0.0
        for day in self._book.dates(first, max(first, self.local_date(b))):
            for start, end in self._stretches(day, group):
                seconds += max(0.0, (min(b, end) - max(a, start)).total_seconds())
        return seconds / 60

    def expected_minutes(self, day: date, *, group: str | None = None) -> int:
        """Return how many minutes of `day` a liquid instrument of the group has bars for; 0 without a session.

        Minutes of an auction are not expected: its print belongs to the neighbouring minute, or to none.
        """
        return round(sum((end - start) / timedelta(minutes=1) for start, end in self._stretches(day, group)))

    def days_until_end(self, today: date) -> int:
        """Return the days from `today` to the last published one; negative when it has passed."""
        return (self.last_published_day() - today).days

    def warning(self, today: date) -> str | None:
        """Return what to do about a calendar that ends within 60 days or has ended; None before that."""
        if self.days_until_end(today) > WARNING_DAYS:
            return None
        return wording.end_warning(self.market, self.name, last_published=self.last_published_day(), today=today)

    def _stretches(self, day: date, group: str | None) -> list[tuple[datetime, datetime]]:
        session = self.session(day)
        return open_stretches(session, group) if session is not None else []

    def _opening_after(self, at: datetime) -> Session:
        day = self.local_date(at)
        session = self.session(day)
        if session is not None and at < session.open:
            return session
        return cast(Session, self.session(self.next_session(day)))

    def _trading_end(self, phase: Phase) -> datetime:
        """Return the phase's end, or the end of later sessions that follow it without a pause (24 hours a day)."""
        end = phase.end
        own = self.session(self.local_date(phase.start))
        if own is None or end != own.close:
            return end
        while (following := self.session(self.local_date(end))) and following.open == end:
            end = following.close
        return end

    def _reason(self, at: datetime, phase: Phase | None, opening: Session) -> str:
        zone = self._book.zone
        opens = wording.opening_text(opening.open, at, zone)
        if phase is not None:
            return wording.phase_text(phase, wording.end_text(self._trading_end(phase), at, zone), opens)
        return f"closed: {self._why_closed(at)}; {opens}"

    def _why_closed(self, at: datetime) -> str:
        day = self.local_date(at)
        session = self.session(day)
        if session is None:
            return self._book.closure(day)
        return "before the opening" if at < session.open else "after hours"


def calendar_for(market_file: MarketFile) -> TradingCalendar:
    """Return the calendar of a market; the same object for the same calendar section."""
    return _calendar(market_file.market, market_file.calendar.model_dump_json())


@lru_cache(maxsize=64)
def _calendar(market: str, section_json: str) -> TradingCalendar:
    return TradingCalendar(market, CalendarSection.model_validate_json(section_json))


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise UsageError(
            f"asked a calendar about {at.isoformat()}, which has no time zone; a retry does not help; "
            "give an offset, like 2026-11-20T09:35:00+00:00"
        )
    return at.astimezone(UTC)
