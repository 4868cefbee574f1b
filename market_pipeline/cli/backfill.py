"""`market-pipeline backfill MARKET --from DAY --to DAY`: fill past sessions from the sources' histories."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from market_pipeline.cli.console import (
    ExitCode,
    feed_banner,
    guarded,
    out,
    parse_day,
    print_json,
    progress_bar,
    runtime,
)
from market_pipeline.steps.backfill import backfill


@guarded
def run(
    market: Annotated[str, typer.Argument(help="casablanca, india, crypto …")],
    first: Annotated[str, typer.Option("--from", help="first session date, YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--to", help="last session date (included), YYYY-MM-DD")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
) -> None:
    """Fetch minute bars (or daily bars where there are no minutes) of past sessions, and their indicators."""
    opened = runtime()
    with progress_bar(quiet=as_json) as bar:
        task = bar.add_task(f"{market} history", total=None)
        report = backfill(
            opened,
            market,
            first=parse_day(first),
            last=parse_day(last),
            progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what),
        )
    if as_json:
        print_json(
            {"market": market, "sessions": [vars(session) for session in report.sessions], "notes": report.notes}
        )
    else:
        out.print(feed_banner(opened))
        table = Table("session", "symbols", "bars_1m", "indicators_1m", "bars_1d", "outcomes", box=None, pad_edge=False)
        for session in report.sessions:
            outcomes = ", ".join(f"{count} {status}" for status, count in sorted(session.outcomes.items()))
            table.add_row(
                str(session.session_date),
                str(session.symbols),
                str(session.bars),
                str(session.indicators),
                str(session.daily_bars),
                outcomes,
            )
        out.print(table)
        for note in report.notes:
            out.print(f"note: {note}", highlight=False)
    if report.failed:
        raise typer.Exit(ExitCode.BELOW_LIMITS)
