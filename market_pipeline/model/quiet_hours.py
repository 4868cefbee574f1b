"""Hours of the day in which nobody wants to be called for what can wait."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` up to, not including, `end`, each day in `zone`; over midnight where the end is the smaller one."""

    start: time
    end: time
    zone: str

    def covers(self, moment: datetime) -> bool:
        """Tell whether `moment` (aware) lies in these hours."""
        local = moment.astimezone(ZoneInfo(self.zone)).time()
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


def parse_quiet_hours(text: str | QuietHours | None, *, zone: str = "UTC") -> QuietHours | None:
    """Read "22:00-07:00" or "22:00-07:00 Africa/Casablanca"; `zone` is for a text that names none.

    Raises ValueError for anything else, and for hours without an end.
    """
    if not isinstance(text, str):
        return text
    found = re.fullmatch(r"\s*(\d\d:\d\d)\s*-\s*(\d\d:\d\d)(?:\s+(\S+))?\s*", text)
    if found is None:
        raise ValueError("write quiet hours like 22:00-07:00, with a zone like Africa/Casablanca behind them if needed")
    hours = QuietHours(time.fromisoformat(found[1]), time.fromisoformat(found[2]), found[3] or zone)
    if hours.start == hours.end:
        raise ValueError("quiet hours that begin when they end would last all day; use a silence for that")
    try:
        ZoneInfo(hours.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"there is no time zone {hours.zone}; write one like Africa/Casablanca or UTC") from None
    return hours
