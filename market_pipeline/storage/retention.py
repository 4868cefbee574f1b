"""Deletes what a market's file says is old enough. Sessions are counted as they are stored, not as calendar days."""

from __future__ import annotations

from collections.abc import Mapping

from market_pipeline.markets.schema import Retention
from market_pipeline.storage.report_files import retain_report_files
from market_pipeline.storage.tables import (
    BARS_1D,
    BARS_1D_ADJUSTED,
    BARS_1M,
    BARS_1M_REPLACED,
    BUDGETS,
    COVERAGE,
    FETCH_OUTCOMES,
    LIVE_TICKERS,
    RAW_QUOTES,
    SESSION_DIFFERENCES,
    SET_ASIDE,
    STEP_TIMES,
)
from market_pipeline.storage.ticker_files import retain_ticker_files
from market_pipeline.storage.warehouse import Warehouse

QUOTE_TABLES = tuple(
    table.name for table in (RAW_QUOTES, FETCH_OUTCOMES, SET_ASIDE, LIVE_TICKERS, COVERAGE, BUDGETS, STEP_TIMES)
)
BAR_TABLES = (BARS_1M.name, BARS_1M_REPLACED.name)
DAILY_TABLES = (BARS_1D.name, BARS_1D_ADJUSTED.name)
KEPT_BY_OTHERS = {
    "instruments": "one row an instrument, replaced",
    "fundamentals": "one row an instrument and source, replaced",
    "alerts": "by days since their end, with the alerts' own file (steps/retain)",
    "health": "by days, with the minutes that others read (steps/keep_health)",
    "service_level": "likewise",
    "gaps": "each search drops what is older than it looks (steps/find_gaps)",
}
"""Small tables that no session limit trims, each with the reason."""


def retain_market(warehouse: Warehouse, market: str, limits: Retention) -> dict[str, int]:
    """Delete the oldest sessions, snapshot files and reports beyond the limits. Return table (or kind) → files deleted.

    Of a small table it is rows that are deleted, and counted.
    Every other sliced table follows the limit of the indicators, which can be computed again.
    """
    counts = {}
    for name, keep in _limits(warehouse, limits).items():
        stored = warehouse.sessions(name, market)
        old = [] if keep is None else stored[:-keep]
        counts[name] = warehouse.forget(name, market, old) if old else 0
    for name, keep in _small_limits(limits).items():
        counts[name] = 0 if keep is None else _trim(warehouse, name, market, keep=keep)
    folder = warehouse.layout.feed_folder
    counts["live_ticker_files"] = retain_ticker_files(folder, market, keep=limits.live_ticker_files)
    kept = {"daily": limits.daily_reports, "weekly": limits.weekly_reports}
    counts["report_files"] = retain_report_files(folder, market, keep=kept)
    return counts


def _limits(warehouse: Warehouse, limits: Retention) -> Mapping[str, int | None]:
    of_group = dict.fromkeys(QUOTE_TABLES, limits.quotes_sessions) | dict.fromkeys(BAR_TABLES, limits.bars_sessions)
    return {t.name: of_group.get(t.name, limits.indicators_sessions) for t in warehouse.sliced_tables}


def _small_limits(limits: Retention) -> Mapping[str, int | None]:
    return dict.fromkeys(DAILY_TABLES, limits.daily_bars_sessions) | {
        SESSION_DIFFERENCES.name: limits.differences_sessions
    }


def _trim(warehouse: Warehouse, name: str, market: str, *, keep: int) -> int:
    """Drop a small table's rows of all but the newest sessions; return how many."""
    stored = warehouse.sessions(name, market)
    if len(stored) <= keep:
        return 0
    none = warehouse.table(name).schema.empty_table()
    return warehouse.replace_sessions(name, market, none, sessions=[], since=stored[-keep]).rows_replaced
