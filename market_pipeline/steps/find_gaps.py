"""Find the missing minutes of the sessions in progress or not complete, and keep them in the table gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from market_pipeline.model.gap import ACTIVE
from market_pipeline.model.outcome import RequestKind
from market_pipeline.quality.rule import RuleResult
from market_pipeline.steps.fetch_trades import trades_source
from market_pipeline.steps.judge import judge
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.tables import BARS_1M, FETCH_OUTCOMES, GAPS
from market_pipeline.transforms.gap_grid import SourceTiming, grid_of
from market_pipeline.transforms.gaps import GAP_SCHEMA, Asked, Evidence, Healing, find_gaps

log = structlog.get_logger("market_pipeline.gaps")

LOOK_BACK = 5
"""Sessions that are looked through besides those with gaps that are still open."""
GRACE = timedelta(minutes=2)
"""What the next cycle brings by itself is no gap."""
OUTCOME_COLUMNS = ("symbol", "source", "kind", "status", "attempts", "as_of")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class GapsReport:
    """The gaps of a market as they are stored now."""

    rows: pa.Table
    rules: tuple[RuleResult, ...] = ()

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return (state, cause) → rows."""
        return Counter(zip(self.rows["state"].to_pylist(), self.rows["cause"].to_pylist(), strict=True))

    def of_sessions(self, days: Sequence[date]) -> GapsReport:
        """Return the gaps of some sessions only."""
        return GapsReport(self.rows.filter(_is_of(self.rows, days)), self.rules)

    def count(self, *states: str) -> int:
        """Return how many gaps are in one of these states."""
        return sum(count for (state, _), count in self.counts.items() if state in states)

    @property
    def active(self) -> pa.Table:
        """Return the gaps with something still to do, newest first."""
        is_active = pc.is_in(self.rows["state"], value_set=pa.array(ACTIVE, pa.string()))
        return self.rows.filter(is_active).sort_by([("first_minute", "descending"), ("tier", "ascending")])


def stored_gaps(runtime: Runtime, market: MarketRuntime) -> GapsReport:
    """Return the gaps that were found before."""
    return GapsReport(runtime.warehouse.latest(GAPS, market.name))


def find_market_gaps(
    runtime: Runtime,
    market: MarketRuntime,
    *,
    days: Sequence[date] | None = None,
    asked: Mapping[date, Mapping[str, Asked]] | None = None,
) -> GapsReport:
    """Look for gaps in `days` (None: where there can be some) and store them.

    `asked` says what asking for history gave since the last look, by session and symbol.
    """
    known = runtime.warehouse.latest(GAPS, market.name)
    searched = _days(runtime, market, known) if days is None else days
    found = [_found(runtime, market, day, known=known, asked=(asked or {}).get(day, {})) for day in searched]
    rows = pa.concat_tables([GAP_SCHEMA.empty_table(), *found])
    before = known.filter(_is_of(known, searched))
    if not _is_same(rows, before):
        runtime.warehouse.replace_sessions(
            GAPS, market.name, rows, sessions=searched, since=_oldest_kept(market, known, searched)
        )
        log.info("gaps_found", market=market.name, sessions=len(searched), rows=rows.num_rows)
    report = stored_gaps(runtime, market)
    return GapsReport(report.rows, judge(runtime, market, GAPS, rows=report.rows))


def may_have_gaps(runtime: Runtime, market: MarketRuntime) -> bool:
    """Tell whether minutes may be missing: in a session in progress, or in one that is not complete."""
    return bool(_days(runtime, market, runtime.warehouse.latest(GAPS, market.name)))


def _days(runtime: Runtime, market: MarketRuntime, known: pa.Table) -> list[date]:
    """Return the recent sessions that are not complete, from the first recorded one on, and those with open gaps."""
    warehouse = runtime.warehouse
    recorded = [*warehouse.sessions(BARS_1M, market.name)[:1], *warehouse.sessions(FETCH_OUTCOMES, market.name)[:1]]
    today = market.calendar.session_date_at(runtime.clock.now())
    recent = [*market.calendar.previous_sessions(today, LOOK_BACK), today]
    is_active = pc.is_in(known["state"], value_set=pa.array(ACTIVE, pa.string()))
    days = {day for day in recent if recorded and min(recorded) <= day and not warehouse.is_closed(market.name, day)}
    return sorted(days | set(known.filter(is_active)["session_date"].unique().to_pylist()))


def _found(
    runtime: Runtime, market: MarketRuntime, day: date, *, known: pa.Table, asked: Mapping[str, Asked]
) -> pa.Table:
    session, now = market.calendar.session(day), runtime.clock.now()
    if session is None:
        return GAP_SCHEMA.empty_table()
    delay = max(rule.declared_delay_seconds for rule in market.file.sources)
    grid = grid_of(session, instruments_of(runtime, market), until=now - timedelta(seconds=delay) - GRACE)
    read = runtime.warehouse.read
    evidence = Evidence(
        bars=read(BARS_1M, market.name, sessions=[day], columns=("symbol", "interval_start")),
        outcomes=read(FETCH_OUTCOMES, market.name, sessions=[day], columns=OUTCOME_COLUMNS),
        timing=_timing(market),
        known=known.filter(_is_of(known, [day])),
        healing=healing_of(market, now),
        asked=asked,
    )
    return find_gaps(grid, evidence, now=now)


def _timing(market: MarketRuntime) -> dict[str, SourceTiming]:
    return {
        rule.name: SourceTiming(
            timedelta(seconds=rule.declared_delay_seconds),
            rule.cadence_minutes,
            timedelta(days=rule.minute_history_days),
        )
        for rule in market.file.sources
    }


def healing_of(market: MarketRuntime, now: datetime) -> Healing:
    """Return from when on this market's sources serve minutes; a source that is off may be on tomorrow."""
    reach = max(timedelta(days=rule.minute_history_days) for rule in market.file.sources)
    if not reach:
        return Healing(None, f"{market.name} has no source with minute history: what was not seen live stays unknown")
    if any(RequestKind.TRADES in source.kinds for source in market.sources):
        return Healing(LONG_AGO, "")
    return Healing(now - reach, f"no longer served: the source keeps {reach.days} days of minutes")


def needs_trades_before(market: MarketRuntime, now: datetime) -> datetime:
    """Return the moment before which minutes come from trades only; long ago where nothing serves trades."""
    source = trades_source(market)
    return now - timedelta(days=market.file.source(source.name).minute_history_days) if source else LONG_AGO


def _is_of(rows: pa.Table, days: Sequence[date]) -> pa.ChunkedArray:
    return pc.is_in(rows["session_date"], value_set=pa.array(days, pa.date32()))


def _is_same(found: pa.Table, before: pa.Table) -> bool:
    order = [("session_date", "ascending"), ("symbol", "ascending"), ("first_minute", "ascending")]
    first, second = (rows.drop(["known_at"]).sort_by(order).combine_chunks() for rows in (found, before))
    return bool(first.equals(second))


def _oldest_kept(market: MarketRuntime, known: pa.Table, searched: Sequence[date]) -> date | None:
    """Return the oldest session whose gaps are kept: as long as the outcomes that explain them."""
    keep = market.file.retention.quotes_sessions
    days = sorted({*known["session_date"].unique().to_pylist(), *searched})
    return days[-keep] if keep is not None and len(days) > keep else None
