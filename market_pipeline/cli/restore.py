"""`market-pipeline restore FILE`: a backup is checked as a whole, then takes its place."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, print_json, print_table
from market_pipeline.cli.feed import print_path
from market_pipeline.cli.progress import progress_bar


@guarded
def run(
    file: Annotated[Path, typer.Argument(help="what `market-pipeline backup` wrote")],
    into: Annotated[Path | None, typer.Option(help="folder of all data, instead of MARKET_PIPELINE_DATA")] = None,
    force: Annotated[bool, typer.Option("--force", help="move data that is there aside")] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup, with every checksum compared first; stop everything that writes to the feed before."""
    from market_pipeline.cli.supervision import only_one
    from market_pipeline.clock import SystemClock
    from market_pipeline.settings import load_settings
    from market_pipeline.steps.restore import RESTORED_CONFIG, restore, target_of

    target = target_of(file, into or load_settings().data, force=force)
    with only_one(target) if target.exists() else nullcontext(), progress_bar(quiet=as_json) as bar:
        task = bar.add_task("checking", total=None)
        done = restore(
            file,
            target,
            at=SystemClock().now(),
            progress=lambda done, total, what: bar.update(
                task, completed=done // 1_000_000, total=total // 1_000_000, description=f"MB · {what[-60:]}"
            ),
        )
    if as_json:
        document = {"feed": done.header.feed, "folder": done.folder, "made_at": done.header.made_at}
        print_json({**document, "moved_to": done.moved_to and str(done.moved_to), "rows": done.rows})
        return
    counts = Table("table", Column("rows", justify="right"), box=None, pad_edge=False)
    for name, rows in done.rows.items():
        counts.add_row(name, f"{rows:,}")
    print_table(counts)
    if done.moved_to is not None:
        print_path(f"what stood there is now {done.moved_to}")
    print_path(f"restored as of {done.header.made_at:%Y-%m-%d %H:%M} UTC to {done.folder}")
    print_path(f"its configuration, to compare with yours: {done.folder / RESTORED_CONFIG}")
