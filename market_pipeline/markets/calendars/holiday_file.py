"""The dated holiday file of a calendar of ours: closed days with their names, and seasons of other hours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache, cached_property
from importlib import resources

from pydantic import BaseModel, ConfigDict

from market_pipeline.markets.schema import MonthDay
from market_pipeline.markets.yaml_reader import read_yaml

SUNDAY = 6
ONE_DAY = timedelta(days=1)


class FixedHoliday(BaseModel):
    """A date that is closed every year from `valid_from` on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    month_day: MonthDay
    name: str
    valid_from: date = date.min


class DateRange(BaseModel):
    """A stretch of days, both ends included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: date
    last: date


class HolidayFile(BaseModel):
    """What the file says; nothing is known before `first_day` and after `last_day`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_day: date
    last_day: date
    fixed: tuple[FixedHoliday, ...]
    dated: dict[date, str]
    moves_sundays: bool = False
    """A fixed holiday on a Sunday closes the next day that is no holiday."""
    ramadan: tuple[DateRange, ...] = ()

    @cached_property
    def closed_days(self) -> dict[date, str]:
        """Return every closed date → its name. A lunar feast on a fixed holiday keeps the fixed one's name."""
        years = range(self.first_day.year, self.last_day.year + 1)
        fixed = [(date.fromisoformat(f"{year}-{rule.month_day}"), rule) for year in years for rule in self.fixed]
        closed = {**self.dated, **{day: rule.name for day, rule in fixed if rule.valid_from <= day}}
        return {**closed, **self._moved(closed)} if self.moves_sundays else closed

    def _moved(self, closed: Mapping[date, str]) -> dict[date, str]:
        moved: dict[date, str] = {}
        for day in sorted(day for day in closed if day.weekday() == SUNDAY):
            following = day + ONE_DAY
            while following in closed or following in moved:
                following += ONE_DAY
            moved[following] = closed[day]
        return moved

    def is_ramadan(self, day: date) -> bool:
        """Tell whether Ramadan hours apply on `day`."""
        return any(stretch.first <= day <= stretch.last for stretch in self.ramadan)


@cache
def load_holiday_file(name: str) -> HolidayFile:
    """Read the packaged holiday file `<name>.yaml`."""
    text = resources.files("market_pipeline.markets.calendars").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return HolidayFile.model_validate(read_yaml(text))
