"""Spans of time as people write them in settings and commands: "45s", "15m", "2h", "1d"."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NEVER = "never"
_LONGEST = timedelta(days=3660)


def parse_duration(text: str) -> timedelta:
    """Return the span that "15m" or "1h 30m" names. Raises ValueError for anything else, and for nothing at all."""
    parts = re.findall(r"(\d+)\s*([smhd])", text)
    rest = re.sub(r"(\d+)\s*([smhd])", "", text).strip()
    found = sum((timedelta(**{_UNITS[unit]: min(int(count), 10**8)}) for count, unit in parts), timedelta())
    if rest or not timedelta(0) < found <= _LONGEST:
        raise ValueError(f"{text!r} is no span of time; write one like 45s, 15m, 2h or 1d")
    return found


def parse_durations(text: str | tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    """Return the spans that "15m,1h,1d" lists, shortest first; none for "never". Raises ValueError."""
    if isinstance(text, tuple):
        return text
    return () if text.strip() == NEVER else tuple(sorted(parse_duration(part) for part in text.split(",")))
