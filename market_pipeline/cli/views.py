"""`market-pipeline views`: rebuild market.duckdb, the file that people open."""

from __future__ import annotations

from typing import Annotated

import typer

from market_pipeline.cli.console import feed_banner, guarded, out, print_json, runtime


@guarded
def run(as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False) -> None:
    """Rebuild market.duckdb (after moving the data folder, or to see new days in the small tables)."""
    opened = runtime()
    built = opened.warehouse.build_market_duckdb()
    if as_json:
        print_json({"path": str(built.path), "views": list(built.views)})
        return
    out.print(feed_banner(opened))
    out.print(f"{built.path}: {', '.join(built.views)}", highlight=False, soft_wrap=True)
    out.print(f'open it with any DuckDB ≥ 1.4:  duckdb -readonly "{built.path}"', highlight=False, soft_wrap=True)
