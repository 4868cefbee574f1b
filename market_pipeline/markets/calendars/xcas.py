"""XCAS, the Casablanca Stock Exchange, for exchange_calendars: regular and Ramadan hours, dated lunar holidays.

Hours: casablanca-bourse.com/fr/les-horaires-de-cotation. Today's timetable stands for the whole history.
"""

from __future__ import annotations

from datetime import date, time

import pandas as pd

from market_pipeline.markets.calendars.dated_calendar import DatedCalendar

RAMADAN_OPEN, RAMADAN_CLOSE = time(10, 0), time(13, 30)


class XCASExchangeCalendar(DatedCalendar):
    """Monday to Friday. The opening auction ends at the open, the closing auction at the close."""

    name = "XCAS"
    zone_name = "Africa/Casablanca"
    open_times = ((None, time(9, 30)),)
    close_times = ((None, time(15, 30)),)

    @classmethod
    def season(cls, day: date) -> str:
        """Return `ramadan` or `regular`: which phases of the market file apply."""
        return "ramadan" if cls.holiday_file().is_ramadan(day) else "regular"

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
