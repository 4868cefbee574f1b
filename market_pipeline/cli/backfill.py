"""`market-pipeline backfill MARKET --from DAY --to DAY`: fill past sessions from the sources' histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson, MarketName, parse_day
from market_pipeline.cli.console import ExitCode, guarded, notes, out, print_json, print_table
from market_pipeline.cli.feed import feed_banner, open_feed, require_sources
from market_pipeline.cli.progress import progress_bar

if TYPE_CHECKING:
    from market_pipeline.steps.backfill import BackfillReport


@guarded
def run(
    market: MarketName,
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="first session date, YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="last session date (included), YYYY-MM-DD")],
    force: Annotated[bool, typer.Option("--force", help="ask again for sessions that are complete already")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch minute bars (or daily bars where there are no minutes) of past sessions, and their indicators."""
    first_day, last_day = parse_day(first), parse_day(last)
    opened = open_feed()
    from market_pipeline.steps.backfill import backfill

    require_sources(opened.market(market))
    with progress_bar(quiet=as_json) as bar:
        task = bar.add_task(f"{market} history", total=None)
        report = backfill(
            opened,
            market,
            first=first_day,
            last=last_day,
            is_forced=force,
            progress=lambda done, total, what: bar.update(task, completed=done, total=total, description=what),
        )
    if as_json:
        sessions = [vars(session) for session in report.sessions]
        print_json({"market": market, "sessions": sessions, "notes": report.notes})
    else:
        out.print(feed_banner(opened))
        _print(report)
    if report.failed:
        notes.print(f"{market}: some requests failed; the same command asks again for what is missing")
        raise typer.Exit(ExitCode.BELOW_LIMITS)


def _print(report: BackfillReport) -> None:
    figures = [Column(name, justify="right") for name in ("symbols", "bars_1m", "indicators_1m", "bars_1d")]
    table = Table("session", *figures, "outcomes", box=None, pad_edge=False)
    for session in report.sessions:
        counted = (session.symbols, session.bars, session.indicators, session.daily_bars)
        outcomes = ", ".join(f"{count} {status}" for status, count in sorted(session.outcomes.items()))
        table.add_row(str(session.session_date), *(f"{count:,}" for count in counted), outcomes)
    print_table(table)
    for note in report.notes:
        out.print(f"note: {note}", markup=False)
