"""`market-pipeline export PATH`: a copy with real tables, to take away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from market_pipeline.cli.console import feed_banner, guarded, out, print_json, progress_bar, runtime
from market_pipeline.storage.export import export_tables


@guarded
def run(
    path: Annotated[Path, typer.Argument(help="a .duckdb file, or a folder for --format parquet|csv")],
    table: Annotated[list[str] | None, typer.Option(help="only these tables; may repeat")] = None,
    market: Annotated[str | None, typer.Option(help="only this market")] = None,
    file_format: Annotated[str, typer.Option("--format", help="duckdb, parquet or csv")] = "duckdb",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
) -> None:
    """Write the tables to a file of their own that needs nothing else of this project."""
    opened = runtime()
    with progress_bar(quiet=as_json) as bar:
        task = bar.add_task("exporting", total=None)
        report = export_tables(
            opened.warehouse,
            path,
            tables=table,
            market=market,
            file_format=file_format,
            progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what),
        )
    if as_json:
        print_json({"path": str(report.path), "rows": dict(report.rows)})
        return
    out.print(feed_banner(opened))
    for name, rows in report.rows.items():
        out.print(f"{name}: {rows:,} rows", highlight=False)
    out.print(f"written to {report.path}", highlight=False, soft_wrap=True)
