"""What calendars of ours share: an exchange_calendars calendar whose closed days stand in a dated holiday file."""

from __future__ import annotations

from datetime import date, tzinfo

import pandas as pd
from exchange_calendars import ExchangeCalendar

from market_pipeline.markets.calendars.holiday_file import HolidayFile, load_holiday_file
from market_pipeline.markets.zones import zone


class DatedCalendar(ExchangeCalendar):  # type: ignore[misc]  # the library publishes no types
    """Closed on the days of its file, and nothing known outside it. A subclass names exchange, zone and hours."""

    zone_name: str

    @property
    def tz(self) -> tzinfo:
        """Return the exchange's zone, from the checked zone table."""
        return zone(self.zone_name)

    @classmethod
    def holiday_file(cls) -> HolidayFile:
        """Return the dated holidays, from the file that is called like the exchange."""
        return load_holiday_file(str(cls.name).lower())

    @classmethod
    def bound_min(cls) -> pd.Timestamp:
        """Return the first day whose holidays are known."""
        return pd.Timestamp(cls.holiday_file().first_day)

    @classmethod
    def bound_max(cls) -> pd.Timestamp:
        """Return the last day whose holidays are known."""
        return pd.Timestamp(cls.holiday_file().last_day)

    @classmethod
    def holiday_name(cls, day: date) -> str | None:
        """Return why the exchange is closed on `day`; None when it is not a holiday."""
        return cls.holiday_file().closed_days.get(day)

    @property
    def adhoc_holidays(self) -> list[pd.Timestamp]:
        """Return every closed date, fixed ones included."""
        return [pd.Timestamp(day) for day in sorted(self.holiday_file().closed_days)]
