"""Read what the tables hold of some sessions of a market, and make a report of it. It writes and fetches nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pyarrow as pa

from market_pipeline.errors import UsageError
from market_pipeline.markets.phases import open_stretches
from market_pipeline.markets.zones import zone
from market_pipeline.reports import count
from market_pipeline.reports.compose import compose
from market_pipeline.reports.figures import GapFigures, SessionFigures, Stretch
from market_pipeline.reports.report import Heading, Period, Report, TableSize
from market_pipeline.steps.due import last_ended_session
from market_pipeline.steps.failures import tally
from market_pipeline.steps.report_service_level import level_figures
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.storage.sizes import table_sizes
from market_pipeline.storage.tables import (
    BARS_1M,
    BUDGETS,
    COVERAGE,
    FETCH_OUTCOMES,
    GAPS,
    LIVE_TICKERS,
    SET_ASIDE,
    STEP_TIMES,
)
from market_pipeline.storage.tables.schema import Table

AGE_SESSIONS = 5
"""Ages are counted in open minutes over so many sessions before; older prices count as that old."""


def report(runtime: Runtime, market: MarketRuntime, period: Period, *, day: date | None = None) -> Report:
    """Report on the session of `day`, or on the sessions of its ISO week up to now; by default on the last ended one.

    Raise UsageError for a day without session, or a week in which none has begun.
    """
    day = day or last_ended_session(market, runtime.clock.now())
    expected = _expected(market, period, day)
    sessions = [one for one in expected if _has_begun(runtime, market, one)]
    if not sessions:
        raise UsageError(_refusal(market, period, day, is_coming=bool(expected)))
    figures = [session_figures(runtime, market, one) for one in sessions]
    sizes = table_sizes(runtime.warehouse, market.name, sessions)
    storage = [TableSize(size.table, size.files, size.bytes, size.bytes_in_all) for size in sizes]
    return compose(_heading(runtime, market, period, expected=expected), figures, storage=storage or None)


def is_mailed(runtime: Runtime, market: MarketRuntime, period: Period, *, day: date) -> bool:
    """Tell whether the report made after the session of `day` is mailed.

    It is when the settings want it, the session is the last one that ended, and, for a week, the week's last one.
    """
    is_wanted = period.value in runtime.settings.mailed_reports
    is_news = day == last_ended_session(market, runtime.clock.now())
    return is_wanted and is_news and _expected(market, period, day)[-1] == day


def session_figures(runtime: Runtime, market: MarketRuntime, day: date) -> SessionFigures:
    """Count one session from its tables."""
    open_now = _open_hours(runtime, market, [day])
    tickers = _rows(runtime, market, LIVE_TICKERS, day=day, columns=count.TICKER_COLUMNS)
    outcomes = _rows(runtime, market, FETCH_OUTCOMES, day=day, columns=count.OUTCOME_COLUMNS)
    earlier = _open_hours(runtime, market, market.calendar.previous_sessions(day, AGE_SESSIONS))
    return SessionFigures(
        session_date=day,
        stretches=tuple(open_now),
        cycles=count.tier_cycles(_rows(runtime, market, COVERAGE, day=day, columns=count.COVERAGE_COLUMNS)),
        ages=count.price_ages(tickers, open_now=open_now, open_hours=[*earlier, *open_now]),
        asked=count.asked(outcomes, tally),
        failed_by_symbol=count.failed_by_symbol(outcomes, tally),
        set_aside=_set_aside(runtime, market, day) if outcomes.num_rows else None,
        gaps=_gaps(runtime, market, day),
        moves=count.moves(tickers, session_date=day, zone=zone(market.file.calendar.zone)),
        budgets=count.budget_figures(_rows(runtime, market, BUDGETS, day=day, columns=count.BUDGET_COLUMNS)),
        level=level_figures(runtime, market, day),
        steps=count.step_figures(
            _rows(runtime, market, STEP_TIMES, day=day, columns=count.STEP_COLUMNS), open_now=open_now
        ),
    )


def _expected(market: MarketRuntime, period: Period, day: date) -> list[date]:
    if period is Period.DAILY:
        return market.calendar.sessions_between(day, day)
    monday = day - timedelta(days=day.weekday())
    return market.calendar.sessions_between(monday, monday + timedelta(days=6))


def _has_begun(runtime: Runtime, market: MarketRuntime, day: date) -> bool:
    session = market.calendar.session(day)
    return session is not None and session.open <= runtime.clock.now()


def _refusal(market: MarketRuntime, period: Period, day: date, *, is_coming: bool) -> str:
    named = f"the week of {day}" if period is Period.WEEKLY else str(day)
    if is_coming:
        return f"asked for a report of {market.name} on {named}, which has not begun; a retry helps once it has"
    why = "no session" if period is Period.WEEKLY else f"no session ({market.calendar.closure(day)})"
    return (
        f"asked for a report of {market.name} on {named}: it has {why}; a retry does not help; "
        f"name a trading date, or none for the last one"
    )


def _heading(runtime: Runtime, market: MarketRuntime, period: Period, *, expected: Sequence[date]) -> Heading:
    return Heading(
        period=period,
        market=market.name,
        title=market.file.title,
        zone=market.file.calendar.zone,
        currency=market.file.currency,
        is_simulated=runtime.is_simulated,
        moment=runtime.clock.now(),
        first=expected[0],
        last=expected[-1],
        sessions_expected=len(expected),
    )


def _open_hours(runtime: Runtime, market: MarketRuntime, days: Sequence[date]) -> list[Stretch]:
    """Return the open hours of these sessions that have passed, in order."""
    now: datetime = runtime.clock.now()
    sessions = [session for day in days if (session := market.calendar.session(day)) is not None]
    hours = (part for session in sessions for part in open_stretches(session))
    return [(start, min(end, now)) for start, end in hours if start < now]


def _rows(
    runtime: Runtime, market: MarketRuntime, table: Table, *, day: date, columns: Sequence[str] | None = None
) -> pa.Table:
    return runtime.warehouse.read(table, market.name, sessions=[day], columns=columns)


def _set_aside(runtime: Runtime, market: MarketRuntime, day: date) -> dict[str, int]:
    return dict(count.by_symbol(_rows(runtime, market, SET_ASIDE, day=day, columns=("symbol",))))


def _gaps(runtime: Runtime, market: MarketRuntime, day: date) -> tuple[GapFigures, ...] | None:
    """Return the session's gaps; None where nobody looked for them, or where there are no minute bars to miss."""
    rows = _rows(runtime, market, GAPS, day=day, columns=count.GAP_COLUMNS)
    has_bars = bool(runtime.warehouse.slices(BARS_1M, market.name, [day]))
    if rows.num_rows == 0 and not (has_bars and runtime.warehouse.is_closed(market.name, day)):
        return None
    return count.gap_figures(rows)
