"""Rows that are computed from a window of bars: which are due, from which bars, and where they are written.

The window is the two preceding sessions in the warehouse plus this one, concatenated, existing bars only.
Indicators and levels differ in what they compute, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from itertools import batched

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.quality.rule import Range, RuleResult
from market_pipeline.steps.bar_windows import SessionBlock
from market_pipeline.steps.judge import judge
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.stored_blocks import stored_block
from market_pipeline.storage.tables import BARS_1M, UTC_TIME, Table

ANCHOR_SESSIONS = 2
SYMBOLS_AT_ONCE = 100

type Changed = dict[date, dict[str, datetime]]
"""Session → symbol → the first minute whose bar is not as it was."""


@dataclass(frozen=True)
class RowsReport:
    """What was computed."""

    rows: int
    symbols: int
    columns: int
    rules: tuple[RuleResult, ...]
    first_event: datetime | None
    last_event: datetime | None
    duration_seconds: float


@dataclass(frozen=True)
class Due:
    """One symbol's bars of the present session from `first` (index within the session) on."""

    symbol: str
    first: int


@dataclass(frozen=True)
class Windows:
    """The bars that one session's rows are computed from: those of the sessions before, oldest first, and its own."""

    day: date
    before: Mapping[date, SessionBlock]
    present: SessionBlock


@dataclass(frozen=True)
class WindowedTable:
    """A table whose rows are computed from windows of bars. `rows_of` computes what is due for some symbols."""

    table: Table
    columns: int
    rows_of: Callable[[Windows, Sequence[Due]], pa.Table]
    ranges: Mapping[str, Range] = field(default_factory=dict)


def compute_due_rows(runtime: Runtime, market: MarketRuntime, made: WindowedTable) -> RowsReport:
    """Compute and write what the session in progress still lacks: new minutes, and all from a corrected bar on."""
    day = market.calendar.session_date_at(runtime.clock.now())
    newest = newest_rows(runtime, market, made.table)
    return _compute(runtime, market, made, days=[day], due_of=lambda block: due_since(block, newest))


def compute_session_rows(
    runtime: Runtime,
    market: MarketRuntime,
    made: WindowedTable,
    *,
    days: Sequence[date],
    progress: Callable[[date], None] = lambda _: None,
) -> RowsReport:
    """Compute whole sessions, and the next two stored ones, whose windows reach into the last of them."""
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    every = sorted({*(day for day in stored if day in set(days)), *following(stored, max(days))})
    return _compute(runtime, market, made, days=every, due_of=whole_session, progress=progress)


def recompute_rows(runtime: Runtime, market: MarketRuntime, made: WindowedTable, *, changed: Changed) -> int:
    """Compute what changed bars have changed, and nothing else; return the rows written."""
    due_of = {
        day: whole_session if firsts is None else partial(due_from, firsts=firsts)
        for day, firsts in changed_rows(runtime, market, made.table, changed=changed).items()
    }
    return sum(_compute(runtime, market, made, days=[day], due_of=wanted).rows for day, wanted in due_of.items())


def changed_rows(
    runtime: Runtime, market: MarketRuntime, table: Table, *, changed: Changed
) -> dict[date, dict[str, int] | None]:
    """Return session → symbol → first minute (µs since 1970) of the rows that changed bars change; None: all of it.

    Those are the symbol's rows from its first changed minute on, and its next two stored sessions, whose windows reach
    into this one. Where these are the first bars of their session, it pushes an older one out of everybody's windows.
    """
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    computed = set(runtime.warehouse.sessions(table, market.name))
    due: dict[date, dict[str, int]] = {}
    whole: set[date] = set()
    for day, symbols in sorted(changed.items()):
        later = following(stored, day)
        if symbols and day not in computed:
            whole |= {day, *later}
        for symbol, first in symbols.items():
            minute = int(pa.scalar(first, UTC_TIME).value)
            of_day = due.setdefault(day, {})
            of_day[symbol] = min(minute, of_day.get(symbol, minute))
            for other in later:
                due.setdefault(other, {})[symbol] = 0
    return {day: None if day in whole else due[day] for day in sorted(due)}


def following(stored: Sequence[date], day: date) -> list[date]:
    """Return the stored sessions whose windows reach into that of `day`."""
    return [other for other in stored if other > day][:ANCHOR_SESSIONS]


