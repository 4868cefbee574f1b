"""The range of the last 52 weeks and the mean volume of the last three months, from daily bars. Pure.

Prices of bars_1d are as traded, so those before a split are brought to the present shares first: once, and not where
the source has done it. A split takes effect here with the first bar that names it, after its first session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

YEAR = timedelta(weeks=52)
QUARTER = timedelta(days=91)
START_SLACK = timedelta(days=10)
"""A history that begins so soon after the year's first day (a holiday, a weekend) still covers it."""
END_SLACK = timedelta(days=14)
"""A history that ended longer ago says nothing of the present range."""
USED_COLUMNS = (
    *("source", "symbol", "session_date", "low", "high", "close", "volume"),
    *("split_ratio", "is_split_adjusted"),
)


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
    """Return symbol → what its bars say, from the best of `sources` that has any; `bars` has USED_COLUMNS of bars_1d.

    The present session, whose bar comes only after the close, is not in it. A younger listing's range begins with it.
    """
    bars = _in_present_shares(bars.filter(pc.greater_equal(bars["session_date"], pa.scalar(first_day(today)))))
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


def first_day(today: date) -> date:
    """Return the oldest session date that matters."""
    return today - YEAR - START_SLACK


def _in_present_shares(bars: pa.Table) -> pa.Table:
    """Divide prices, and multiply volumes, before each split by its ratio. Few symbols have one: only they are touched.

    A ratio that is null, 1 or not above zero is none.
    """
    bars = bars.select(list(USED_COLUMNS))
    raw = pc.invert(pc.fill_null(bars["is_split_adjusted"], False))
    is_split = pc.and_(raw, pc.fill_null(_is_ratio(bars["split_ratio"]), False))
    if not pc.any(is_split).as_py():
        return bars
    splits = bars.filter(is_split).select(["source", "symbol", "session_date", "split_ratio"]).to_pylist()
    has_split = pc.is_in(bars["symbol"], value_set=pa.array({split["symbol"] for split in splits}, pa.string()))
    few = bars.filter(pc.and_(raw, has_split))
    factor = pa.chunked_array([np.ones(few.num_rows)])
    for split in splits:
        same = pc.and_(pc.equal(few["source"], split["source"]), pc.equal(few["symbol"], split["symbol"]))
        before = pc.and_(same, pc.less(few["session_date"], pa.scalar(split["session_date"])))
        factor = pc.if_else(before, pc.multiply(factor, split["split_ratio"]), factor)
    for name in ("low", "high", "close", "volume"):
        changed = (pc.multiply if name == "volume" else pc.divide)(few[name], factor)
        few = few.set_column(few.schema.get_field_index(name), name, changed)
    return pa.concat_tables([bars.filter(pc.invert(pc.and_(raw, has_split))), few])


def _is_ratio(ratios: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.and_(pc.greater(ratios, 0), pc.not_equal(ratios, 1))


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
