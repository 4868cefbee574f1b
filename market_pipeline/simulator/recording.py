"""What a recording is once it has been read, whatever its file looked like: rows by symbol and session, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from market_pipeline.errors import UsageError
from market_pipeline.model.session import Session
from market_pipeline.simulator.tape import Floats, Integers

LAYOUTS = (
    "minutes: Parquet with symbol, interval_start, open, high, low, close, volume; "
    "days: CSV or Parquet with symbol, session_date, close (docs/simulated-exchange.md, Recordings)"
)
type FindSession = Callable[[date], Session | None]
"""The calendar's session of a trading date."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a recorded day says beside its bar; None where it does not say."""

    close_before: float | None = None
    turnover: float | None = None
    adjusted_close: float | None = None


NOTHING = Stated()


@dataclass(frozen=True)
class Recording:
    """A recording's columns, sorted by symbol and time, and where each symbol's session begins."""

    starts: Integers
    prices: tuple[Floats, Floats, Floats, Floats]
    volume: Floats
    rows: dict[str, dict[date, slice]]
    sessions: dict[date, Session]
    stated: Mapping[tuple[str, date], Stated] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Symbol → what the recording says of the instrument: name, shares."""
    has_minutes: bool = True
    """False when a row is a whole day."""


def wrong(path: Path, seen: str, remedy: str) -> UsageError:
    """Return the error for a file that cannot be replayed."""
    return UsageError(f"tried to replay {path}: {seen}; a retry does not help; {remedy}. Recordings of {LAYOUTS}")


def local_days(starts: Integers, zone: ZoneInfo) -> NDArray[np.object_]:
    """Return the date in the exchange's zone of each epoch second."""
    minutes, inverse = np.unique(starts, return_inverse=True)
    days = np.array([datetime.fromtimestamp(int(minute), zone).date() for minute in minutes], dtype=object)
    return days[inverse]


def spans(symbols: NDArray[np.object_], days: NDArray[np.object_]) -> dict[str, dict[date, slice]]:
    """Return symbol → date → its rows, of columns that are sorted by both."""
    changes = np.flatnonzero((symbols[1:] != symbols[:-1]) | (days[1:] != days[:-1])) + 1
    edges = [0, *changes.tolist(), len(symbols)]
    rows: dict[str, dict[date, slice]] = {}
    for first, last in pairwise(edges):
        rows.setdefault(symbols[first], {})[days[first]] = slice(first, last)
    return rows


def recorded_span(market: str, day: date, starts: Integers) -> Session:
    """Return a session that lasts as long as its recorded minutes: what a day is that no calendar knows."""
    begin = datetime.fromtimestamp(int(starts.min()), UTC)
    end = datetime.fromtimestamp(int(starts.max()) + 60, UTC)
    return Session(market, day, begin, end, end, ())
