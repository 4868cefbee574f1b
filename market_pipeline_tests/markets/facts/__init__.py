"""What is known about each market's trading time, written down by hand: one file per market, read by the contract."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def facts(market: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / f"{market}.yaml").read_text(encoding="utf-8")))


def each(kind: str) -> list[Any]:
    """Return (market, fact) for every fact of a kind, over all markets."""
    return [(market, fact) for market in NAMES for fact in facts(market)[kind]]


def label(value: object) -> str:
    """Name a test case after the fact's date, not its position."""
    if isinstance(value, dict):
        return str(value.get("date") or value.get("at") or value.get("day") or value.get("from"))
    return str(value)


def utc(day: date, hour: str) -> datetime:
    """Return a UTC time of day of a fact; 24:00 is the next midnight."""
    hours, minutes = map(int, hour.split(":"))
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)
