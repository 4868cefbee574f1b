"""Minute bars → bars of 5, 15, 30 or 60 minutes or of a session. The same rule in SQL: storage/timeframes.py.

Buckets count from the session's opening (India's first hour begins at 09:15), and anew from where trading resumes after
a pause at noon; a day's bucket is the whole session. So none spans two sessions or a pause, and the last one before a
pause, an early close or the close ends there. Only minutes with a bar count: no bucket is made for none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.timeframe import TIMEFRAMES
from market_pipeline.transforms.bar_rows import (
    BAR_SCHEMA,
    MINUTE,
    ORIGINS,
    UTC_TIME,
    Integers,
    Reals,
    Truths,
    as_moment,
    codes_of,
    microseconds,
    reals,
    starts_of_groups,
    times,
)

WHOLE_SESSION = TIMEFRAMES["1d"]
_EPOCH = date(1970, 1, 1).toordinal()
_NEVER = np.iinfo(np.int64).max


class SessionHours(NamedTuple):
    """When a session trades, UTC: from `opens` up to but not including `closes`, but for a pause at noon."""

    opens: datetime
    closes: datetime
    pause: tuple[datetime, datetime] | None = None


@dataclass(frozen=True)
class Reach:
    """How far a market's bars have come: up to a moment, and to the end of the sessions that were closed."""

    until: datetime | None
    closed_sessions: Collection[date] = ()


def reach(newest_bars: pa.Table, closed_sessions: Collection[date]) -> Reach:
    """Return how far a market is, from the newest bar of each symbol.

    One in the making says that its minute has begun, unless it is from a future that was not there when it came.
    """
    if newest_bars.num_rows == 0:
        return Reach(None, closed_sessions)
    is_final = newest_bars["is_final"].to_numpy().astype(bool)
    starts = times(newest_bars["interval_start"])
    until = np.where(is_final, starts + MINUTE, np.minimum(starts, times(newest_bars["known_at"])))
    return Reach(as_moment(int(until.max())), closed_sessions)


def resample(bars: pa.Table, timeframe: str, *, hours: Mapping[date, SessionHours], reached: Reach) -> pa.Table:
    """Return one market's bars of a timeframe, by symbol and interval_start, in the columns of minute bars.

    `bars` may come in any order. Open is the first minute's, close the last one's, high and low the extremes. Volume,
    turnover and n_ticks are sums, null where one minute's is unknown. A bar is final when its last minute has passed
    and all its minutes are final, synthetic when one of them is; origin is the worst of them, revision and known_at the
    newest. A session without hours is counted from midnight UTC.
    """
    if bars.num_rows == 0:
        return BAR_SCHEMA.empty_table()
    sorted_bars, codes, symbols = _by_symbol_and_minute(bars)
    minutes, days = times(sorted_bars["interval_start"]), _days(sorted_bars["session_date"])
    anchors, ends = _stretches(minutes, days, hours=hours, is_whole=TIMEFRAMES[timeframe] == WHOLE_SESSION)
    width = TIMEFRAMES[timeframe] * MINUTE
    buckets = anchors + (minutes - anchors) // width * width
    groups = starts_of_groups(codes, days, buckets)
    starts, closes = buckets[groups], ends[groups]
    last_minutes = np.where(starts < closes, np.minimum(starts + width, closes), starts + width)
    has_passed = _has_passed(last_minutes, days[groups], reached)
    return _rows(
        sorted_bars, groups, starts=starts, has_passed=has_passed, symbols=symbols.take(pa.array(codes[groups]))
    )


def _by_symbol_and_minute(bars: pa.Table) -> tuple[pa.Table, Integers, pa.Array]:
    (codes,), texts = codes_of(bars["symbol"])
    minutes = times(bars["interval_start"])
    is_sorted = np.all((codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & (minutes[1:] > minutes[:-1])))
    order = np.arange(len(codes)) if is_sorted else np.lexsort((minutes, codes))
    taken = bars if is_sorted else bars.take(pa.array(order))
    return taken, codes[order], pa.array(texts, pa.string())


