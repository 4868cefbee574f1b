"""Complete a session from the source's own history, reconcile it with what we saw live, compact and close it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import structlog

from market_pipeline.errors import UsageError
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, RequestKind
from market_pipeline.model.session import Session
from market_pipeline.quality.rule import RuleResult
from market_pipeline.steps.fetch_charts import ChartRequest, Charts, chart_source, fetch_charts, urgent
from market_pipeline.steps.fetch_trades import bars_of_trades, needs_trades
from market_pipeline.steps.judge import judge
from market_pipeline.steps.note_set_aside import note_bars
from market_pipeline.steps.refresh_instruments import instruments_of
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.turns import session_turn
from market_pipeline.storage import records
from market_pipeline.storage.tables import BARS_1D, BARS_1M, BARS_1M_REPLACED
from market_pipeline.transforms.bar_rows import Bars, no_rows
from market_pipeline.transforms.chart_bars import chart_bars
from market_pipeline.transforms.merge_bars import merge_bars
from market_pipeline.transforms.reconcile import reconcile

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


@dataclass(frozen=True)
class DailyBarsReport:
    """What a source's daily history gave."""

    rows: int
    counts: Mapping[str, int]
    by_day: Mapping[date, int]
    rules: tuple[RuleResult, ...]


def close_session(
    runtime: Runtime,
    market: MarketRuntime,
    day: date,
    *,
    progress: Progress = lambda _: None,
    with_trades: bool = True,
) -> SessionReport:
    """Complete the session of `day`; close it when its last phase is over. Raises UsageError for no session.

    Without trades somebody waits: only urgent charts are asked for, and a session that lacks any stays open, for a
    later call to complete.
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
        chart_bars(charts.bars, session=session, known_at=now),
        _traded(runtime, market, session, charts=charts, is_wanted=with_trades),
    ]
    history = pa.concat_tables([bars.rows for bars in made])
    note_bars(runtime, market, made)
    difference = reconcile(stored, made[0].rows).totals
    merged = merge_bars(stored, history)
    if merged.replaced.num_rows:
        runtime.warehouse.write(BARS_1M_REPLACED, market.name, merged.replaced)
    if is_whole and now >= session.last_phase_end:
        if merged.changed.num_rows:
            runtime.warehouse.write_session(BARS_1M, market.name, day, merged.rows)
        runtime.warehouse.close_session(market.name, day)
    elif merged.changed.num_rows:
        runtime.warehouse.write(BARS_1M, market.name, merged.changed)
    return _report(runtime, market, day, charts=charts, difference=difference)


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
    source = chart_source(market)
    if source is None:
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
    runtime: Runtime, market: MarketRuntime, day: date, *, charts: Charts, difference: Mapping[str, int]
) -> SessionReport:
    bars = runtime.warehouse.read(BARS_1M, market.name, sessions=[day])
    minutes = Counter(bars["interval_start"].to_pylist())
    log.info("session_stored", market=market.name, session_date=str(day), rows=bars.num_rows)
    return SessionReport(
        session_date=day,
        symbols=len(bars["symbol"].unique()),
        rows=bars.num_rows,
        counts=charts.counts,
        difference=difference,
        rules=judge(runtime, market, BARS_1M, rows=bars),
        minutes=sorted(minutes),
        bars_per_minute=[minutes[minute] for minute in sorted(minutes)],
    )


def session_daily_bars(
    runtime: Runtime, market: MarketRuntime, *, first: date, last: date, progress: Progress = lambda _: None
) -> DailyBarsReport:
    """Fetch and write bars_1d from `first` to `last`, both included, from every source that has a history."""
    outcomes: list[Outcome] = []
    tables: list[pa.Table] = []
    for source in market.sources:
        if RequestKind.DAILY_BARS not in source.kinds:
            continue
        for instrument in instruments_of(runtime, market):
            fetched = source.daily_bars(instrument, start=first, end=last)
            outcomes.extend(fetched.outcomes)
            tables.append(records.daily_bars_table(fetched.records, known_at=runtime.clock.now()))
            progress(instrument.symbol)
    rows = pa.concat_tables(tables) if tables else BARS_1D.schema.empty_table()
    if rows.num_rows:
        runtime.warehouse.write(BARS_1D, market.name, rows)
    counts = Counter(outcome.status.value for outcome in outcomes)
    by_day = Counter(rows["session_date"].to_pylist())
    return DailyBarsReport(rows.num_rows, counts, by_day, judge(runtime, market, BARS_1D, rows=rows))
