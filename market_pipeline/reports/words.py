"""Figures in words for people. An unknown figure is a dash, never a zero."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

UNKNOWN = "–"


def share(value: float | None) -> str:
    """Return "99.4 %"; 100 % only when nothing is missing, 0 % only when nothing is there."""
    if value is None:
        return UNKNOWN
    shown = round(100 * value, 1)
    if shown in (0.0, 100.0) and value not in (0.0, 1.0):
        return "<0.1 %" if shown == 0.0 else ">99.9 %"
    return f"{shown:g} %" if shown in (0.0, 100.0) else f"{shown:.1f} %"


def hours(minutes: int) -> str:
    """Return "5 h 50 min"."""
    return f"{minutes // 60} h {minutes % 60:02d} min"


def count(value: int | None) -> str:
    """Return "12,345"."""
    return UNKNOWN if value is None else f"{value:,}"


def number(value: float | None, decimals: int = 1) -> str:
    """Return "1,234.5"."""
    return UNKNOWN if value is None else f"{value:,.{decimals}f}"


def price(value: float) -> str:
    """Return a price with as many decimals as it needs: 1,234.50, 0.004213."""
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:.6g}"


def change(value: float | None) -> str:
    """Return "+1.25 %" or "−0.40 %"."""
    if value is None:
        return UNKNOWN
    return f"{value:+.2f} %".replace("-", "−")


def milliseconds(value: float) -> str:
    """Return "840 ms" or "2.4 s"."""
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def size(value: int) -> str:
    """Return "812 B", "1.4 MB" (1 MB is a million bytes)."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.1f} {unit}"
    return f"{value} B"


def counts(found: Mapping[str, int]) -> str:
    """Return "timeout 12, blocked 3"."""
    return ", ".join(f"{name} {value:,}" for name, value in found.items()) or UNKNOWN


def clock_time(moment: datetime | None, zone: tzinfo) -> str:
    """Return "09:31" in the exchange's zone."""
    return UNKNOWN if moment is None else f"{moment.astimezone(zone):%H:%M}"


def day_time(moment: datetime, zone: tzinfo) -> str:
    """Return "Fri 20 Nov 09:31" in the exchange's zone."""
    return f"{moment.astimezone(zone):%a %d %b %H:%M}"


def offset(moment: datetime, zone: tzinfo) -> str:
    """Return "UTC+05:30"."""
    return f"UTC{moment.astimezone(zone):%:z}"
