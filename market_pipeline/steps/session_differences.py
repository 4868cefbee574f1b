"""Compare what was seen live of a session with the source's own history, and keep the differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.session import Session
from market_pipeline.steps.fetch_charts import Charts
from market_pipeline.steps.fetch_trades import charts_reach
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import SESSION_DIFFERENCES
from market_pipeline.transforms.reconcile import by_symbol, reconcile

SHOWN = 10


@dataclass(frozen=True)
class Comparison:
    """How live bars and history differ: verdict → bars, and the symbols whose closes differ most."""

    totals: Mapping[str, int]
    worst: Sequence[Mapping[str, Any]]


def compare_with_history(
    runtime: Runtime, market: MarketRuntime, session: Session, *, live: pa.Table, history: pa.Table, charts: Charts
) -> Comparison:
    """Compare the symbols whose history answered, where it reaches, and store those that differ.

    A symbol that does not differ writes no row: completing a session again leaves the first comparison as it was.
    """
    answered = [one.symbol for one in charts.outcomes if one.status is OutcomeStatus.OK]
    is_compared = pc.is_in(live["symbol"], value_set=pa.array(answered, pa.string()))
    if charts.outcomes:
        reach = charts_reach(runtime, market, charts.outcomes[0].source)
        is_compared = pc.and_(is_compared, pc.greater_equal(live["interval_start"], pa.scalar(reach)))
    found = reconcile(live.filter(is_compared), history)
    rows = by_symbol(found)
    count = rows.num_rows
    shared = {
        "market": pa.repeat(pa.scalar(market.name), count),
        "session_date": pa.repeat(pa.scalar(session.session_date, pa.date32()), count),
        "known_at": pa.repeat(pa.scalar(runtime.clock.now(), SESSION_DIFFERENCES.schema.field("known_at").type), count),
    }
    columns = {**{name: rows[name] for name in rows.column_names}, **shared}
    table = pa.table([columns[name] for name in SESSION_DIFFERENCES.schema.names], schema=SESSION_DIFFERENCES.schema)
    if count and live.num_rows:
        runtime.warehouse.write(SESSION_DIFFERENCES, market.name, table)
    return Comparison(found.totals, rows.slice(0, SHOWN).to_pylist() if live.num_rows else [])
