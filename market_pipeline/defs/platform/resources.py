"""Resources and the executor that every definition may rely on."""

import dagster as dg

from market_pipeline.components.duckdb_resource import DataFrameDuckDB, WarehouseDuckDB
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.components.slack_resource import FeedSlack
from market_pipeline.settings import load_settings


@dg.definitions
def resources() -> dg.Definitions:
    """Bind the runtime, the warehouse's views, a DuckDB file of your own, and Slack; run steps in the run's process.

    A process a step, Dagster's default, costs two seconds each.
    """
    # not schema="own": DuckDB could not tell a schema from a catalog that has the file's name
    own = DataFrameDuckDB(database=str(load_settings().feed_folder / "own.duckdb"), schema="main")
    return dg.Definitions(
        resources={
            "runtime": RuntimeResource(),
            "duckdb": WarehouseDuckDB(),
            "own_duckdb": own,
            "slack": FeedSlack(),
        },
        executor=dg.in_process_executor,
    )
