"""`market-pipeline backup`: the feed and its configuration in one file, while everything goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, out, print_json
from market_pipeline.cli.feed import feed_settings, print_path, stored_banner
from market_pipeline.cli.progress import progress_bar


@guarded
def run(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a file: NAME.tar.zst or NAME.tar.gz")] = None,
    without: Annotated[list[str] | None, typer.Option(help="payloads or snapshots; may repeat")] = None,
    with_secrets: Annotated[bool, typer.Option("--with-secrets", help="keys and passwords of .env too")] = False,
    as_json: AsJson = False,
) -> None:
    """Back up tables, alerts, payloads, snapshots, market files and settings; writers are not kept waiting."""
    settings = feed_settings()
    from market_pipeline.cli.processes import PROJECT
    from market_pipeline.clock import SystemClock
    from market_pipeline.steps.back_up import back_up

    now = SystemClock().now()
    path = (output or Path(f"market_pipeline_{settings.feed.value}_{now:%Y%m%d_%H%M%S}.tar.zst")).absolute()
    with progress_bar(quiet=as_json) as bar:
        task = bar.add_task("looking at the files", total=None)
        made = back_up(
            settings,
            path,
            project=PROJECT,
            at=now,
            without=without or [],
            with_secrets=with_secrets,
            progress=lambda done, total, what: bar.update(
                task, completed=done // 1_000_000, total=total // 1_000_000, description=f"MB · {what[-60:]}"
            ),
        )
    if as_json:
        document = {"feed": made.header.feed, "path": made.path, "files": made.header.files}
        print_json({**document, "bytes": made.header.bytes, "archive_bytes": made.archive_bytes})
        return
    out.print(stored_banner(settings))
    out.print(f"{made.header.files:,} files, {made.header.bytes / 1e6:,.1f} MB, {made.archive_bytes / 1e6:,.1f} packed")
    print_path(f"written to {made.path}; put back with:  market-pipeline restore {made.path}")
