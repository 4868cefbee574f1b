"""Price levels of one-minute bars; the catalogue of levels decides the columns."""

from __future__ import annotations

import pyarrow as pa

from market_pipeline.indicators.levels.catalogue import LEVELS
from market_pipeline.storage.tables.schema import COUNT, KNOWN_AT, MARKET, SESSION, SYMBOL, UTC_TIME, Table, column

# Levels stand still for many minutes: a dictionary keeps them exact in less than rounded floats would take.
_LEVELS = tuple(
    column(level.column, COUNT if level.is_count else pa.float64(), level.description, level.unit) for level in LEVELS
)
LEVELS_1M = Table(
    "levels_1m",
    "Price levels at each one-minute bar: pivots, swings, volume profile, zones; null where there is none",
    ("symbol", "interval_start"),
    "interval_start",
    (MARKET, SYMBOL, column("interval_start", UTC_TIME, "start of the minute", "UTC"), SESSION, *_LEVELS, KNOWN_AT),
    has_latest=True,
)
