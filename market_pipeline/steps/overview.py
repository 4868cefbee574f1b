"""What there is: each market's state, newest event, coverage and rows. Behind `status` and the screen of `up`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow.compute as pc

from market_pipeline.errors import Transient
from market_pipeline.model.session import MarketState
from market_pipeline.steps.merge_tickers import fresh_share
from market_pipeline.steps.runtime import MarketRuntime, Runtime, market_names
from market_pipeline.steps.watch import stored_health
from market_pipeline.storage.tables import LIVE_TICKERS

COUNTED_TABLES = ("raw_quotes", "fetch_outcomes", "live_tickers", "bars_1m", "indicators_1m", "bars_1d", "instruments")


@dataclass(frozen=True)
class MarketOverview:
    """One market now."""

    state: MarketState
    last_event: datetime | None
    coverage: float | None
    rows: Mapping[str, int]
    score: float | None
    off: Mapping[str, str]
    warning: str | None


def overview(runtime: Runtime) -> dict[str, MarketOverview]:
    """Return every market's state and figures, by name."""
    rows = runtime.warehouse.row_counts(COUNTED_TABLES)
    scores = {name: entry.get("score") for name, entry in stored_health(runtime).items()}
    return {name: _market(runtime, runtime.market(name), rows=rows, scores=scores) for name in market_names()}


def _market(
    runtime: Runtime, market: MarketRuntime, *, rows: Mapping[tuple[str, str], int], scores: Mapping[str, float]
) -> MarketOverview:
    now = runtime.clock.now()
    tickers = runtime.warehouse.latest(LIVE_TICKERS, market.name)
    last_event = pc.max(tickers["event_time"]).as_py() if tickers.num_rows else None
    return MarketOverview(
        state=market.calendar.state(now),
        last_event=last_event,
        coverage=latest_coverage(runtime, market),
        rows={table: rows.get((table, market.name), 0) for table in COUNTED_TABLES},
        score=scores.get(market.name),
        off=market.off,
        warning=market.calendar.warning(now.date()),
    )


def latest_coverage(runtime: Runtime, market: MarketRuntime) -> float | None:
    """Return the share of listed instruments with a fresh price in the newest cycle; None before the first."""
    tickers = runtime.warehouse.latest(LIVE_TICKERS, market.name)
    if tickers.num_rows == 0:
        return None
    try:
        return fresh_share(runtime, market, tickers)
    except Transient:
        return None
