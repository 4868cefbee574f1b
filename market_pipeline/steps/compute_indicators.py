"""Compute the catalogue's columns for the bars that are new or were corrected, on the anchor window.

The window is the two preceding sessions in the warehouse plus this one, concatenated, existing bars only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from itertools import batched

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.quality.rule import Range, RuleResult
from market_pipeline.steps.bar_windows import WINDOW_COLUMNS, SessionBlock, bar_window, session_block
from market_pipeline.steps.judge import judge
from market_pipeline.steps.refresh_instruments import symbols_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.precision import stored_column
from market_pipeline.storage.tables import BARS_1M, UTC_TIME

ANCHOR_SESSIONS = 2
SYMBOLS_AT_ONCE = 100


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
class _Due:
    """One symbol's bars of the present session from `first` (index within the session) on."""

    symbol: str
    first: int


def compute_indicators(runtime: Runtime, market: MarketRuntime) -> IndicatorsReport:
    """Compute and write what the session in progress still lacks: new minutes, and all from a corrected bar on."""
    day = market.calendar.session_date_at(runtime.clock.now())
    return _compute(runtime, market, [day], due_of=lambda block: _due_since(block, _newest(runtime, market)))


def compute_session_indicators(
    runtime: Runtime, market: MarketRuntime, days: Sequence[date], *, progress: Callable[[date], None] = lambda _: None
) -> IndicatorsReport:
    """Compute whole sessions, and the next two stored ones, whose windows reach into the last of them."""
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    later = [day for day in stored if day > max(days)][:ANCHOR_SESSIONS]
    every = sorted({*(day for day in stored if day in set(days)), *later})
    return _compute(runtime, market, every, due_of=_whole_session, progress=progress)


type Changed = dict[date, dict[str, datetime]]
"""Session → symbol → the first minute whose bar is not as it was."""


def recompute_indicators(runtime: Runtime, market: MarketRuntime, changed: Changed) -> int:
    """Compute what changed bars have changed, and nothing else; return the rows written.

    Those are the symbol's rows from its first changed minute on, and its next two stored sessions, whose windows reach
    into this one.
    """
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    due: dict[date, dict[str, int]] = {}
    for day, symbols in sorted(changed.items()):
        for symbol, first in symbols.items():
            minute = int(pa.scalar(first, UTC_TIME).value)
            of_day = due.setdefault(day, {})
            of_day[symbol] = min(minute, of_day.get(symbol, minute))
            for later in [other for other in stored if other > day][:ANCHOR_SESSIONS]:
                due.setdefault(later, {})[symbol] = 0
    reports = [
        _compute(runtime, market, [day], due_of=partial(_due_from, firsts=due[day])) for day in sorted(due) if due[day]
    ]
    return sum(report.rows for report in reports)


def _compute(
    runtime: Runtime,
    market: MarketRuntime,
    days: Sequence[date],
    *,
    due_of: Callable[[SessionBlock], list[_Due]],
    progress: Callable[[date], None] = lambda _: None,
) -> IndicatorsReport:
    started = runtime.clock.monotonic()
    stored = runtime.warehouse.sessions(BARS_1M, market.name)
    rows, symbols, rules, minutes = 0, set[str](), list[RuleResult](), list[datetime]()
    blocks: dict[date, SessionBlock] = {}
    for day in days:
        anchor = [d for d in stored if d < day][-ANCHOR_SESSIONS:]
        blocks = {d: blocks.get(d) or _read_block(runtime, market, d) for d in (*anchor, day)}
        due = due_of(blocks[day])
        parts = _tables(runtime, market, day, due=due, before=[blocks[d] for d in anchor], present=blocks[day])
        if due:
            table = pa.concat_tables(parts)  # one write: a slice that is written once need not be merged
            _write(runtime, market, day, table=table)
            rules += judge(runtime, market, indicators_1m(), rows=table, ranges=_ranges())
            rows += table.num_rows
            minutes += [pc.min(table["interval_start"]).as_py(), pc.max(table["interval_start"]).as_py()]
        symbols |= {entry.symbol for entry in due}
        progress(day)
    duration = runtime.clock.monotonic() - started
    first, last = min(minutes, default=None), max(minutes, default=None)
    return IndicatorsReport(rows, len(symbols), len(columns()), tuple(rules), first, last, duration)


def _read_block(runtime: Runtime, market: MarketRuntime, day: date) -> SessionBlock:
    symbols = symbols_of(runtime, market)
    bars = runtime.warehouse.read(BARS_1M, market.name, sessions=[day], symbols=symbols, columns=WINDOW_COLUMNS)
    return session_block(bars)


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


def _tables(
    runtime: Runtime,
    market: MarketRuntime,
    day: date,
    *,
    due: Sequence[_Due],
    before: Sequence[SessionBlock],
    present: SessionBlock,
) -> Iterator[pa.Table]:
    """Yield finished tables; many rows come in portions of symbols, which bounds what is held as float64."""
    tier_1 = _tier_1(market)
    portions = batched(due, SYMBOLS_AT_ONCE) if any(entry.first == 0 for entry in due) else [due] if due else []
    for portion in portions:
        windows = [bar_window(entry.symbol, before, present) for entry in portion]
        firsts = [window.session_start + entry.first for window, entry in zip(windows, portion, strict=True)]
        values = compute_many(windows, firsts, tier_1=tier_1)
        yield _table(market.name, day, portion, values=values, present=present, known_at=runtime.clock.now())


def _tier_1(market: MarketRuntime) -> Collection[str]:
    if not market.file.indicators.pandas_ta_tier1:
        return ()
    return {*market.file.tier_1, *(rule.symbol for rule in market.file.symbols if rule.tier == 1)}


def _table(
    market: str,
    day: date,
    portion: Sequence[_Due],
    *,
    values: npt.NDArray[np.float64],
    present: SessionBlock,
    known_at: datetime,
) -> pa.Table:
    rows = [np.arange(present.rows_of[e.symbol].start + e.first, present.rows_of[e.symbol].stop) for e in portion]
    names = [entry.symbol for entry, taken in zip(portion, rows, strict=True) for _ in range(len(taken))]
    count = len(names)
    schema = indicators_1m().schema
    arrays = [
        pa.repeat(pa.scalar(market), count),
        pa.array(names, pa.string()),
        pa.array(present.minutes[np.concatenate(rows)], pa.int64()).cast(UTC_TIME),
        pa.repeat(pa.scalar(day, pa.date32()), count),
        *(stored_column(values[:, i], field.type) for i, field in enumerate(list(schema)[4:-1])),
        pa.repeat(pa.scalar(known_at, UTC_TIME), count),
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _write(runtime: Runtime, market: MarketRuntime, day: date, *, table: pa.Table) -> None:
    if runtime.warehouse.is_closed(market.name, day):
        runtime.warehouse.write_session(indicators_1m(), market.name, day, table)
    else:
        runtime.warehouse.write(indicators_1m(), market.name, table)


@cache
def _ranges() -> dict[str, Range]:
    return {c.column: Range(*c.range) for c in columns() if c.range is not None}