def _days(column: pa.ChunkedArray) -> Integers:
    """Return dates as days since 1970."""
    days: Integers = column.cast(pa.int32()).to_numpy().astype(np.int64)
    return days


def _stretches(
    minutes: Integers, days: Integers, *, hours: Mapping[date, SessionHours], is_whole: bool
) -> tuple[Integers, Integers]:
    """Return for each bar where the stretch of trading that it lies in begins and ends."""
    sessions, session_of = np.unique(days, return_inverse=True)
    dates = [date.fromordinal(_EPOCH + int(day)) for day in sessions]
    known = [hours.get(day) for day in dates]
    midnights = [datetime.combine(day, time(), UTC) for day in dates]
    opens = [microseconds(found.opens if found else night) for found, night in zip(known, midnights, strict=True)]
    closes = [microseconds(found.closes) if found else _NEVER for found in known]
    pauses = [found.pause if found and not is_whole else None for found in known]
    stops = [microseconds(pause[0]) if pause else end for pause, end in zip(pauses, closes, strict=True)]
    resumes = [microseconds(pause[1]) if pause else _NEVER for pause in pauses]
    has_resumed = minutes >= np.array(resumes)[session_of]
    anchors = np.where(has_resumed, np.array(resumes)[session_of], np.array(opens)[session_of])
    return anchors, np.where(has_resumed, np.array(closes)[session_of], np.array(stops)[session_of])


def _has_passed(ends: Integers, days: Integers, reached: Reach) -> Truths:
    until = microseconds(reached.until) if reached.until is not None else np.iinfo(np.int64).min
    closed = [day.toordinal() - _EPOCH for day in reached.closed_sessions]
    return (ends <= until) | np.isin(days, closed)


def _rows(bars: pa.Table, groups: Integers, *, starts: Integers, has_passed: Truths, symbols: pa.Array) -> pa.Table:
    lasts = np.append(groups[1:], bars.num_rows) - 1
    first_rows = bars.select(["market", "session_date", "open"]).take(pa.array(groups))
    is_final = bars["is_final"].to_numpy().astype(bool)
    arrays = {
        "market": first_rows["market"],
        "symbol": symbols,
        "interval_start": pa.array(starts, pa.int64()).cast(UTC_TIME),
        "session_date": first_rows["session_date"],
        "open": first_rows["open"],
        "high": pa.array(np.maximum.reduceat(reals(bars["high"]), groups)),
        "low": pa.array(np.minimum.reduceat(reals(bars["low"]), groups)),
        "close": bars["close"].take(pa.array(lasts)),
        "volume": _sums(bars["volume"], groups),
        "turnover": _sums(bars["turnover"], groups),
        "origin": _worst_origin(bars["origin"], groups),
        "n_ticks": _sums(bars["n_ticks"], groups).cast(pa.int32()),
        "is_final": pa.array(np.logical_and.reduceat(is_final, groups) & has_passed),
        "is_synthetic": pa.array(np.logical_or.reduceat(bars["is_synthetic"].to_numpy().astype(bool), groups)),
        "revision": pa.array(np.maximum.reduceat(bars["revision"].to_numpy(), groups)),
        "known_at": pa.array(np.maximum.reduceat(times(bars["known_at"]), groups), pa.int64()).cast(UTC_TIME),
    }
    return pa.table(arrays, schema=BAR_SCHEMA)


def _sums(column: pa.ChunkedArray, groups: Integers) -> pa.Array:
    """Return a sum a bucket, null where a minute is: a smaller sum would be a false one. Added in order of time."""
    amounts: Reals = reals(column)
    bucket_of = np.repeat(np.arange(len(groups)), np.diff(np.append(groups, len(amounts))))
    return pa.array(np.bincount(bucket_of, weights=amounts, minlength=len(groups)), from_pandas=True)


def _worst_origin(column: pa.ChunkedArray, groups: Integers) -> pa.Array:
    ranks = pc.index_in(column, value_set=pa.array(ORIGINS)).to_numpy()
    return pa.array(ORIGINS).take(pa.array(np.maximum.reduceat(ranks, groups)))
