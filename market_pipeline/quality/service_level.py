"""The service level: which expected minutes of tier 1 were there in time, final and from trades. Pure.

The rule. A symbol-minute is expected while the symbol's own hours are open and a source can deliver minutes. It is good
when some version of its bar was final and not synthetic by the minute's end + the delay that the sources declare + the
allowed seconds; late when that came true afterwards; missing when it never did. A minute without a bar is not expected
after all when a source answered for the symbol in time: then nothing was traded. A bar that turns up later takes that
excuse away. Minutes whose time is not over yet do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.quality.situation import Burn
from market_pipeline.quality.symbol_ages import Moments, moments

Truths = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
MINUTE = np.timedelta64(1, "m")


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised: so many seconds after a minute's end, and the declared delay, its bar is there."""

    within: timedelta
    declared_delay: timedelta
    objective: float


@dataclass(frozen=True)
class MinuteCounts:
    """Expected symbol-minutes by minute (its start, UTC), and what became of them. Not traded ones are not expected."""

    minutes: Moments
    expected: Counts
    good: Counts
    late: Counts
    missing: Counts
    not_traded: Counts

    @property
    def level(self) -> ServiceLevel:
        """Return all minutes together."""
        return ServiceLevel(*(int(counts.sum()) for counts in (self.expected, self.good, self.late, self.missing)))


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Symbol-minutes of some time: how many were expected, and what became of them."""

    expected: int
    good: int
    late: int
    missing: int

    @property
    def share(self) -> float | None:
        """Return good / expected; None where nothing was expected."""
        return self.good / self.expected if self.expected else None

    def budget_left(self, objective: float) -> float | None:
        """Return the share of the error budget that is left: 1 untouched, 0 used up, negative overdrawn."""
        if not self.expected:
            return None
        return 1 - (self.expected - self.good) / (self.expected * (1 - objective))


def count_minutes(
    hours: Mapping[str, Sequence[tuple[datetime, datetime]]],
    bars: pa.Table,
    answers: pa.Table,
    *,
    promise: Promise,
    now: datetime,
) -> MinuteCounts:
    """Count the minutes of each symbol's open stretches (symbol → stretches) whose time is over at `now`.

    `bars` has symbol, interval_start, known_at, is_final and is_synthetic of every version of each bar; `answers` has
    symbol and received_time of the requests that a source answered.
    """
    symbols = pa.array(sorted(hours), pa.string())
    stretches = [hours[name] for name in symbols.to_pylist()]
    minutes = _minutes(stretches, until=now - promise.within - promise.declared_delay)
    is_open = np.array([_within(minutes, of) for of in stretches], bool).reshape(len(symbols), len(minutes))
    allowed = np.timedelta64(promise.within + promise.declared_delay, "us")
    sound = bars.filter(pc.and_(bars["is_final"], pc.invert(bars["is_synthetic"])))
    in_time = _times(sound["known_at"]) <= _times(sound["interval_start"]) + MINUTE + allowed
    there = _marked(sound, symbols, minutes, at=_times(sound["interval_start"]))
    good = _marked(sound, symbols, minutes, at=_times(sound["interval_start"]), where=in_time) & is_open
    told = _times(answers["received_time"]) - np.timedelta64(promise.declared_delay, "us") - MINUTE
    is_excused = _marked(answers, symbols, minutes, at=told) & is_open & ~there
    late, missing = is_open & there & ~good, is_open & ~there & ~is_excused
    counted = (is_open & ~is_excused, good, late, missing, is_excused)
    return MinuteCounts(minutes, *(found.sum(axis=0).astype(np.int64) for found in counted))


def burn(level: ServiceLevel, *, hours: int, objective: float, limit: float, minutes: int) -> Burn:
    """Return how fast a window of hours burns the error budget; unknown while less than half of it was measured."""
    if level.expected == 0 or minutes < 30 * hours:
        return Burn(hours, level.expected, level.good, None, limit)
    failed = (level.expected - level.good) / level.expected
    return Burn(hours, level.expected, level.good, round(failed / (1 - objective), 2), limit)


def _minutes(stretches: Iterable[Sequence[tuple[datetime, datetime]]], *, until: datetime) -> Moments:
    """Return the starts of all minutes of the stretches that end by `until`, in order."""
    every = [part for parts in stretches for part in parts]
    if not every:
        return moments([])
    found = [np.arange(*moments([start, end]).astype("datetime64[m]")) for start, end in set(every)]
    starts = np.unique(np.concatenate(found)).astype("datetime64[us]")
    ended: Moments = starts[starts + MINUTE <= moments([until])[0]]
    return ended


def _within(minutes: Moments, stretches: Sequence[tuple[datetime, datetime]]) -> Truths:
    found = np.zeros(len(minutes), bool)
    for start, end in stretches:
        first, last = moments([start, end])
        found |= (minutes >= first) & (minutes < last)
    return found


def _times(column: pa.ChunkedArray) -> Moments:
    times: Moments = column.cast(pa.timestamp("us")).to_numpy()
    return times.astype("datetime64[us]")


def _marked(rows: pa.Table, symbols: pa.Array, minutes: Moments, *, at: Moments, where: Truths | None = None) -> Truths:
    """Return symbols × minutes: True where a row says so of the minute that `at` lies in."""
    found = np.zeros((len(symbols), len(minutes)), bool)
    if len(minutes) == 0 or rows.num_rows == 0:
        return found
    row = pc.fill_null(pc.index_in(rows["symbol"], value_set=symbols), -1).to_numpy().astype(np.int64)
    minute = at.astype("datetime64[m]").astype("datetime64[us]")
    column = np.minimum(np.searchsorted(minutes, minute), len(minutes) - 1)
    is_known = (row >= 0) & (minutes[column] == minute)
    if where is not None:
        is_known &= where
    found[row[is_known], column[is_known]] = True
    return found
