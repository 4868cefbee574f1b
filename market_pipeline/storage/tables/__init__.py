"""Every table's schema in one place: names, types, units and meaning. Shown in Dagster, in the docs and by `views`.

One module per kind of table; a new table is one entry in `BASE_TABLES` below.
"""

from __future__ import annotations

from market_pipeline.storage.tables.alerts import ALERTS
from market_pipeline.storage.tables.bars import BARS_1D, BARS_1D_ADJUSTED, BARS_1M, BARS_1M_REPLACED
from market_pipeline.storage.tables.gaps import GAPS, SESSION_DIFFERENCES
from market_pipeline.storage.tables.indicators import indicators_table, warm_name
from market_pipeline.storage.tables.instruments import INSTRUMENTS
from market_pipeline.storage.tables.levels import LEVELS_1M
from market_pipeline.storage.tables.live_tickers import LIVE_TICKERS
from market_pipeline.storage.tables.metrics import FUNDAMENTALS, METRICS, SHARIA_SCREEN
from market_pipeline.storage.tables.quotes import FETCH_OUTCOMES, RAW_QUOTES, SET_ASIDE
from market_pipeline.storage.tables.running import BUDGETS, COVERAGE, HEALTH, SERVICE_LEVEL, STEP_TIMES
from market_pipeline.storage.tables.schema import TEXTS, UTC_TIME, Column, Table

BASE_TABLES = (
    RAW_QUOTES,
    FETCH_OUTCOMES,
    LIVE_TICKERS,
    BARS_1M,
    BARS_1M_REPLACED,
    LEVELS_1M,
    SET_ASIDE,
    INSTRUMENTS,
    BARS_1D,
    METRICS,
    FUNDAMENTALS,
    SHARIA_SCREEN,
    COVERAGE,
    HEALTH,
    SERVICE_LEVEL,
    BUDGETS,
    STEP_TIMES,
    GAPS,
    SESSION_DIFFERENCES,
    BARS_1D_ADJUSTED,
    ALERTS,
)
"""All tables but indicators_1m, whose columns the catalogue of indicators decides."""

__all__ = [
    "ALERTS",
    "BARS_1D",
    "BARS_1D_ADJUSTED",
    "BARS_1M",
    "BARS_1M_REPLACED",
    "BASE_TABLES",
    "BUDGETS",
    "COVERAGE",
    "FETCH_OUTCOMES",
    "FUNDAMENTALS",
    "GAPS",
    "HEALTH",
    "INSTRUMENTS",
    "LEVELS_1M",
    "LIVE_TICKERS",
    "METRICS",
    "RAW_QUOTES",
    "SERVICE_LEVEL",
    "SESSION_DIFFERENCES",
    "SET_ASIDE",
    "SHARIA_SCREEN",
    "STEP_TIMES",
    "TEXTS",
    "UTC_TIME",
    "Column",
    "Table",
    "indicators_table",
    "warm_name",
]
