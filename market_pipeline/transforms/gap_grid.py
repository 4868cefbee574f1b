"""A session as a grid of symbols and minutes: which bars were due, which are there, and what the sources said.

A column of outcomes stands for the moment at the end of the minute before it: what was answered there speaks of
earlier minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.markets.phases import open_stretches
from market_pipeline.model.gap import QUIET, GapCause
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.model.session import Session
from market_pipeline.transforms.bar_rows import MINUTE, Integers, Truths, microseconds, times

Codes = npt.NDArray[np.int16]

CAUSES: tuple[str, ...] = (
    "",
    GapCause.PROCESS_DOWN,
    GapCause.BREAKER,
    *(status for status in OutcomeStatus if status is not OutcomeStatus.OK and status.value not in QUIET),
    GapCause.HALTED,
    GapCause.NOT_TRADED,
)
"""Numbered; the last two are answers, and an answer outweighs a failure in the same minute."""
PROCESS_DOWN, BREAKER, HALTED, NOT_TRADED = (
    CAUSES.index(cause) for cause in (GapCause.PROCESS_DOWN, GapCause.BREAKER, GapCause.HALTED, GapCause.NOT_TRADED)
)
_REFUSED = (
    OutcomeStatus.TIMEOUT,
    OutcomeStatus.RATE_LIMITED,
    OutcomeStatus.BLOCKED,
    OutcomeStatus.PARSE_ERROR,
    OutcomeStatus.UNAUTHORISED,
)
"""What an open breaker passes on for a request that it did not let through."""
NONE_DISTANCE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class SourceTiming:
    """What has to be known of a source to read its outcomes."""

    delay: timedelta
    cadence_minutes: int
    history: timedelta
    """How far back its minute charts reach."""


@dataclass(frozen=True)
class Grid:
    """The minutes of a session, one row a symbol."""

    session: Session
    symbols: tuple[str, ...]
    tiers: tuple[int, ...]
    is_due: Truths
    """A bar could be there by now: continuous trading of the symbol's group, and the source had time to report it."""

    @property
    def minutes(self) -> int:
        """Return how many minutes lie between open and close."""
        return int(self.is_due.shape[1])

    def rows_of(self, column: pa.ChunkedArray) -> Integers:
        """Return each symbol's row; -1 for one that is not in the grid."""
        found = pc.index_in(column.cast(pa.string()), value_set=pa.array(self.symbols, pa.string()))
        rows: Integers = pc.fill_null(found, -1).to_numpy().astype(np.int64)
        return rows

    def columns_of(self, column: pa.ChunkedArray) -> Integers:
        """Return how many minutes after the open each moment lies."""
        return (times(column) - microseconds(self.session.open)) // MINUTE

    def moment(self, column: int) -> datetime:
        """Return the start of a minute."""
        return self.session.open + timedelta(minutes=column)


