"""`market-pipeline export PATH`: a copy with real tables, to take away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, out, print_json, print_table
from market_pipeline.cli.feed import feed_settings, print_path, stored_banner
from market_pipeline.cli.progress import progress_bar
from market_pipeline.errors import UsageError


@guarded
def run(
    path: Annotated[Path, typer.Argument(help="a .duckdb file, or a folder for --format parquet|csv")],
    table: Annotated[list[str] | None, typer.Option(help="only this table; may repeat")] = None,
    market: Annotated[str | None, typer.Option(help="only this market")] = None,
    file_format: Annotated[str, typer.Option("--format", help="duckdb, parquet or csv")] = "duckdb",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a .duckdb file that is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the tables to a file of their own that needs nothing else of this project."""
    settings = feed_settings()
    from market_pipeline.markets.loader import load_market
    from market_pipeline.steps.runtime import stored_warehouse
    from market_pipeline.storage.export import export_tables

    if market is not None:
        load_market(market)
    _require_room(path, is_file=file_format == "duckdb", overwrite=overwrite)
    with progress_bar(quiet=as_json) as bar:
        task = bar.add_task("exporting", total=None)
        report = export_tables(
            stored_warehouse(settings),
            path,
            tables=table,
            market=market,
            file_format=file_format,
            progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what),
        )
    if as_json:
        print_json({"feed": settings.feed.value, "path": report.path, "rows": report.rows})
        return
    out.print(stored_banner(settings))
    counts = Table("table", Column("rows", justify="right"), box=None, pad_edge=False)
    for name, rows in report.rows.items():
        counts.add_row(name, f"{rows:,}")
    print_table(counts)
    print_path(f"written to {report.path}")


def _require_room(path: Path, *, is_file: bool, overwrite: bool) -> None:
    """Raise UsageError for a place that an export must not or cannot take, before any work is done."""
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"wanted to export to {path}: there is no folder {path.absolute().parent}; a retry does not help; "
            "make it, or correct the path"
        )
    if path.is_dir() and is_file:
        raise UsageError(
            f"wanted to export to {path}: that is a folder; a retry does not help; name a file in it, like "
            f"{path / 'copy.duckdb'}, or choose --format parquet"
        )
    if path.is_file() and not (is_file and overwrite):
        remedy = "add --overwrite to replace it, or name another" if is_file else "name a folder that is new"
        raise UsageError(f"wanted to export to {path}: that file is there already; a retry does not help; {remedy}")
