"""DuckDB for your own assets: a connection that has every view of the warehouse, and an IO manager for DataFrames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dagster_duckdb import DuckDBIOManager, DuckDBResource

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


class DataFrameDuckDB(DuckDBIOManager):
    """dagster-duckdb-pandas' DuckDBPandasIOManager, but pandas is loaded only by runs that keep a DataFrame."""

    @staticmethod
    def type_handlers() -> Sequence[Any]:
        """Return dagster-duckdb-pandas' own handler of DataFrames."""
        from dagster_duckdb_pandas import DuckDBPandasTypeHandler

        return [DuckDBPandasTypeHandler()]

    @staticmethod
    def default_load_type() -> type | None:
        """Return what an asset gets that does not say what it wants."""
        from pandas import DataFrame

        return DataFrame