def grid_of(session: Session, instruments: Sequence[Instrument], *, until: datetime) -> Grid:
    """Return the grid of the minutes that ended by `until`; an instrument not listed on that day has none due."""
    length = (session.close - session.open) // timedelta(minutes=1)
    over = min(length, max(0, (until - session.open) // timedelta(minutes=1)))
    of_group: dict[str | None, Truths] = {}
    for group in {instrument.group for instrument in instruments}:
        of_group[group] = np.zeros(length, bool)
        for start, end in open_stretches(session, group):
            of_group[group][_minute(session, start) : min(_minute(session, end), over)] = True
    day, none = session.session_date, np.zeros(length, bool)
    rows = [of_group[one.group] if _is_listed_on(one, day) else none for one in instruments]
    is_due = np.array(rows, bool).reshape(len(rows), length)
    return Grid(session, tuple(i.symbol for i in instruments), tuple(i.tier for i in instruments), is_due)


def _minute(session: Session, moment: datetime) -> int:
    return (moment - session.open) // timedelta(minutes=1)


def _is_listed_on(instrument: Instrument, day: object) -> bool:
    first, last = instrument.listed_from, instrument.listed_to
    return (first is None or first <= day) and (last is None or day <= last)  # type: ignore[operator]


def bars_in(grid: Grid, bars: pa.Table) -> Truths:
    """Return where there is a bar."""
    has_bar = np.zeros(grid.is_due.shape, bool)
    rows, columns = grid.rows_of(bars["symbol"]), grid.columns_of(bars["interval_start"])
    inside = (rows >= 0) & (columns >= 0) & (columns < grid.minutes)
    has_bar[rows[inside], columns[inside]] = True
    return has_bar


@dataclass(frozen=True)
class Told:
    """What the sources said of each minute: `is_quiet` where they answered that nothing traded, else the cause."""

    is_quiet: Truths
    is_halted: Truths
    cause: Codes


def told(grid: Grid, outcomes: pa.Table, timing: Mapping[str, SourceTiming]) -> Told:
    """Read the outcomes of a session (symbol, source, kind, status, attempts, as_of; the last may lie after it).

    A chart answers for every minute before it that it reaches: each request begins where the bars of the last one
    ended. A quote answers for the minute before it when there was one before that minute too: between two polls.
    """
    patience = max((rule.cadence_minutes for rule in timing.values()), default=1) + 1
    asked = _asked(grid, outcomes, timing)
    is_chart = asked.is_of(RequestKind.MINUTE_BARS)
    charts, quotes = (asked.grid(flag, patience) for flag in (is_chart, asked.is_of(RequestKind.QUOTE)))
    answers = _answered_by_charts(grid, asked, charts) | _answered_by_trades(grid, asked)
    polled, is_halted = _answered_by_quotes(grid, quotes, patience)
    cause = np.full(grid.is_due.shape, PROCESS_DOWN, np.int16)
    for cells in (_last_before(quotes, patience), *(_first_within(one, patience) for one in (quotes, charts))):
        part = cells[:, 1 : grid.minutes + 1]
        cause = np.where(_is_failure(part), part, cause)
    return Told(answers | polled, is_halted & ~answers, cause)


@dataclass(frozen=True)
class _Asked:
    """Outcomes of the grid's symbols as numbers."""

    rows: Integers
    columns: Integers
    kinds: pa.ChunkedArray
    codes: Integers
    reach: Integers
    """How many minutes back the source's charts reach."""
    shape: tuple[int, int]

    def is_of(self, kind: RequestKind) -> Truths:
        return _is(self.kinds, kind)

    def grid(self, flag: Truths, patience: int) -> Codes:
        """Return the best code of each cell; later than `patience` minutes after the close is one last column."""
        cells = np.zeros((self.shape[0], self.shape[1] + 1 + patience), np.int16)
        order = np.flatnonzero(flag)[np.argsort(self.codes[flag], kind="stable")]
        columns = np.clip(self.columns[order], 0, cells.shape[1] - 1)
        cells[self.rows[order], columns] = self.codes[order]
        return cells


def _asked(grid: Grid, outcomes: pa.Table, timing: Mapping[str, SourceTiming]) -> _Asked:
    rows, columns = grid.rows_of(outcomes["symbol"]), grid.columns_of(outcomes["as_of"])
    names = sorted(timing)
    source = pc.fill_null(pc.index_in(outcomes["source"], value_set=pa.array(names, pa.string())), -1).to_numpy()
    delays = np.array([timing[name].delay // timedelta(minutes=1) for name in names] + [0], np.int64)
    reach = np.array([timing[name].history // timedelta(minutes=1) for name in names] + [0], np.int64)
    known = rows >= 0
    codes = _codes(outcomes)
    return _Asked(
        rows[known],
        (columns - delays[source])[known],
        outcomes["kind"].filter(pa.array(known)),
        codes[known],
        reach[source][known],
        (len(grid.symbols), grid.minutes),
    )


def _codes(outcomes: pa.Table) -> Integers:
    status = outcomes["status"]
    numbers = pc.index_in(status, value_set=pa.array(CAUSES, pa.string()))
    codes: Integers = pc.fill_null(numbers, 0).to_numpy().astype(np.int64)
    was_sent = ~_is(outcomes["attempts"], 0)
    is_without_rows = _is(status, OutcomeStatus.EMPTY) & ~_is(outcomes["kind"], RequestKind.QUOTE) & was_sent
    codes[_is(status, *_REFUSED) & ~was_sent] = BREAKER
    codes[_is(status, OutcomeStatus.OK, OutcomeStatus.NOT_TRADED) | is_without_rows] = NOT_TRADED
    codes[_is(status, OutcomeStatus.HALTED)] = HALTED
    return codes


def _is(column: pa.ChunkedArray, *values: object) -> Truths:
    flags: Truths = pc.is_in(column, value_set=pa.array(values, column.type)).to_numpy().astype(bool)
    return flags


def _is_failure(codes: Codes) -> Truths:
    flags: Truths = (codes > 0) & (codes < HALTED)
    return flags


def _next(flags: Truths) -> Integers:
    """Return for each cell the first flagged column at or after it; the number of columns where there is none."""
    columns = np.where(flags, np.arange(flags.shape[1], dtype=np.int32), np.int32(flags.shape[1]))
    found: Integers = np.minimum.accumulate(columns[:, ::-1], axis=1)[:, ::-1]
    return found


def _first_within(cells: Codes, patience: int) -> Codes:
    """Return for each cell the first code at or after it, 0 where none comes within `patience` columns."""
    found = _next(cells > 0)
    near = (found - np.arange(cells.shape[1]) < patience) & (found < cells.shape[1] - 1)
    codes = np.take_along_axis(cells, np.minimum(found, cells.shape[1] - 1), axis=1)
    return np.where(near, codes, 0).astype(np.int16)


def _last_before(cells: Codes, patience: int) -> Codes:
    """Return for each cell the last code before it, 0 where none lies within `patience` columns."""
    return _first_within(np.pad(cells, ((0, 0), (1, 0)))[:, ::-1], patience)[:, :0:-1]


def _answered_by_charts(grid: Grid, asked: _Asked, charts: Codes) -> Truths:
    """Return which minutes lie before an answered chart that reaches them."""
    answered = charts >= HALTED
    first = _next(answered)[:, 1 : grid.minutes + 1]
    late = charts.shape[1] - 1
    is_late = asked.is_of(RequestKind.MINUTE_BARS) & (asked.codes >= HALTED) & (asked.columns >= late)
    earliest = np.full(len(grid.symbols), NONE_DISTANCE)
    np.minimum.at(earliest, asked.rows[is_late], asked.columns[is_late])
    reach = np.zeros(len(grid.symbols), np.int64)
    is_answer = asked.is_of(RequestKind.MINUTE_BARS) & (asked.codes >= HALTED)
    np.maximum.at(reach, asked.rows[is_answer], asked.reach[is_answer])
    asked_at = np.where(first == late, earliest[:, None], first)
    is_there: Truths = (first <= late) & (asked_at - np.arange(grid.minutes) <= reach[:, None])
    return is_there


def _answered_by_trades(grid: Grid, asked: _Asked) -> Truths:
    """Return which minutes lie before the reach of the charts, where all trades were fetched."""
    is_answer = asked.is_of(RequestKind.TRADES) & (asked.codes >= HALTED)
    until = np.full(len(grid.symbols), -1, np.int64)
    np.maximum.at(until, asked.rows[is_answer], (asked.columns - asked.reach)[is_answer])
    is_there: Truths = np.arange(grid.minutes) <= until[:, None]
    return is_there


def _answered_by_quotes(grid: Grid, quotes: Codes, patience: int) -> tuple[Truths, Truths]:
    """Return which minutes lie between two answered polls, and in which of them trading was halted."""
    after = _first_within(quotes, patience)[:, 1 : grid.minutes + 1]
    answered = (quotes >= HALTED)[:, : grid.minutes]
    padded = np.pad(answered, ((0, 0), (patience - 1, 0)))
    before: Truths = np.logical_or.reduce([padded[:, n : n + grid.minutes] for n in range(patience)])
    before[:, :1] = True  # nothing was traded before the open
    polled: Truths = (after >= HALTED) & before
    return polled, polled & (after == HALTED)
