"""What there is: each market's state, newest event, coverage, rows, and what is worth a note. It fetches nothing.

Behind `status` and the screen of `up`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.outcome import RequestKind
from market_pipeline.model.session import MarketState
from market_pipeline.steps.merge_tickers import fresh_count
from market_pipeline.steps.runtime import MarketRuntime, Runtime, market_names
from market_pipeline.steps.watch import stored_health
from market_pipeline.storage import records
from market_pipeline.storage.tables import FETCH_OUTCOMES, INSTRUMENTS, LIVE_TICKERS

COUNTED_TABLES = ("raw_quotes", "fetch_outcomes", "live_tickers", "bars_1m", "indicators_1m", "bars_1d", "instruments")
UNRESOLVED = "unresolved"


@dataclass(frozen=True)
class MarketOverview:
    """One market now. `notes` are for people: what is off, unresolved, about to end, or cost points of health."""

    state: MarketState
    last_event: datetime | None
    coverage: float | None
    rows: Mapping[str, int]
    score: float | None
    off: Mapping[str, str]
    notes: tuple[str, ...]


def overview(runtime: Runtime) -> dict[str, MarketOverview]:
    """Return every market's state and figures, by name."""
    rows = runtime.warehouse.row_counts(COUNTED_TABLES)
    health = stored_health(runtime)
    return {
        name: _market(runtime, runtime.market(name), rows=rows, health=health.get(name, {})) for name in market_names()
    }


def _market(
    runtime: Runtime, market: MarketRuntime, *, rows: Mapping[tuple[str, str], int], health: Mapping[str, Any]
) -> MarketOverview:
    tickers = runtime.warehouse.latest(LIVE_TICKERS, market.name)
    return MarketOverview(
        state=market.calendar.state(runtime.clock.now()),
        last_event=pc.max(tickers["event_time"]).as_py() if tickers.num_rows else None,
        coverage=_coverage(runtime, market, tickers),
        rows={table: rows.get((table, market.name), 0) for table in COUNTED_TABLES},
        score=health.get("score"),
        off=market.off,
        notes=tuple(_notes(runtime, market, health)),
    )


def _coverage(runtime: Runtime, market: MarketRuntime, tickers: pa.Table) -> float | None:
    """Return the share of listed instruments with a fresh price in the newest cycle; None before the first."""
    stored = records.instruments_from_table(runtime.warehouse.latest(INSTRUMENTS, market.name))
    today = runtime.clock.now().date()
    listed = sum(1 for instrument in stored if instrument.listed_to is None or instrument.listed_to >= today)
    return fresh_count(tickers) / listed if tickers.num_rows and listed else None


def _notes(runtime: Runtime, market: MarketRuntime, health: Mapping[str, Any]) -> Iterator[str]:
    for source, reason in market.off.items():
        yield f"source {source} is {reason}"
    for lost in health.get("lost_points", ()):
        yield f"health: {lost['points']:g} points lost, {lost['cause']} ({lost['evidence']})"
    for seed in market.file.seeds:
        if seed.resolution == UNRESOLVED:
            yield f"seed {seed.code} ({seed.seed_name}) is unresolved: {seed.reason}"
    warning = market.calendar.warning(runtime.clock.now().date())
    if warning:
        yield warning.partition(";")[0]


def failure_reasons(runtime: Runtime, market: MarketRuntime) -> dict[tuple[str, str], str]:
    """Return (source, status) → a reason that the newest quotes' outcomes gave for it.

    What a source answered explains more than that it was not asked again.
    """
    outcomes = runtime.warehouse.latest(FETCH_OUTCOMES, market.name)
    quotes = outcomes.filter(pc.equal(outcomes["kind"], RequestKind.QUOTE.value))
    quotes = quotes.sort_by([("attempts", "descending"), ("symbol", "ascending")])
    reasons: dict[tuple[str, str], str] = {}
    for row in quotes.select(["source", "status", "reason"]).to_pylist():
        if row["reason"]:
            reasons.setdefault((row["source"], row["status"]), row["reason"])
    return reasons
