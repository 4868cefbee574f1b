"""Chooses the moment at which the simulated exchange's clock starts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from market_pipeline.markets.trading_calendar import TradingCalendar

OPENING_TIME = time(9, 35, tzinfo=UTC)
"""Casablanca has just opened, India, Riyadh and Nairobi still trade, and New York is in its pre-market."""
FIRST_RUN_DAYS_BACK = 21
"""So that each later run can take the next day and still not reach the future."""


def opening_moment(calendars: Sequence[TradingCalendar], real_now: datetime, last_event: datetime | None) -> datetime:
    """Return 09:35 UTC of the first day after `last_event` (first run: of three weeks ago) with most markets open.

    Never later than `real_now`, unless every day up to then is used up: then the day after `last_event` serves.
    """
    first = (last_event or real_now - timedelta(days=FIRST_RUN_DAYS_BACK)).date() + timedelta(days=1)
    days = [first + timedelta(days=n) for n in range(FIRST_RUN_DAYS_BACK)]
    moments = [datetime.combine(day, OPENING_TIME) for day in days if day.weekday() < 5]
    past = [moment for moment in moments if moment <= real_now]
    return max(past or moments, key=lambda moment: (_open_markets(calendars, moment), -moment.timestamp()))


def _open_markets(calendars: Sequence[TradingCalendar], moment: datetime) -> int:
    return sum(1 for calendar in calendars if calendar.state(moment).is_open)
