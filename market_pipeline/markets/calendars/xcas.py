"""XCAS, the Casablanca Stock Exchange, for exchange_calendars: regular and Ramadan hours, dated lunar holidays.

Hours: casablanca-bourse.com/fr/les-horaires-de-cotation. Today's timetable stands for the whole history.
"""

from __future__ import annotations

from datetime import date, time, tzinfo

import pandas as pd
from exchange_calendars import ExchangeCalendar

from market_pipeline.markets.calendars.holiday_file import HolidayFile, load_holiday_file
from market_pipeline.markets.zones import zone

RAMADAN_OPEN, RAMADAN_CLOSE = time(10, 0), time(13, 30)


class XCASExchangeCalendar(ExchangeCalendar):  # type: ignore[misc]  # the library publishes no types
    """Monday to Friday. The opening auction ends at the open, the closing auction at the close."""

    name = "XCAS"
    zone_name = "Africa/Casablanca"
    open_times = ((None, time(9, 30)),)
    close_times = ((None, time(15, 30)),)

    @property
    def tz(self) -> tzinfo:
        """Return the exchange's zone, from the checked zone table."""
        return zone(self.zone_name)

    @classmethod
    def holiday_file(cls) -> HolidayFile:
        """Return the dated holidays."""
        return load_holiday_file("xcas")

    @classmethod
    def bound_min(cls) -> pd.Timestamp:
        """Return the first day whose holidays are known."""
        return pd.Timestamp(cls.holiday_file().first_day)

    @classmethod
    def bound_max(cls) -> pd.Timestamp:
        """Return the last day whose lunar holidays are known."""
        return pd.Timestamp(cls.holiday_file().last_day)

    @classmethod
    def season(cls, day: date) -> str:
        """Return `ramadan` or `regular`: which phases of the market file apply."""
        return "ramadan" if cls.holiday_file().is_ramadan(day) else "regular"

    @classmethod
    def holiday_name(cls, day: date) -> str | None:
        """Return why the exchange is closed on `day`; None when it is not a holiday."""
        return cls.holiday_file().closed_days.get(day)

    @property
    def adhoc_holidays(self) -> list[pd.Timestamp]:
        """Return every closed date, fixed ones included."""
        return [pd.Timestamp(day) for day in sorted(self.holiday_file().closed_days)]

    @property
    def special_opens_adhoc(self) -> list[tuple[time, pd.DatetimeIndex]]:
        """Return the opening time of Ramadan's sessions."""
        return [(RAMADAN_OPEN, self._ramadan_sessions())]

    @property
    def special_closes_adhoc(self) -> list[tuple[time, pd.DatetimeIndex]]:
        """Return the closing time of Ramadan's sessions."""
        return [(RAMADAN_CLOSE, self._ramadan_sessions())]

    def _ramadan_sessions(self) -> pd.DatetimeIndex:
        holidays = self.holiday_file()
        days = [day for stretch in holidays.ramadan for day in pd.bdate_range(stretch.first, stretch.last)]
        return pd.DatetimeIndex(days).difference(pd.DatetimeIndex(self.adhoc_holidays))
