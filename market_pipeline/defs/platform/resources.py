"""Resources that every definition may ask for by name."""

import dagster as dg

from market_pipeline.components.duckdb_resource import WarehouseDuckDB
from market_pipeline.components.runtime_resource import RuntimeResource

defs = dg.Definitions(resources={"runtime": RuntimeResource(), "duckdb": WarehouseDuckDB()})
