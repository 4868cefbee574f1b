"""Conditions that belong to no market: they stand under the market `all`, and are judged at any hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from market_pipeline.alerts.condition import UNDECIDED, Condition, Judged, Key, Verdict, as_judged, band
from market_pipeline.alerts.severity import Severity
from market_pipeline.quality.health import ALL_MARKETS

LOW_DISK_BYTES = 5_000_000_000
LOW_DISK_CLEAR_BYTES = 6_000_000_000


@dataclass(frozen=True, slots=True)
class CalendarEnd:
    """How many days a market's published holidays still reach, and from how many on that is told."""

    market: str
    days_left: int
    limit_days: int
    text: str


@dataclass(frozen=True, slots=True)
class Disk:
    """The free space of the feed's folder; None when it cannot be asked."""

    folder: str
    free_bytes: int | None


def platform_conditions(at: datetime, *, disk: Disk, calendars: Sequence[CalendarEnd]) -> Verdict:
    """Judge the disk, and all calendars together: one message names every one that ends soon."""
    found = {Key.DISK_LOW: _disk_low(at, disk), Key.CALENDAR_ENDS: _calendars_end(at, calendars)}
    holding = tuple(entry for entry in found.values() if isinstance(entry, Condition))
    return Verdict(ALL_MARKETS, holding, frozenset(key for key, entry in found.items() if entry is UNDECIDED))


def _disk_low(at: datetime, disk: Disk) -> Judged:
    if disk.free_bytes is None:
        return UNDECIDED
    condition = Condition(
        Key.DISK_LOW,
        ALL_MARKETS,
        "the disk is nearly full",
        at,
        f"{disk.free_bytes / 1e9:.1f} GB free in {disk.folder} (limit {LOW_DISK_BYTES / 1e9:g} GB)",
        "make room, shorten `retention` in the market files, or set MARKET_PIPELINE_DATA to a larger disk",
        Severity.CRITICAL,
    )
    return as_judged(band(disk.free_bytes, LOW_DISK_BYTES, LOW_DISK_CLEAR_BYTES), condition)


def _calendars_end(at: datetime, calendars: Sequence[CalendarEnd]) -> Judged:
    ending = [calendar for calendar in calendars if calendar.days_left < calendar.limit_days]
    if not ending:
        return None
    return Condition(
        Key.CALENDAR_ENDS,
        ALL_MARKETS,
        f"published holidays end soon: {', '.join(calendar.market for calendar in ending)}",
        at,
        "\n".join(calendar.text for calendar in ending),
        "bring newer holidays: make lock and make setup for exchange-calendars, markets/calendars/ for our own; until "
        "then list the days in special_days of the market's file",
    )
