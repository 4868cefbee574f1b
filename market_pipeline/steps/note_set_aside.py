"""Keep what took no part, with its reason: nothing that a source sent vanishes without a trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from market_pipeline.clock import floor_minute
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import SET_ASIDE
from market_pipeline.transforms.bar_rows import Bars
from market_pipeline.transforms.merge import SetAside
from market_pipeline.transforms.metrics import RefusedMetrics
from market_pipeline.transforms.statements import RefusedStatement

MOST_ROWS = 5000
"""A source that sends nothing but rubbish must not fill the disk; the outcomes still count every record."""


def note_quotes(runtime: Runtime, market: MarketRuntime, set_aside: Sequence[SetAside]) -> int:
    """Write refused quotes; return how many. A quote that is refused again in a later cycle is noted again."""
    rows = (
        {
            "kind": "quote",
            "source": q.source,
            "symbol": q.symbol,
            "event_time": q.event_time,
            "price": q.price,
            "reason": reason,
        }
        for q, reason in set_aside
    )
    return _write(runtime, market, rows, at=runtime.clock.now())


def note_bars(runtime: Runtime, market: MarketRuntime, bars: Iterable[Bars]) -> int:
    """Write refused bars and trades; return how many."""
    rows = (
        {"kind": "bar", "source": None, "symbol": r.symbol, "event_time": r.moment, "price": None, "reason": r.reason}
        for made in bars
        for r in made.set_aside
    )
    return _write(runtime, market, rows, at=runtime.clock.now())


def note_metrics(runtime: Runtime, market: MarketRuntime, refused: Sequence[RefusedMetrics]) -> int:
    """Write refused fields of metrics; return how many."""
    rows = (
        {
            "kind": "metrics",
            "source": r.report.source,
            "symbol": r.report.symbol,
            "event_time": r.report.event_time or r.report.received_time,
            "price": None,
            "reason": r.reason,
        }
        for r in refused
    )
    return _write(runtime, market, rows, at=runtime.clock.now())


def note_statements(runtime: Runtime, market: MarketRuntime, refused: Sequence[RefusedStatement]) -> int:
    """Write refused statements, and refused lines of the operator's file; return how many."""
    now = runtime.clock.now()
    rows = (
        {
            "kind": "fundamentals",
            "source": r.source,
            "symbol": r.symbol,
            "event_time": now,
            "price": None,
            "reason": r.reason,
        }
        for r in refused
    )
    return _write(runtime, market, rows, at=now)


def _write(runtime: Runtime, market: MarketRuntime, rows: Iterable[dict[str, Any]], *, at: datetime) -> int:
    shared = {
        "market": market.name,
        "session_date": market.calendar.session_date_at(at),
        "as_of": floor_minute(at),
        "known_at": at,
    }
    found = [{**row, **shared} for row, _ in zip(rows, range(MOST_ROWS), strict=False)]
    if found:
        runtime.warehouse.write(SET_ASIDE, market.name, pa.Table.from_pylist(found, schema=SET_ASIDE.schema))
    return len(found)
