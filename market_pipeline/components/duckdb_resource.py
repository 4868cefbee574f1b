"""A DuckDBResource for your own assets: an in-memory connection that has every view of the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster_duckdb import DuckDBResource

from market_pipeline.settings import load_settings


class WarehouseDuckDB(DuckDBResource):
    """Like dagster-duckdb's resource, but it holds no file, so it locks out nobody, and it always closes."""

    database: str = ":memory:"

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        """Yield a connection with the views raw_quotes, live_tickers, bars_1m, indicators_1m and their `_latest`."""
        from market_pipeline.steps.runtime import stored_warehouse

        connection = stored_warehouse(load_settings()).connect()
        try:
            yield connection
        finally:
            connection.close()
