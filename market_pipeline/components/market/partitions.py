"""Session dates as Dagster partitions: every day since 2013 but those on which the market had no session.

Asking the calendar for thirteen years takes half a second, and every run loads the definitions; so the answer is kept
in the feed's folder under a name that changes with the calendar.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from market_pipeline.clock import SystemClock
from market_pipeline.errors import StorageError
from market_pipeline.markets.schema import MarketFile
from market_pipeline.markets.zones import zone
from market_pipeline.settings import load_settings
from market_pipeline.storage.state_file import read_state, write_state

FIRST_SESSION = date(2013, 1, 1)
YEARS_AHEAD = 1
"""Some calendars never end, and Dagster makes no partition of the future."""


def session_partitions(file: MarketFile) -> dg.DailyPartitionsDefinition:
    """Return one partition a session date, in the exchange's zone, up to the present day."""
    return dg.DailyPartitionsDefinition(
        start_date=FIRST_SESSION.isoformat(),
        timezone=file.calendar.zone,
        end_offset=1,
        exclusions=[_midnight(day, file) for day in closed_days(file, load_settings().feed_folder / "cache")] or None,
    )


def freshness_policy(file: MarketFile) -> dg.FreshnessPolicy:
    """Return how long an asset of every session may stay as it is: the calendar's longest closure, and a day more.

    Dagster's policies know no holidays, and a closed market is never stale: the `fresh` check of session_bars, which
    knows them, notices within hours.
    """
    closed = closed_days(file, load_settings().feed_folder / "cache")
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=longest_run(closed) + 2))


def longest_run(days: list[str]) -> int:
    """Return the length of the longest run of consecutive dates among ISO dates in order."""
    longest = run = 0
    last: date | None = None
    for day in map(date.fromisoformat, days):
        run = run + 1 if last is not None and day - last == timedelta(days=1) else 1
        longest, last = max(longest, run), day
    return longest


def _midnight(day: str, file: MarketFile) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), zone(file.calendar.zone))


def closed_days(file: MarketFile, folder: Path) -> list[str]:
    """Return the ISO dates without a session from 2013 to the end of the published calendar, or of next year."""
    kept = folder / f"{file.market}_closed_days_{_key(file)}.json"
    document: dict[str, Any] = {}
    with suppress(OSError, StorageError):  # a folder that cannot be used costs time, nothing else
        document = read_state(kept)
        if "closed_days" not in document:
            document = {"closed_days": _ask_calendar(file)}
            write_state(kept, document)
    days: list[str] = document.get("closed_days") or _ask_calendar(file)
    return days


def _key(file: MarketFile) -> str:
    """Return a name for this exact calendar: its section, our dated holiday files, and the library's version."""
    calendars = Path(__file__).parents[2] / "markets" / "calendars"
    parts = [file.calendar.model_dump_json(), importlib.metadata.version("exchange_calendars")]
    parts.append(str(_horizon().year))
    parts += [path.read_text() for path in sorted(calendars.glob("*.yaml"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _horizon() -> date:
    return date(SystemClock().now().year + YEARS_AHEAD, 12, 31)


def _ask_calendar(file: MarketFile) -> list[str]:
    from market_pipeline.markets.trading_calendar import calendar_for

    if set(file.calendar.weekly_pattern) == set(range(7)):
        return []
    calendar = calendar_for(file)
    last = min(calendar.last_published_day(), _horizon())
    open_days = set(calendar.sessions_between(max(FIRST_SESSION, calendar.first_day), last))
    every = (FIRST_SESSION + timedelta(days=n) for n in range((last - FIRST_SESSION).days + 1))
    return [day.isoformat() for day in every if day not in open_days]
