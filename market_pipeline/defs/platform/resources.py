"""Resources and the executor that every definition may rely on."""

from __future__ import annotations

import dagster as dg

from market_pipeline.components.duckdb_resource import WarehouseDuckDB
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.settings import load_settings


@dg.io_manager
def own_duckdb(context: dg.InitResourceContext) -> dg.IOManager:
    """Make dagster-duckdb's own IO manager for pandas, with a file of its own in the feed's folder: own.duckdb."""
    from dagster_duckdb_pandas import DuckDBPandasIOManager

    database = load_settings().feed_folder / "own.duckdb"
    return DuckDBPandasIOManager(database=str(database), schema="own").create_io_manager(context)


@dg.definitions
def resources() -> dg.Definitions:
    """Bind the runtime, the warehouse's views, and a DuckDB file of your own; run steps in the run's own process.

    A process a step, Dagster's default, costs two seconds each.
    """
    return dg.Definitions(
        resources={"runtime": RuntimeResource(), "duckdb": WarehouseDuckDB(), "own_duckdb": own_duckdb},
        executor=dg.in_process_executor,
    )
