"""All sessions of one market: published ones, special days, and provisional ones beyond the calendar's end."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from datetime import date, time, timedelta

from market_pipeline.errors import CalendarError, ConfigurationError
from market_pipeline.markets.phases import (
    CONTINUOUS,
    SPECIAL_SESSION,
    local_end,
    local_moment,
    no_session,
    phases_on,
    whole_session,
)
from market_pipeline.markets.published_calendar import DayHours, PublishedCalendar, published_calendar
from market_pipeline.markets.schema import CalendarSection
from market_pipeline.markets.zones import zone
from market_pipeline.model.session import Phase, Session

ONE_DAY = timedelta(days=1)
MONDAY = 0


class SessionBook:
    """Answers by date. Years are read when they are first asked for, and kept."""

    def __init__(self, market: str, section: CalendarSection) -> None:
        self.market = market
        self.section = section
        self.published = published_calendar(section.name)
        if section.zone != self.published.zone_name:
            raise ConfigurationError(
                f"{market}: its file says zone {section.zone}, but calendar {section.name} has its hours in "
                f"{self.published.zone_name}; a retry does not help; correct `calendar.zone`"
            )
        self.zone = zone(section.zone)
        self._special = {special.session_date: special for special in section.special_days}
        self._extended = {rule.name for rule in section.phases if rule.is_extended}
        self._group_calendars = {name: published_calendar(of) for name, of in section.group_calendars.items()}
        self._hours: dict[int, dict[date, DayHours]] = {}
        self._dates: dict[int, list[date]] = {}
        self._sessions: dict[date, Session | None] = {}

    @property
    def first_day(self) -> date:
        """Return the first date that can be asked for."""
        return self.published.first_day

    @property
    def last_published_day(self) -> date:
        """Return the last date whose holidays are published; later ones are provisional."""
        return self.published.last_day

    def is_provisional(self, day: date) -> bool:
        """Tell whether `day` lies beyond the published calendar."""
        return day > self.last_published_day

    def session(self, day: date) -> Session | None:
        """Return the session of `day`, or None when the market is closed. Raise CalendarError before the first day."""
        if day not in self._sessions:
            self._sessions[day] = self._make_session(day)
        return self._sessions[day]

    def hours(self, day: date) -> DayHours | None:
        """Return the hours of `day`, or None when the market is closed. Raise CalendarError before the first day."""
        self._read(range(day.year, day.year + 1), asked=day)
        return self._hours[day.year].get(day)

    def dates(self, first: date, last: date) -> list[date]:
        """Return the session dates from `first` to `last`, both included, in order."""
        if last < first:
            return []
        self._read(range(first.year, last.year + 1))
        found: list[date] = []
        for year in range(first.year, last.year + 1):
            found += self._dates[year]
        return found[bisect_left(found, first) : bisect_left(found, last + ONE_DAY)]

    def closure(self, day: date) -> str:
        """Return why there is no session on `day`, in words for people."""
        special = self._special.get(day)
        if special is not None:
            return special.reason
        if day.weekday() not in self.section.weekly_pattern:
            return "weekend"
        return self.published.holiday_name(day) or self._fixed_holiday(day) or "holiday"

    def _make_session(self, day: date) -> Session | None:
        self._read(range(day.year, day.year + 1), asked=day)
        hours = self._hours[day.year].get(day)
        if hours is None:
            return None
        if day in self._special and hours.is_half_day:
            phases = whole_session(SPECIAL_SESSION, hours)
        else:
            usual = self._regular_hours(day)
            phases = phases_on(self.section.phases, day, hours=hours, usual_close=usual.close, zone=self.zone)
            for group, calendar in self._group_calendars.items():
                phases += _group_phases(group, calendar, day, hours=hours)
        return Session(
            market=self.market,
            session_date=day,
            open=hours.open,
            close=hours.close,
            last_phase_end=max([hours.close, *(phase.end for phase in phases if phase.name not in self._extended)]),
            phases=phases,
            is_half_day=hours.is_half_day,
            is_provisional=self.is_provisional(day),
            season=hours.season,
        )

    def _read(self, years: range, *, asked: date | None = None) -> None:
        missing = [year for year in years if year not in self._hours]
        if (asked or date(years[0], 12, 31)) < self.first_day:
            raise CalendarError(
                f"asked the calendar of {self.market} ({self.section.name}) for {asked or years[0]}: it begins on "
                f"{self.first_day}; a retry does not help; ask for a later date"
            )
        if not missing:
            return
        published = self.published.sessions(missing[0], missing[-1])
        for year in missing:
            hours = {day: known for day, known in published.items() if day.year == year}
            hours.update(self._provisional(year))
            self._apply_special(year, hours)
            self._hours[year] = hours
            self._dates[year] = sorted(hours)

    def _provisional(self, year: int) -> dict[date, DayHours]:
        if not self.is_provisional(date(year, 12, 31)):
            return {}
        first = max(date(year, 1, 1), self.last_published_day + ONE_DAY)
        days = (first + ONE_DAY * n for n in range((date(year, 12, 31) - first).days + 1))
        return {day: self._regular_hours(day) for day in days if self._is_usual(day)}

    def _is_usual(self, day: date) -> bool:
        return day.weekday() in self.section.weekly_pattern and self._fixed_holiday(day) is None

    def _fixed_holiday(self, day: date) -> str | None:
        names = self.section.fixed_holidays
        moved = day - ONE_DAY if self.section.moves_sunday_holidays and day.weekday() == MONDAY else day
        return names.get(f"{day:%m-%d}") or names.get(f"{moved:%m-%d}")

    def _regular_hours(self, day: date) -> DayHours:
        opens, closes = self.published.regular_hours
        return DayHours(local_moment(day, opens, self.zone), local_end(day, closes, self.zone))

    def _apply_special(self, year: int, hours: dict[date, DayHours]) -> None:
        for day, special in self._special.items():
            if day.year == year:
                hours.pop(day, None)
                if special.open is not None and special.close is not None:
                    hours[day] = self._special_hours(day, special.open, special.close)

    def _special_hours(self, day: date, opens: time, closes: time) -> DayHours:
        usual = self._regular_hours(day)
        hours = DayHours(local_moment(day, opens, self.zone), local_moment(day, closes, self.zone))
        return replace(hours, is_half_day=hours != usual)


def _group_phases(group: str, calendar: PublishedCalendar, day: date, *, hours: DayHours) -> tuple[Phase, ...]:
    """Return the phases of a group that keeps another exchange's hours; beyond that calendar's end the market's."""
    if not calendar.first_day <= day <= calendar.last_day:
        return ()
    own = calendar.sessions(day.year, day.year).get(day)
    return whole_session(CONTINUOUS, own, group) if own is not None else no_session(hours, group)
