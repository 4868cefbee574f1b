"""XSAU, the Saudi Exchange (Tadawul): the library's calendar begins in 2021, this one in 2013.

The past is seen in trading days (xsau.yaml); what lies ahead is the library's list of the two feasts, and the national
days. Hours: 11:00–15:30 until 2016-03-31, 10:00–15:00 since 2016-04-03, 10:00–13:00 in the spring of 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from functools import cache

import pandas as pd
from exchange_calendars import exchange_calendar_xsau as library

from market_pipeline.markets.calendars.dated_calendar import DatedCalendar

NEW_WEEK = date(2013, 6, 29)
"""The first Saturday off: from here on Sunday to Thursday, before Saturday to Wednesday."""
NEW_HOURS = pd.Timestamp("2016-04-03")
SHORT_DAYS = pd.date_range("2020-03-26", "2020-05-21")
SHORT_CLOSE = time(13)
NATIONAL_DAYS = {(2, 22): "Founding Day", (9, 23): "National Day"}
FEASTS = {"Eid al-Fitr": library.EidAlFiterHoliday, "Eid al-Adha": library.EidAlAdhaHoliday}
THURSDAY, FRIDAY, SATURDAY = 3, 4, 5
ONE_DAY = timedelta(days=1)


class XSAUExchangeCalendar(DatedCalendar):
    """Sunday to Thursday. Auctions and trading at last are phases of the market file."""

    name = "XSAU"
    zone_name = "Asia/Riyadh"
    open_times = ((None, time(11)), (NEW_HOURS, time(10)))
    close_times = ((None, time(15, 30)), (NEW_HOURS, time(15)))

    @classmethod
    def bound_max(cls) -> pd.Timestamp:
        """Return the last day for which the library lists the feasts."""
        return pd.Timestamp(library.XSAUExchangeCalendar.bound_max())

    @property
    def weekmask(self) -> str:
        """Return the days of both weeks; what the week of a time leaves out is among the closed days."""
        return "1111011"

    @classmethod
    def holiday_name(cls, day: date) -> str | None:
        """Return why the exchange is closed on `day`; None when it is not a holiday."""
        return _closed_days().get(day)

    @property
    def adhoc_holidays(self) -> list[pd.Timestamp]:
        """Return every closed date, the weekend's own day of the present and of the former week included."""
        return [pd.Timestamp(day) for day in sorted(_closed_days())]

    @property
    def special_closes_adhoc(self) -> list[tuple[time, pd.DatetimeIndex]]:
        """Return the short sessions of the epidemic's first months."""
        workdays = SHORT_DAYS[SHORT_DAYS.weekday != FRIDAY]
        return [(SHORT_CLOSE, workdays.difference(pd.DatetimeIndex(self.adhoc_holidays)))]


@cache
def _closed_days() -> dict[date, str]:
    seen = XSAUExchangeCalendar.holiday_file()
    last = XSAUExchangeCalendar.bound_max().date()
    ahead = {day: name for day, name in _ahead(last) if day > seen.last_day}
    return {**_weekend_days(seen.first_day, last), **ahead, **seen.closed_days}


def _ahead(last: date) -> Iterator[tuple[date, str]]:
    for name, days in FEASTS.items():
        yield from ((day.date(), name) for day in days)
    for year in range(library.XSAUExchangeCalendar.bound_min().year, last.year + 1):
        for (month, number), name in NATIONAL_DAYS.items():
            yield _on_a_working_day(date(year, month, number)), name


def _on_a_working_day(day: date) -> date:
    """Return the day off for a national day: Thursday for a Friday, Sunday for a Saturday, as in 2017, 2022, 2023."""
    return day + {FRIDAY: -ONE_DAY, SATURDAY: ONE_DAY}.get(day.weekday(), timedelta())


def _weekend_days(first: date, last: date) -> dict[date, str]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return {day: "weekend" for day in days if day.weekday() == (THURSDAY if day < NEW_WEEK else SATURDAY)}
