"""Resources that every definition may ask for by name."""

import dagster as dg
from dagster_duckdb_pandas import DuckDBPandasIOManager

from market_pipeline.components.duckdb_resource import WarehouseDuckDB
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.settings import load_settings


@dg.definitions
def resources() -> dg.Definitions:
    """Bind the runtime, the warehouse's views, and a DuckDB file of your own for the stock IO manager."""
    own = DuckDBPandasIOManager(database=str(load_settings().feed_folder / "own.duckdb"), schema="own")
    return dg.Definitions(
        resources={"runtime": RuntimeResource(), "duckdb": WarehouseDuckDB(), "own_duckdb": own},
    )
