"""Compute the catalogue's columns for the bars that are new or were corrected, on the anchor window.

The window is the two preceding sessions in the warehouse plus this one, concatenated, existing bars only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.indicators.catalogue import columns
from market_pipeline.quality.rule import Range, RuleResult
from market_pipeline.steps.bar_doubts import SessionDoubts, groups_of, session_doubts
from market_pipeline.steps.bar_windows import WINDOW_COLUMNS, SessionBlock, session_block
from market_pipeline.steps.confirmed_bars import with_confirmed
from market_pipeline.steps.indicator_rows import AnchoredSession, indicator_rows
from market_pipeline.steps.indicator_rows import Due as _Due
from market_pipeline.steps.judge import judge
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.wanted_indicators import PandasTaRequest, check_request, wanted_indicators
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.tables import BARS_1M, UTC_TIME

ANCHOR_SESSIONS = 2
type Progress = Callable[[date], None]


@dataclass(frozen=True)
class IndicatorsReport:
    """What was computed."""

    rows: int
    symbols: int
    columns: int
    rules: tuple[RuleResult, ...]
    first_event: datetime | None
    last_event: datetime | None
    duration_seconds: float


@dataclass(frozen=True)
class _Task:
    """What to compute of each session, and whom to tell that it is done."""

    due_of: Callable[[AnchoredSession], list[_Due]]
    request: PandasTaRequest | None = None
    progress: Progress = lambda _: None


def compute_indicators(runtime: Runtime, market: MarketRuntime) -> IndicatorsReport:
    """Compute and write what the session in progress still lacks: new minutes, and all from a corrected bar on."""
    day = market.calendar.session_date_at(runtime.clock.now())

    def due_of(anchored: AnchoredSession) -> list[_Due]:
        due = _due_since(anchored.present.block, _newest(runtime, market))
        return with_confirmed(runtime, market, anchored, due=due)

    return _compute(runtime, market, [day], task=_Task(due_of))


def compute_session_indicators(
    runtime: Runtime,
    market: MarketRuntime,
    days: Sequence[date],
    *,
    request: PandasTaRequest | None = None,
    progress: Progress = lambda _: None,
) -> IndicatorsReport:
    """Compute whole sessions, and the next two stored ones, whose windows reach into the last of them.

    Raise UsageError for a request that names an unknown column or symbol.
    """
    if request:
        check_request(runtime, market, request)
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    every = sorted({*(day for day in stored if day in set(days)), *_following(stored, max(days))})
    return _compute(runtime, market, every, task=_Task(_all_of_it, request, progress))


type Changed = dict[date, dict[str, datetime]]
"""Session → symbol → the first minute whose bar is not as it was."""


def recompute_indicators(runtime: Runtime, market: MarketRuntime, changed: Changed) -> int:
    """Compute what changed bars have changed, and nothing else; return the rows written.

    Those are the symbol's rows from its first changed minute on, and its next two stored sessions, whose windows reach
    into this one. Where these are the first bars of their session, it pushes an older one out of everybody's windows.
    """
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    computed = set(runtime.warehouse.sessions(indicators_1m(), market.name))
    due: dict[date, dict[str, int]] = {}
    whole: set[date] = set()
    for day, symbols in sorted(changed.items()):
        later = _following(stored, day)
        if symbols and day not in computed:
            whole |= {day, *later}
        for symbol, first in symbols.items():
            minute = int(pa.scalar(first, UTC_TIME).value)
            of_day = due.setdefault(day, {})
            of_day[symbol] = min(minute, of_day.get(symbol, minute))
            for other in later:
                due.setdefault(other, {})[symbol] = 0
    tasks = {day: _Task(_all_of_it if day in whole else partial(_some_of_it, firsts=due[day])) for day in sorted(due)}
    return sum(_compute(runtime, market, [day], task=task).rows for day, task in tasks.items())


def _all_of_it(anchored: AnchoredSession) -> list[_Due]:
    return _whole_session(anchored.present.block)


def _some_of_it(anchored: AnchoredSession, firsts: Mapping[str, int]) -> list[_Due]:
    return _due_from(anchored.present.block, firsts)


def _following(stored: Sequence[date], day: date) -> list[date]:
    """Return the stored sessions whose windows reach into that of `day`."""
    return [other for other in stored if other > day][:ANCHOR_SESSIONS]


def _compute(runtime: Runtime, market: MarketRuntime, days: Sequence[date], *, task: _Task) -> IndicatorsReport:
    started = runtime.clock.monotonic()
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    minutes, rules, symbols = list[datetime](), list[RuleResult](), set[str]()
    sessions: dict[date, SessionDoubts] = {}
    rows = filled = 0
    for day in days:
        reach = [*[d for d in stored if d < day][-ANCHOR_SESSIONS:], day]
        sessions = {d: sessions.get(d) or _read(runtime, market, d, stored=stored) for d in reach}
        wanted = wanted_indicators(runtime, market, day, request=task.request)
        filled = len(wanted.chosen.columns)
        anchored = AnchoredSession(market.name, day, tuple(sessions.values()))
        if due := task.due_of(anchored):
            parts = indicator_rows(anchored, due, wanted=wanted, known_at=runtime.clock.now())
            table = pa.concat_tables(parts)  # one write: a slice that is written once need not be merged
            _write(runtime, market, day, table=table)
            rules += judge(runtime, market, indicators_1m(), rows=table, ranges=_ranges())
            rows += table.num_rows
            minutes += [pc.min(table["interval_start"]).as_py(), pc.max(table["interval_start"]).as_py()]
        symbols |= {entry.symbol for entry in due}
        task.progress(day)
    seconds = runtime.clock.monotonic() - started
    first, last = min(minutes, default=None), max(minutes, default=None)
    return IndicatorsReport(rows, len(symbols), filled, tuple(rules), first, last, seconds)


def _read(runtime: Runtime, market: MarketRuntime, day: date, *, stored: Sequence[date]) -> SessionDoubts:
    bars = runtime.warehouse.read(BARS_1M, market.name, sessions=[day], columns=WINDOW_COLUMNS)
    before = max((other for other in stored if other < day), default=None)
    return session_doubts(session_block(bars), market.calendar, day, before=before, groups=groups_of(market.file))


def _newest(runtime: Runtime, market: MarketRuntime) -> dict[str, tuple[int, int]]:
    """Return symbol → (minute, known_at) of its newest indicator row, in microseconds."""
    latest = runtime.warehouse.latest(indicators_1m(), market.name)
    minutes, known = (latest[name].cast(pa.int64()).to_pylist() for name in ("interval_start", "known_at"))
    return dict(zip(latest["symbol"].to_pylist(), zip(minutes, known, strict=True), strict=True))


def _due_since(block: SessionBlock, newest: dict[str, tuple[int, int]]) -> list[_Due]:
    due = []
    for symbol, rows in block.rows_of.items():
        minute, known = newest.get(symbol, (-1, -1))
        late = np.flatnonzero((block.minutes[rows] > minute) | (block.known[rows] > known))
        if len(late):
            due.append(_Due(symbol, int(late[0])))
    return due


def _due_from(block: SessionBlock, firsts: Mapping[str, int]) -> list[_Due]:
    """Return what is due from given minutes on (microseconds since 1970)."""
    return [
        _Due(symbol, int(np.searchsorted(block.minutes[block.rows_of[symbol]], minute)))
        for symbol, minute in firsts.items()
        if symbol in block.rows_of and minute <= block.minutes[block.rows_of[symbol]][-1]
    ]


def _whole_session(block: SessionBlock) -> list[_Due]:
    return [_Due(symbol, 0) for symbol in block.rows_of]


def _write(runtime: Runtime, market: MarketRuntime, day: date, *, table: pa.Table) -> None:
    if runtime.warehouse.is_closed(market.name, day):
        runtime.warehouse.write_session(indicators_1m(), market.name, day, table)
    else:
        runtime.warehouse.write(indicators_1m(), market.name, table)


@cache
def _ranges() -> dict[str, Range]:
    return {c.column: Range(*c.range) for c in columns() if c.range is not None}
