"""The moment at which a simulated day begins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from market_pipeline.cli.opening import opening_moment
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for

REAL_NOW = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def calendars() -> list[TradingCalendar]:
    return [calendar_for(file) for file in load_markets().values()]


def test_the_first_run_starts_on_a_weekday_of_the_past_with_most_markets_open(calendars: list[TradingCalendar]) -> None:
    moment = opening_moment(calendars, REAL_NOW, None)
    assert moment == datetime(2026, 11, 2, 9, 35, tzinfo=UTC)
    closed = [calendar.market for calendar in calendars if not calendar.state(moment).is_open]
    assert closed == ["us"]  # four o'clock in the night: its pre-market


def test_a_later_run_starts_on_the_next_day_with_most_markets_open(calendars: list[TradingCalendar]) -> None:
    friday = datetime(2026, 11, 13, 11, 0, tzinfo=UTC)
    assert opening_moment(calendars, REAL_NOW, friday) == datetime(2026, 11, 16, 9, 35, tzinfo=UTC)


def test_a_holiday_of_one_market_is_passed_over(calendars: list[TradingCalendar]) -> None:
    day_before_independence_day = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)
    assert opening_moment(calendars, REAL_NOW, day_before_independence_day) == datetime(2026, 11, 19, 9, 35, tzinfo=UTC)


def test_when_every_day_up_to_now_is_used_up_the_next_one_serves(calendars: list[TradingCalendar]) -> None:
    today = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    assert opening_moment(calendars, REAL_NOW, today) == datetime(2026, 11, 23, 9, 35, tzinfo=UTC)


def test_no_day_of_the_future_is_taken_while_one_of_the_past_is_left(calendars: list[TradingCalendar]) -> None:
    noon_of_a_holiday = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
    moment = opening_moment(calendars, noon_of_a_holiday, datetime(2026, 11, 17, 15, 0, tzinfo=UTC))
    assert moment == datetime(2026, 11, 18, 9, 35, tzinfo=UTC)