def key_arrays(market: str, windows: Windows, due: Sequence[Due]) -> list[pa.Array]:
    """Return market, symbol, interval_start and session_date of the rows that are due."""
    present = windows.present
    rows = [np.arange(present.rows_of[e.symbol].start + e.first, present.rows_of[e.symbol].stop) for e in due]
    names = [entry.symbol for entry, taken in zip(due, rows, strict=True) for _ in range(len(taken))]
    return [
        pa.repeat(pa.scalar(market), len(names)),
        pa.array(names, pa.string()),
        pa.array(present.minutes[np.concatenate(rows)], pa.int64()).cast(UTC_TIME),
        pa.repeat(pa.scalar(windows.day, pa.date32()), len(names)),
    ]


def _compute(
    runtime: Runtime,
    market: MarketRuntime,
    made: WindowedTable,
    *,
    days: Sequence[date],
    due_of: Callable[[SessionBlock], list[Due]],
    progress: Callable[[date], None] = lambda _: None,
) -> RowsReport:
    started = runtime.clock.monotonic()
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    rows, symbols, rules, minutes = 0, set[str](), list[RuleResult](), list[datetime]()
    blocks: dict[date, SessionBlock] = {}
    for day in days:
        anchor = [d for d in stored if d < day][-ANCHOR_SESSIONS:]
        blocks = {d: blocks.get(d) or stored_block(runtime, market, d) for d in (*anchor, day)}
        due = due_of(blocks[day])
        windows = Windows(day, {d: blocks[d] for d in anchor}, blocks[day])
        if due:
            # one write: a slice that is written once need not be merged
            table = pa.concat_tables(made.rows_of(windows, portion) for portion in portions(due))
            write_rows(runtime, market, made.table, day=day, rows=table)
            rules += judge(runtime, market, made.table, rows=table, ranges=made.ranges)
            rows += table.num_rows
            minutes += [pc.min(table["interval_start"]).as_py(), pc.max(table["interval_start"]).as_py()]
        symbols |= {entry.symbol for entry in due}
        progress(day)
    duration = runtime.clock.monotonic() - started
    first, last = min(minutes, default=None), max(minutes, default=None)
    return RowsReport(rows, len(symbols), made.columns, tuple(rules), first, last, duration)


def portions(due: Sequence[Due]) -> Iterator[Sequence[Due]]:
    """Yield many rows in portions of symbols, which bounds what is held as float64."""
    return batched(due, SYMBOLS_AT_ONCE) if any(entry.first == 0 for entry in due) else iter([due])


def newest_rows(runtime: Runtime, market: MarketRuntime, table: Table) -> dict[str, tuple[int, int]]:
    """Return symbol → (minute, known_at) of its newest row, in microseconds."""
    latest = runtime.warehouse.latest(table, market.name)
    minutes, known = (latest[name].cast(pa.int64()).to_pylist() for name in ("interval_start", "known_at"))
    return dict(zip(latest["symbol"].to_pylist(), zip(minutes, known, strict=True), strict=True))


def due_since(block: SessionBlock, newest: dict[str, tuple[int, int]]) -> list[Due]:
    """Return what is due since each symbol's newest row: (minute, known_at) in microseconds since 1970."""
    due = []
    for symbol, rows in block.rows_of.items():
        minute, known = newest.get(symbol, (-1, -1))
        late = np.flatnonzero((block.minutes[rows] > minute) | (block.known[rows] > known))
        if len(late):
            due.append(Due(symbol, int(late[0])))
    return due


def due_from(block: SessionBlock, firsts: Mapping[str, int]) -> list[Due]:
    """Return what is due from given minutes on (microseconds since 1970)."""
    return [
        Due(symbol, int(np.searchsorted(block.minutes[block.rows_of[symbol]], minute)))
        for symbol, minute in firsts.items()
        if symbol in block.rows_of and minute <= block.minutes[block.rows_of[symbol]][-1]
    ]


def whole_session(block: SessionBlock) -> list[Due]:
    """Return all that a session has as due."""
    return [Due(symbol, 0) for symbol in block.rows_of]


def write_rows(runtime: Runtime, market: MarketRuntime, table: Table, *, day: date, rows: pa.Table) -> None:
    """Write rows of one session, into its session file once it is closed."""
    if runtime.warehouse.is_closed(market.name, day):
        runtime.warehouse.write_session(table, market.name, day, rows)
    else:
        runtime.warehouse.write(table, market.name, rows)
