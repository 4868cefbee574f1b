"""Compute the catalogue's columns for the bars that are new or were corrected, on the anchor window.

The window is the two preceding sessions in the warehouse plus this one, concatenated, existing bars only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.indicators.catalogue import columns
from market_pipeline.quality.rule import Range, RuleResult
from market_pipeline.steps.bar_doubts import SessionDoubts, session_doubts
from market_pipeline.steps.confirmed_bars import with_confirmed
from market_pipeline.steps.indicator_rows import AnchoredSession, indicator_rows
from market_pipeline.steps.judge import judge
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.stored_blocks import stored_block
from market_pipeline.steps.wanted_indicators import PandasTaRequest, check_request, wanted_indicators
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.steps.windowed_rows import (
    ANCHOR_SESSIONS,
    Changed,
    Due,
    RowsReport,
    changed_rows,
    due_from,
    due_since,
    following,
    newest_rows,
    whole_session,
    write_rows,
)
from market_pipeline.storage.tables import BARS_1M

type Progress = Callable[[date], None]


@dataclass(frozen=True)
class _Task:
    """What to compute of each session, and whom to tell that it is done."""

    due_of: Callable[[AnchoredSession], list[Due]]
    request: PandasTaRequest | None = None
    progress: Progress = lambda _: None


def compute_indicators(runtime: Runtime, market: MarketRuntime) -> RowsReport:
    """Compute and write what the session in progress still lacks: new minutes, and all from a corrected bar on."""
    day = market.calendar.session_date_at(runtime.clock.now())

    def due_of(anchored: AnchoredSession) -> list[Due]:
        due = due_since(anchored.present.block, newest_rows(runtime, market, indicators_1m()))
        return with_confirmed(runtime, market, anchored, due=due)

    return _compute(runtime, market, [day], task=_Task(due_of))


def compute_session_indicators(
    runtime: Runtime,
    market: MarketRuntime,
    days: Sequence[date],
    *,
    request: PandasTaRequest | None = None,
    progress: Progress = lambda _: None,
) -> RowsReport:
    """Compute whole sessions, and the next two stored ones, whose windows reach into the last of them.

    Raise UsageError for a request that names an unknown column or symbol.
    """
    if request:
        check_request(runtime, market, request)
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    every = sorted({*(day for day in stored if day in set(days)), *following(stored, max(days))})
    return _compute(runtime, market, every, task=_Task(_all_of_it, request, progress))


def recompute_indicators(runtime: Runtime, market: MarketRuntime, changed: Changed) -> int:
    """Compute what changed bars have changed, and nothing else; return the rows written."""
    tasks = {
        day: _Task(_all_of_it if firsts is None else partial(_some_of_it, firsts=firsts))
        for day, firsts in changed_rows(runtime, market, indicators_1m(), changed=changed).items()
    }
    return sum(_compute(runtime, market, [day], task=task).rows for day, task in tasks.items())


def _all_of_it(anchored: AnchoredSession) -> list[Due]:
    return whole_session(anchored.present.block)


def _some_of_it(anchored: AnchoredSession, firsts: Mapping[str, int]) -> list[Due]:
    return due_from(anchored.present.block, firsts)


def _compute(runtime: Runtime, market: MarketRuntime, days: Sequence[date], *, task: _Task) -> RowsReport:
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
            write_rows(runtime, market, indicators_1m(), day=day, rows=table)
            rules += judge(runtime, market, indicators_1m(), rows=table, ranges=_ranges())
            rows += table.num_rows
            minutes += [pc.min(table["interval_start"]).as_py(), pc.max(table["interval_start"]).as_py()]
        symbols |= {entry.symbol for entry in due}
        task.progress(day)
    seconds = runtime.clock.monotonic() - started
    first, last = min(minutes, default=None), max(minutes, default=None)
    return RowsReport(rows, len(symbols), filled, tuple(rules), first, last, seconds)


def _read(runtime: Runtime, market: MarketRuntime, day: date, *, stored: Sequence[date]) -> SessionDoubts:
    before = max((other for other in stored if other < day), default=None)
    block = stored_block(runtime, market, day)
    return session_doubts(block, market.calendar, day, before=before, groups=market.file.group_of)


@cache
def _ranges() -> dict[str, Range]:
    return {c.column: Range(*c.range) for c in columns() if c.range is not None}
