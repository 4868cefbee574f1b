"""Calendars of ours against the days on which their exchanges traded."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path

import pytest

from market_pipeline.markets.calendars.holiday_file import HolidayFile
from market_pipeline.markets.published_calendar import published_calendar


def holidays(**rules: object) -> HolidayFile:
    dates = {"first_day": "2022-01-01", "last_day": "2022-12-31", "dated": {}}
    return HolidayFile.model_validate({**dates, "fixed": [{"month_day": "12-25", "name": "Christmas"}], **rules})


def test_a_holiday_on_a_sunday_moves_to_the_next_day_that_is_none() -> None:
    boxing_day = {"month_day": "12-26", "name": "Boxing Day"}
    file = holidays(moves_sundays=True, fixed=[{"month_day": "12-25", "name": "Christmas"}, boxing_day])
    assert {day.day: name for day, name in file.closed_days.items()} == {
        25: "Christmas",
        26: "Boxing Day",
        27: "Christmas",
    }


def test_a_holiday_on_a_sunday_is_lost_where_nothing_says_otherwise() -> None:
    assert holidays().closed_days == {date(2022, 12, 25): "Christmas"}


@pytest.mark.realdata
def test_nairobi_traded_in_2024_on_the_days_of_its_daily_boards(realdata: Path) -> None:
    with (realdata / "nairobi" / "NSE_data_all_stocks_2024.csv").open(encoding="utf-8-sig") as file:
        traded = {datetime.strptime(row["Date"], "%d-%b-%y").date() for row in csv.DictReader(file)}  # noqa: DTZ007
    assert set(published_calendar("XNAI").sessions(2024, 2024)) == traded


@pytest.mark.realdata
def test_saudi_sessions_are_the_days_on_which_aramco_traded(realdata: Path) -> None:
    with (realdata / "saudi" / "2222.SR_daily.csv").open(encoding="utf-8") as file:
        traded = sorted(date.fromisoformat(row["Date"]) for row in csv.DictReader(file))
    sessions = published_calendar("XSAU").sessions(2019, 2024)
    assert [day for day in sessions if traded[0] <= day <= traded[-1]] == traded
