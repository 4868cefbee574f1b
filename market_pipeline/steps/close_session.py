"""Complete a session from the source's own history, reconcile it with what we saw live, compact and close it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import structlog

from market_pipeline.clock import floor_minute
from market_pipeline.errors import UsageError
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, RequestKind
from market_pipeline.model.session import Session
from market_pipeline.quality.rule import RuleResult
from market_pipeline.steps.charted_bars import charted_bars
from market_pipeline.steps.failures import tally_kind
from market_pipeline.steps.fetch_charts import ChartRequest, Charts, chart_source, fetch_charts, urgent
from market_pipeline.steps.fetch_trades import bars_of_trades, charts_reach, needs_trades, trades_source
from market_pipeline.steps.find_gaps import find_market_gaps
from market_pipeline.steps.judge import judge
from market_pipeline.steps.note_set_aside import note_bars
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.served import served_sessions
from market_pipeline.steps.session_differences import Comparison, compare_with_history
from market_pipeline.steps.turns import session_turn
from market_pipeline.storage import records
from market_pipeline.storage.tables import BARS_1M, BARS_1M_REPLACED, FETCH_OUTCOMES
from market_pipeline.transforms.bar_rows import Bars, no_rows
from market_pipeline.transforms.merge_bars import merge_bars

log = structlog.get_logger("market_pipeline.session")
Progress = Callable[[str], None]
FIRST_HOUR = timedelta(hours=1)
"""A symbol with bars in it was followed live; nobody needs its trades."""


@dataclass(frozen=True)
class SessionReport:
    """One session as it is stored now, and how the live bars compared with the source's history."""

    session_date: date
    symbols: int
    rows: int
    counts: Mapping[str, int]
    difference: Mapping[str, int]
    """equal, different, missing (only history has the minute), extra (only we have it) → bars."""
    rules: tuple[RuleResult, ...]
    minutes: Sequence[datetime]
    bars_per_minute: Sequence[int]
    is_closed: bool = True
    gaps: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(state, cause) → gaps of this session."""
    worst: Sequence[Mapping[str, Any]] = ()
    """Rows of session_differences, those whose closes differ most first."""
    notes: tuple[str, ...] = ()


def close_session(
    runtime: Runtime,
    market: MarketRuntime,
    day: date,
    *,
    progress: Progress = lambda _: None,
    with_trades: bool = True,
) -> SessionReport:
    """Complete the session of `day`; close it when its last phase is over. Raises UsageError for no session.

    A session whose history did not answer for enough symbols stays open, for a later call to complete. Without trades
    somebody waits: only urgent charts are asked for, and a session that lacks any stays open too.
    """
    with session_turn(runtime, market):
        return _close(runtime, market, _session(market, day), progress=progress, with_trades=with_trades)


def _close(
    runtime: Runtime, market: MarketRuntime, session: Session, *, progress: Progress, with_trades: bool
) -> SessionReport:
    day, now = session.session_date, runtime.clock.now()
    listed = instruments_of(runtime, market)
    asked = listed if with_trades else urgent(listed)
    is_whole = with_trades or (len(asked) == len(listed) and not needs_trades(runtime, market, session))
    stored = runtime.warehouse.read(BARS_1M, market.name, sessions=[day])
    charts = _history(runtime, market, session, instruments=asked, progress=progress)
    made = [
        charted_bars(runtime, market, session, bars=charts.bars),
        _traded(runtime, market, session, charts=charts, is_wanted=with_trades),
    ]
    note_bars(runtime, market, made)
    compared = compare_with_history(runtime, market, session, live=stored, history=made[0].rows, charts=charts)
    _note_outcomes(runtime, market, day, outcomes=charts.outcomes, as_of=floor_minute(now))
    merged = merge_bars(stored, pa.concat_tables([bars.rows for bars in made]))
    if merged.replaced.num_rows:
        runtime.warehouse.write(BARS_1M_REPLACED, market.name, merged.replaced)
    is_closing = is_whole and now >= session.last_phase_end and _is_answered(market, charts)
    if is_closing and merged.changed.num_rows:
        runtime.warehouse.write_session(BARS_1M, market.name, day, merged.rows)
    elif merged.changed.num_rows:
        runtime.warehouse.write(BARS_1M, market.name, merged.changed)
    if is_closing:
        runtime.warehouse.close_session(market.name, day)
    return _report(runtime, market, day, charts=charts, compared=compared)


def _is_answered(market: MarketRuntime, charts: Charts) -> bool:
    requests = tally_kind(RequestKind.MINUTE_BARS, charts.counts)
    return not requests.total or requests.answered / requests.total >= market.file.coverage.fail


def _note_outcomes(
    runtime: Runtime, market: MarketRuntime, day: date, *, outcomes: Sequence[Outcome], as_of: datetime
) -> None:
    if outcomes:
        table = records.outcomes_table(outcomes, session_date=day, as_of=as_of)
        runtime.warehouse.write(FETCH_OUTCOMES, market.name, table)


def _session(market: MarketRuntime, day: date) -> Session:
    session = market.calendar.session(day)
    if session is None:
        noon = datetime.combine(day, time(12), ZoneInfo(market.file.calendar.zone)).astimezone(UTC)
        state = market.calendar.state(noon)
        raise UsageError(
            f"asked for the session of {day} on {market.name}, and there is none ({state.reason}); "
            "a retry does not help; name a trading date"
        )
    return session


def _history(
    runtime: Runtime, market: MarketRuntime, session: Session, *, instruments: Sequence[Instrument], progress: Progress
) -> Charts:
    """Ask for the session's charts; a source is not asked for a session that it no longer serves."""
    source = chart_source(market)
    if source is None or session.close <= charts_reach(runtime, market, source.name):
        return Charts()
    end = min(session.close, runtime.clock.now())
    wanted = [ChartRequest(instrument, session.open, end) for instrument in instruments]
    return fetch_charts(runtime, source, wanted, progress=progress)


def _traded(runtime: Runtime, market: MarketRuntime, session: Session, *, charts: Charts, is_wanted: bool) -> Bars:
    """Return bars of trades where the charts do not reach; their outcomes join those of the charts."""
    if not is_wanted:
        return Bars(no_rows())
    early = runtime.warehouse.read(
        BARS_1M, market.name, sessions=[session.session_date], until=session.open + FIRST_HOUR
    )
    bars, outcomes = bars_of_trades(
        runtime, market, session, instruments=instruments_of(runtime, market), stored=set(early["symbol"].to_pylist())
    )
    charts.outcomes.extend(outcomes)
    return bars


def _report(
    runtime: Runtime, market: MarketRuntime, day: date, *, charts: Charts, compared: Comparison
) -> SessionReport:
    bars = runtime.warehouse.read(BARS_1M, market.name, sessions=[day])
    minutes = Counter(bars["interval_start"].to_pylist())
    gaps = find_market_gaps(runtime, market, days=[day]).of_sessions([day])
    is_closed = runtime.warehouse.is_closed(market.name, day)
    log.info("session_stored", market=market.name, session_date=str(day), rows=bars.num_rows, is_closed=is_closed)
    return SessionReport(
        session_date=day,
        symbols=len(bars["symbol"].unique()),
        rows=bars.num_rows,
        counts=charts.counts,
        difference=compared.totals,
        rules=judge(runtime, market, BARS_1M, rows=bars),
        minutes=sorted(minutes),
        bars_per_minute=[minutes[minute] for minute in sorted(minutes)],
        is_closed=is_closed,
        gaps=gaps.counts,
        worst=compared.worst,
        notes=() if trades_source(market) else served_sessions(runtime, market, [day]).notes,
    )
