"""The range of the last 52 weeks and the mean volume of the last three months, from daily bars. Pure.

Prices of bars_1d are as traded: a split inside the year would show as a range that is too wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

YEAR = timedelta(weeks=52)
QUARTER = timedelta(days=91)
START_SLACK = timedelta(days=10)
"""A history that begins so soon after the year's first day (a holiday, a weekend) still covers it."""
END_SLACK = timedelta(days=14)
"""A history that ended longer ago says nothing of the present range."""


@dataclass(frozen=True, slots=True)
class YearRange:
    """What daily bars say of one instrument; None where they do not reach back far enough."""

    last_session: date
    week_52_low: float | None
    week_52_high: float | None
    average_volume_3m: float | None


def year_ranges(
    bars: pa.Table, *, today: date, sources: Sequence[str], listed_from: Mapping[str, date | None]
) -> dict[str, YearRange]:
    """Return symbol → what its bars say, from the best of `sources` that has any; `bars` are rows of bars_1d.

    The present session, whose bar comes only after the close, is not in it. A younger listing's range begins with it.
    """
    bars = bars.filter(pc.greater(bars["session_date"], pa.scalar(today - YEAR - START_SLACK)))
    rank = {name: number for number, name in enumerate(sources)}
    found: dict[str, YearRange] = {}
    for row in sorted(_grouped(bars, today), key=lambda row: rank.get(row["source"], len(rank))):
        symbol, last = row["symbol"], row["session_date_max"]
        if symbol in found or today - last > END_SLACK:
            continue
        listed = listed_from.get(symbol)
        covers_year = _reaches(row["session_date_min"], today - YEAR, listed)
        covers_quarter = _reaches(row["session_date_min"], today - QUARTER, listed)
        found[symbol] = YearRange(
            last,
            row["low_min"] if covers_year else None,
            row["high_max"] if covers_year else None,
            row["recent_mean"] if covers_quarter else None,
        )
    return found


def _reaches(first: date, back_to: date, listed: date | None) -> bool:
    due = back_to if listed is None or listed < back_to else listed
    return first <= due + START_SLACK


def _grouped(bars: pa.Table, today: date) -> list[dict[str, Any]]:
    """Return one row a source and symbol. A bar of which only the close is known counts with it."""
    days = bars["session_date"]
    in_year = pc.greater(days, pa.scalar(today - YEAR))
    in_quarter = pc.greater(days, pa.scalar(today - QUARTER))
    nothing = pa.scalar(None, pa.float64())
    columns = {
        "source": bars["source"],
        "symbol": bars["symbol"],
        "session_date": days,
        "low": pc.if_else(in_year, pc.coalesce(bars["low"], bars["close"]), nothing),
        "high": pc.if_else(in_year, pc.coalesce(bars["high"], bars["close"]), nothing),
        "recent": pc.if_else(in_quarter, bars["volume"], nothing),
    }
    asked = [
        ("session_date", "min"),
        ("session_date", "max"),
        ("low", "min"),
        ("high", "max"),
        ("recent", "mean"),
    ]
    rows: list[dict[str, Any]] = pa.table(columns).group_by(["source", "symbol"]).aggregate(asked).to_pylist()
    return rows
