"""When each market's sessions trade, as a small table of market.duckdb: bars of other timeframes count from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import pyarrow as pa

from market_pipeline.clock import SystemClock
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.trading_calendar import TradingCalendar, calendar_for
from market_pipeline.storage.tables.schema import UTC_TIME, Table, column

SESSION_HOURS = Table(
    "session_hours",
    "When a market's sessions trade: from `opens` up to but not including `closes`, but for a pause at noon",
    ("session_date",),
    "session_date",
    (
        column("market", pa.string(), "market (a venue with a calendar)"),
        column("session_date", pa.date32(), "trading date in the exchange's zone"),
        column("opens", UTC_TIME, "first minute", "UTC"),
        column("pauses", UTC_TIME, "start of the pause at noon; null where there is none", "UTC"),
        column("resumes", UTC_TIME, "end of that pause", "UTC"),
        column("closes", UTC_TIME, "end of the last minute", "UTC"),
    ),
)


def session_hours(stored: Iterable[date]) -> pa.Table:
    """Return the hours of every market's sessions, from the year of the first stored one to the end of next year."""
    this_year = SystemClock().now().year
    years = [this_year, *(day.year for day in stored)]
    first, last = min(years) - 1, max(years) + 1
    rows = [row for file in load_markets().values() for row in _rows(calendar_for(file), first, last)]
    return pa.Table.from_pylist(rows, schema=SESSION_HOURS.schema)


def _rows(calendar: TradingCalendar, first: int, last: int) -> Iterator[dict[str, object]]:
    start = max(date(first, 1, 1), calendar.first_day)
    for day in calendar.sessions_between(start, date(last, 12, 31)):
        hours = calendar.hours(day)
        if hours is not None:
            pauses, resumes = hours.pause or (None, None)
            yield {
                "market": calendar.market,
                "session_date": day,
                "opens": hours.open,
                "pauses": pauses,
                "resumes": resumes,
                "closes": hours.close,
            }
