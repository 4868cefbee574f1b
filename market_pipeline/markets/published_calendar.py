"""Sessions as exchange_calendars publishes them, by calendar year: the only module that talks to the library.

A year costs 6–35 ms to build, the library's default of twenty years 360 ms; so years are built when they are asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Any, cast

from market_pipeline.errors import ConfigurationError
from market_pipeline.markets.compiled_calendars import compiled
from market_pipeline.markets.zones import check_zone_table

# the library's dates are nanoseconds since 1970: a calendar of pure rules would reach back to 1677
EARLIEST = date(1990, 1, 1)
OURS = {name: f"market_pipeline.markets.calendars.{name.lower()}" for name in ("XCAS", "XNAI", "XSAU")}
"""Calendars that the library lacks or that begin too late there; ours win."""
NAMED = {
    "24/7": ("exchange_calendars.always_open", "AlwaysOpenCalendar"),
    "24/5": ("exchange_calendars.weekday_calendar", "WeekdayCalendar"),
}


@dataclass(frozen=True, slots=True)
class DayHours:
    """The hours of one session, UTC; trades happen from `open` up to but not including `close`."""

    open: datetime
    close: datetime
    season: str = "regular"
    is_half_day: bool = False
    pause: tuple[datetime, datetime] | None = None
    """A break at noon, in which nothing trades."""


class PublishedCalendar:
    """One calendar of the library, or one of ours in the library's form."""

    def __init__(self, name: str) -> None:
        check_zone_table()
        self.name = name
        self._facts = compiled(name, "facts", self._read_facts)
        self._years: dict[int, dict[str, Any]] = {}

    @property
    def first_day(self) -> date:
        """Return the first day that it can be asked for."""
        return date.fromisoformat(self._facts["first_day"])

    @property
    def last_day(self) -> date:
        """Return the last day that it can be asked for; date.max where it is made of rules that never end."""
        return date.fromisoformat(self._facts["last_day"])

    @property
    def regular_hours(self) -> tuple[time, time]:
        """Return the usual opening and closing time, local; a close of 00:00 is the midnight after."""
        return time.fromisoformat(self._facts["opens"]), time.fromisoformat(self._facts["closes"])

    @property
    def zone_name(self) -> str:
        """Return the IANA name of the zone that its hours are written in."""
        return str(self._facts["zone"])

    def holiday_name(self, day: date) -> str | None:
        """Return the name of a holiday; the library knows it of those that follow a rule, not of single days."""
        return cast("str | None", self._year(day.year)["holidays"].get(day.isoformat()))

    def sessions(self, first_year: int, last_year: int) -> dict[date, DayHours]:
        """Return the sessions of whole years in date order, as far as they are published."""
        rows = (row for year in range(first_year, last_year + 1) for row in self._year(year)["sessions"])
        return {
            date.fromisoformat(day): DayHours(
                datetime.fromisoformat(opened), datetime.fromisoformat(closed), season, is_half_day, _pause(pause)
            )
            for day, opened, closed, season, is_half_day, pause in rows
        }

    @cached_property
    def _class(self) -> Any:
        return _calendar_class(self.name)

    def _read_facts(self) -> dict[str, Any]:
        first, last = self._class.bound_min(), self._class.bound_max()
        return {
            "first_day": str(EARLIEST if first is None else max(EARLIEST, first.date())),
            "last_day": str(date.max if last is None else last.date()),
            "opens": self._class.open_times[-1][1].isoformat(),
            "closes": self._class.close_times[-1][1].isoformat(),
            # ours look their zone up in the checked table when they are built, so the class can only name it
            "zone": getattr(self._class, "zone_name", None) or str(self._class.tz),
        }

    def _year(self, year: int) -> dict[str, Any]:
        if year not in self._years:
            self._years[year] = compiled(self.name, str(year), lambda: self._read_year(year))
        return self._years[year]

    def _read_year(self, year: int) -> dict[str, Any]:
        start, end = max(self.first_day, date(year, 1, 1)), min(self.last_day, date(year, 12, 31))
        if end < start:
            return {"sessions": [], "holidays": {}}
        library = self._class(start=start.isoformat(), end=end.isoformat())
        name_of = getattr(self._class, "holiday_name", None) or _ruled_holidays(library, start, end).get
        days = (start + timedelta(days=n) for n in range((end - start).days + 1))
        return {
            "sessions": list(self._hours(library)),
            "holidays": {day.isoformat(): name for day in days if (name := name_of(day)) is not None},
        }

    def _hours(self, library: Any) -> Iterator[tuple[str, str, str, str, bool, list[str] | None]]:
        from pandas import NaT  # here, not above: who reads a kept calendar needs none of it

        season = getattr(self._class, "season", lambda _: "regular")
        short = {moment.date() for moment in library.early_closes.union(library.late_opens)}
        table = library.schedule
        for moment, opened, pauses, resumes, closed in table.itertuples():
            day = moment.date()
            name = season(day)
            is_half_day = day in short and name == "regular"
            pause = None if pauses is NaT else [_utc(pauses).isoformat(), _utc(resumes).isoformat()]
            yield day.isoformat(), _utc(opened).isoformat(), _utc(closed).isoformat(), name, is_half_day, pause


@cache
def published_calendar(name: str) -> PublishedCalendar:
    """Return the calendar called `name`. Raise ConfigurationError when neither the library nor we have it."""
    return PublishedCalendar(name)


def _calendar_class(name: str) -> Any:
    module, attribute = NAMED.get(name, (f"exchange_calendars.exchange_calendar_{name.lower()}", _class_name(name)))
    try:
        return getattr(importlib.import_module(OURS.get(name, module)), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"looked for calendar {name!r}: neither exchange_calendars nor market_pipeline/markets/calendars has it; "
            "a retry does not help; correct `calendar.name` in the market file (XBOM, XNYS, 24/7, XCAS …)"
        ) from error


def _ruled_holidays(library: Any, first: date, last: date) -> dict[date, str]:
    rules = library.regular_holidays
    if rules is None:
        return {}
    named = rules.holidays(first.isoformat(), last.isoformat(), return_name=True)
    return {moment.date(): str(name) for moment, name in named.items()}


def _pause(edges: list[str] | None) -> tuple[datetime, datetime] | None:
    return None if edges is None else (datetime.fromisoformat(edges[0]), datetime.fromisoformat(edges[1]))


def _utc(moment: Any) -> datetime:
    return cast(datetime, moment.to_pydatetime()).replace(tzinfo=UTC)


def _class_name(name: str) -> str:
    return f"{name}ExchangeCalendar"
