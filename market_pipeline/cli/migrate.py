"""`market-pipeline migrate`: what production does once before it starts, and after each upgrade."""

from __future__ import annotations

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, notes, out, print_json
from market_pipeline.cli.feed import feed_settings, print_path, stored_banner


@guarded
def run(as_json: AsJson = False) -> None:
    """Make or upgrade Dagster's home and storage and the tables' schema; harmless when there is nothing to do."""
    settings = feed_settings()
    from market_pipeline.cli.processes import PROJECT, make_storage
    from market_pipeline.markets.zones import check_zone_table
    from market_pipeline.settings import child_environment
    from market_pipeline.steps.dagster_home import make_dagster_home
    from market_pipeline.steps.runtime import stored_warehouse

    check_zone_table()
    home = make_dagster_home(settings, PROJECT)
    with notes.status("making or upgrading Dagster's storage"):
        make_storage(home, child_environment(settings, DAGSTER_HOME=str(home), DAGSTER_DISABLE_TELEMETRY="yes"))
    built = stored_warehouse(settings).build_market_duckdb()
    storage = "postgres" if settings.dagster_dsn is not None else "sqlite"
    if as_json:
        print_json({"feed": settings.feed.value, "dagster_home": home, "storage": storage, "tables": built.path})
        return
    out.print(stored_banner(settings))
    print_path(f"Dagster's home is {home}, its storage {storage}; the tables are in {built.path}")
