"""The zone guard: zones come from the pinned tzdata package, never from the machine, and an old table is refused.

Morocco left UTC+1 for good on 2026-09-20 (IANA 2026c). A machine whose zone files are older puts every session of
Casablanca an hour wrong, silently; Python reads those files before the package unless it is told not to.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import zoneinfo
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from market_pipeline.errors import ConfigurationError, ZoneTableError

WITNESS_ZONE = "Africa/Casablanca"
WITNESS_MOMENT = datetime(2026, 11, 20, 12)  # noqa: DTZ001  # local on purpose: the zone under test is put on it
WITNESS_OFFSET = timedelta(0)


@cache
def check_zone_table() -> None:
    """Make zoneinfo use the pinned tzdata package. Raise ZoneTableError when that one is missing or too old.

    Call it before any zone is used: a ZoneInfo made earlier keeps the machine's rules.
    """
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()
    try:
        offset = WITNESS_MOMENT.replace(tzinfo=ZoneInfo(WITNESS_ZONE)).utcoffset()
    except ZoneInfoNotFoundError:
        offset = None
    if offset != WITNESS_OFFSET:
        raise ZoneTableError(
            f"checked {WITNESS_ZONE} at {WITNESS_MOMENT.isoformat()}: the zone table ({zone_table_version()}) "
            f"says {_in_words(offset)}, it must say +00:00 since 2026-09-20; a retry does not help; "
            "install tzdata>=2026.3 into this environment"
        )


@cache
def zone(name: str) -> ZoneInfo:
    """Return a zone from the checked table. Raise ConfigurationError for a name that IANA does not know."""
    check_zone_table()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigurationError(
            f"looked up time zone {name!r}: IANA knows no such zone; a retry does not help; "
            "correct `zone` in the market file (like Africa/Casablanca)"
        ) from error


def zone_table_version() -> str:
    """Return the version of the zone table in words, for people: `IANA 2026c (tzdata 2026.3)`."""
    try:
        package = importlib.metadata.version("tzdata")
        table = importlib.import_module("tzdata")
    except (importlib.metadata.PackageNotFoundError, ImportError):
        return "no tzdata package"
    return f"IANA {getattr(table, 'IANA_VERSION', 'unknown')} (tzdata {package})"


def offset_text(moment: datetime) -> str:
    """Return the UTC offset of an aware moment as people write it: +00:00, +05:30."""
    return moment.isoformat(timespec="minutes")[-6:]


def _in_words(offset: timedelta | None) -> str:
    if offset is None:
        return "nothing: the zone is unknown"
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
