"""How many rows there are, counted beside other work: it starts before what `status` needs besides is even loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from market_pipeline.clock import SystemClock
from market_pipeline.settings import Settings
from market_pipeline.steps.warehouse_tables import all_tables
from market_pipeline.storage.warehouse import Warehouse

COUNTED_TABLES = (
    "raw_quotes",
    "fetch_outcomes",
    "live_tickers",
    "bars_1m",
    "indicators_1m",
    "bars_1d",
    "metrics",
    "instruments",
)
type RowCounts = Mapping[tuple[str, str], int]
"""(table, market) → rows."""


@contextmanager
def counting_rows(settings: Settings) -> Iterator[Future[RowCounts]]:
    """Count in a thread of its own: DuckDB reads thousands of small files without holding up Python."""
    warehouse = Warehouse(settings.feed_folder, all_tables(), clock=SystemClock())
    with ThreadPoolExecutor(1, thread_name_prefix="count") as pool:
        yield pool.submit(warehouse.row_counts, COUNTED_TABLES)
