"""What there is: each market's state, newest event, coverage, rows, and what is worth a note. It fetches nothing.

Behind `status` and the screen of `up`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow.compute as pc

from market_pipeline.clock import HandClock, SystemClock
from market_pipeline.errors import SourceUnreachable
from market_pipeline.markets.wording import opening_text
from market_pipeline.markets.zones import zone
from market_pipeline.model.gap import ACTIVE
from market_pipeline.model.outcome import RequestKind
from market_pipeline.model.session import MarketState, SessionState
from market_pipeline.quality.coverage import Coverage, CoverageLevel, overall
from market_pipeline.quality.health import ALL_MARKETS
from market_pipeline.settings import Settings
from market_pipeline.steps.due import last_ended_session
from market_pipeline.steps.keep_health import stored_health
from market_pipeline.steps.measure_coverage import stored_coverage
from market_pipeline.steps.runtime import (
    MarketRuntime,
    Runtime,
    last_stored_event,
    market_names,
    newest_moment,
    open_runtime,
)
from market_pipeline.steps.service_level import service_level_document
from market_pipeline.steps.step_times import last_step_times
from market_pipeline.steps.stored_rows import COUNTED_TABLES, RowCounts, counting_rows
from market_pipeline.storage.tables import BARS_1D, BARS_1M, FETCH_OUTCOMES, GAPS, LIVE_TICKERS

UNRESOLVED = "unresolved"


@dataclass(frozen=True)
class LastSession:
    """The newest session whose last phase is over: whether its rows are complete, and the gaps still in them."""

    session_date: date
    is_complete: bool
    has_rows: bool
    open_gaps: int | None
    """None where nobody looked for gaps."""
    has_daily_bars: bool = False
    """True where the sources' history told the day, whether or not anybody saw its minutes."""

    @property
    def text(self) -> str:
        """Return "last session 2026-11-19 complete, 0 gaps"."""
        unseen = "in daily bars only" if self.has_daily_bars else "not recorded"
        standing = "complete" if self.is_complete else "not completed yet" if self.has_rows else unseen
        counted = self.open_gaps is not None and (self.is_complete or self.has_rows)
        gaps = f", {self.open_gaps:,} gap{'' if self.open_gaps == 1 else 's'}" if counted else ""
        return f"last session {self.session_date} {standing}{gaps}"


@dataclass(frozen=True)
class MarketOverview:
    """One market now. `notes` are for people: what is off, unresolved, about to end, or cost points of health."""

    state: MarketState
    last_session: LastSession
    summary: str
    """The market in one line, like "closed, opens Sun 10:00 +03; last session 2026-11-19 complete, 0 gaps"."""
    last_event: datetime | None
    coverage: float | None
    tiers: tuple[Coverage, ...]
    """The newest cycle's coverage of each tier; empty before the first."""
    rows: Mapping[str, int]
    health: Mapping[str, Any]
    """What the newest look found: score, parts, lost_points; empty before the first."""
    service_level: Mapping[str, Any] | None
    """Of the session in progress or last begun; None where no source serves minutes or none was measured."""
    last_cycle: Mapping[str, float]
    """Step of the newest cycle → seconds; empty before the first."""
    off: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def score(self) -> float | None:
        """Return the health score; None before the first look."""
        return self.health.get("score")


def overall_health(runtime: Runtime) -> Mapping[str, Any]:
    """Return what the newest look found of all markets together; empty before the first."""
    found: Mapping[str, Any] = stored_health(runtime).get(ALL_MARKETS, {})
    return found


def open_to_look(settings: Settings) -> tuple[Runtime, bool]:
    """Return the feed, and whether its clock runs.

    While no simulated exchange does, the clock stands at the last moment that the warehouse knows of.
    """
    try:
        return open_runtime(settings), True
    except SourceUnreachable:
        last = last_stored_event(settings) or SystemClock().now()
        return Runtime(settings, HandClock(last), speed=0), False


def overview(runtime: Runtime) -> dict[str, MarketOverview]:
    """Return every market's state and figures, by name."""
    with counting_rows(runtime.settings) as counting:
        return overview_of(runtime, counting)


def overview_of(runtime: Runtime, counting: Future[RowCounts]) -> dict[str, MarketOverview]:
    """Return every market's state and figures, by name, with rows that are being counted meanwhile."""
    markets = [runtime.market(name) for name in market_names()]
    states = [market.calendar.state(runtime.clock.now()) for market in markets]
    health, rows = stored_health(runtime), counting.result()
    return {
        market.name: _market(
            runtime,
            market,
            state=state,
            rows={table: rows.get((table, market.name), 0) for table in COUNTED_TABLES},
            health=health.get(market.name, {}),
        )
        for market, state in zip(markets, states, strict=True)
    }


def _market(
    runtime: Runtime, market: MarketRuntime, *, state: MarketState, rows: Mapping[str, int], health: Mapping[str, Any]
) -> MarketOverview:
    tickers = runtime.warehouse.latest(LIVE_TICKERS, market.name)
    last_session = _last_session(runtime, market)
    tiers = stored_coverage(runtime, market)
    return MarketOverview(
        state=state,
        last_session=last_session,
        summary=f"{_state_text(market, state)}; {last_session.text}",
        last_event=newest_moment(tickers["event_time"]),
        coverage=overall(tiers) if tiers else None,
        tiers=tiers,
        rows=rows,
        health=health,
        service_level=service_level_document(runtime, market),
        last_cycle=last_step_times(runtime, market),
        off=market.off,
        notes=tuple(_notes(runtime, market, health, tiers=tiers)),
    )


def _state_text(market: MarketRuntime, state: MarketState) -> str:
    """Return "open, continuous until 15:20 +00:00" or "closed (Eid al-Fitr), opens Mon 09:30 +00"."""
    if state.state is not SessionState.CLOSED or state.next_change is None:
        return state.reason.removeprefix(f"{market.name} is ").replace(": ", ", ", 1)
    why = market.calendar.closure(market.calendar.local_date(state.at))
    holiday = f" ({why})" if why not in (None, "weekend") else ""
    opens = opening_text(state.next_change, state.at, zone(market.file.calendar.zone)).removesuffix(":00")
    return f"closed{holiday}, {opens}{' (provisional)' if state.is_provisional else ''}"


def _last_session(runtime: Runtime, market: MarketRuntime) -> LastSession:
    day = last_ended_session(market, runtime.clock.now())
    warehouse = runtime.warehouse
    is_complete = warehouse.is_closed(market.name, day)
    has_rows, has_days = bool(warehouse.slices(BARS_1M, market.name, [day])), warehouse.sessions(BARS_1D, market.name)
    return LastSession(day, is_complete, has_rows, _open_gaps(runtime, market, day), day in has_days)


def _open_gaps(runtime: Runtime, market: MarketRuntime, day: date) -> int | None:
    states = runtime.warehouse.read(GAPS, market.name, sessions=[day], columns=("state",))["state"]
    if len(states) == 0 and not runtime.warehouse.is_closed(market.name, day):
        return None
    return sum(1 for state in states.to_pylist() if state in ACTIVE)


def _notes(
    runtime: Runtime, market: MarketRuntime, health: Mapping[str, Any], *, tiers: Sequence[Coverage]
) -> Iterator[str]:
    for source, reason in market.off.items():
        yield f"source {source} is {reason}"
    for lost in health.get("lost_points", ()):
        yield f"health: {lost['points']:g} points lost, {lost['cause']} ({lost['evidence']}); {lost['what_to_do']}"
    for tier in tiers:
        if tier.level(market.file.coverage) is not CoverageLevel.OK:
            yield f"coverage: {tier.text}"
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
