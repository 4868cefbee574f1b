"""Apply a table's rules to the rows that a step just made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa

from market_pipeline.model.session import Session
from market_pipeline.quality.rule import Facts, Range, RuleResult
from market_pipeline.quality.validity import check_table
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import Table


def judge(
    runtime: Runtime,
    market: MarketRuntime,
    table: Table,
    *,
    rows: pa.Table,
    ranges: Mapping[str, Range] | None = None,
) -> tuple[RuleResult, ...]:
    """Return the verdict of every rule of `table` over `rows`."""
    facts = Facts(now=runtime.clock.now(), sessions=_sessions(market, rows), ranges=ranges or {})
    return check_table(table.name, rows, key=table.key, facts=facts)


def _sessions(market: MarketRuntime, rows: pa.Table) -> tuple[Session, ...] | None:
    if "session_date" not in rows.column_names:
        return None
    days: Sequence[date] = rows["session_date"].unique().to_pylist()
    sessions = (market.calendar.session(day) for day in days)
    return tuple(session for session in sessions if session is not None)
