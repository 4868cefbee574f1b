"""Measure each tier's coverage after a merge, and read what was measured last."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.clock import floor_minute
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.quality.coverage import Coverage, coverage
from market_pipeline.steps.runtime import MarketRuntime, Runtime, newest_moment
from market_pipeline.storage.columns import as_json
from market_pipeline.storage.tables import COVERAGE, FETCH_OUTCOMES


def measure_coverage(
    runtime: Runtime, market: MarketRuntime, instruments: Sequence[Instrument], *, fresh: Collection[str]
) -> tuple[Coverage, ...]:
    """Return and write the coverage of each tier; `fresh` are the symbols whose price counts now."""
    tiers = {instrument.symbol: instrument.tier for instrument in instruments}
    found = coverage(tiers, fresh=frozenset(fresh), outcomes=_outcomes(runtime, market))
    now = runtime.clock.now()
    constants = {
        "market": market.name,
        "session_date": market.calendar.session_date_at(now),
        "as_of": floor_minute(now),
        "known_at": now,
    }
    rows = [constants | tier.figures | {"reasons": as_json(tier.reasons)} for tier in found]
    runtime.warehouse.write(COVERAGE, market.name, pa.Table.from_pylist(rows, schema=COVERAGE.schema))
    return found


def stored_coverage(runtime: Runtime, market: MarketRuntime) -> tuple[Coverage, ...]:
    """Return what the newest cycle measured, tier 1 first; nothing before the first.

    Where tier 2 has cycles of its own, the newest cycle of each tier counts.
    """
    return _measured(market, runtime.warehouse.latest(COVERAGE, market.name))


def coverage_at(runtime: Runtime, market: MarketRuntime, *, since: datetime) -> tuple[Coverage, ...]:
    """Return the same, and nothing when the newest cycle was before `since`."""
    rows = runtime.warehouse.latest(COVERAGE, market.name)
    newest = newest_moment(rows["as_of"])
    return _measured(market, rows) if newest is not None and newest >= since else ()


def _measured(market: MarketRuntime, rows: pa.Table) -> tuple[Coverage, ...]:
    rows = rows.sort_by("tier")
    newest = rows if market.file.sweep else rows.filter(pc.equal(rows["as_of"], pc.max(rows["as_of"])))
    return tuple(
        Coverage(row["tier"], row["fresh"], row["listed"], json.loads(row["reasons"])) for row in newest.to_pylist()
    )


def _outcomes(runtime: Runtime, market: MarketRuntime) -> Iterator[tuple[str, OutcomeStatus]]:
    """Return symbol and status of the newest requests for quotes; whole outcomes would take a third of a second."""
    rows = runtime.warehouse.latest(FETCH_OUTCOMES, market.name)
    rows = rows.filter(pc.equal(rows["kind"], RequestKind.QUOTE.value))
    return zip(rows["symbol"].to_pylist(), map(OutcomeStatus, rows["status"].to_pylist()), strict=True)
