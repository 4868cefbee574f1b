"""`market-pipeline views`: rebuild market.duckdb, the file that people open."""

from __future__ import annotations

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, out, print_json
from market_pipeline.cli.feed import feed_settings, print_path, stored_banner


@guarded
def run(as_json: AsJson = False) -> None:
    """Rebuild market.duckdb (after moving the data folder, or to see new days in the small tables)."""
    settings = feed_settings()
    from market_pipeline.steps.runtime import stored_warehouse

    built = stored_warehouse(settings).build_market_duckdb()
    if as_json:
        print_json({"feed": settings.feed.value, "path": built.path, "views": built.views})
        return
    out.print(stored_banner(settings))
    out.print(", ".join(built.views))
    print_path(f'open it with any DuckDB from 1.4 on:  duckdb -readonly "{built.path}"')
