"""`market-pipeline gaps MARKET [--heal]`: which minutes are missing and why; heal them from the sources' history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson, MarketName
from market_pipeline.cli.console import ExitCode, guarded, notes, out, print_json, print_table
from market_pipeline.cli.feed import feed_banner, open_feed, require_sources
from market_pipeline.cli.progress import progress_bar

if TYPE_CHECKING:
    from market_pipeline.steps.find_gaps import GapsReport
    from market_pipeline.steps.heal_gaps import HealReport
    from market_pipeline.steps.runtime import MarketRuntime, Runtime

SHOWN = 40


@guarded
def run(
    market: MarketName,
    heal: Annotated[bool, typer.Option("--heal", help="ask the sources' history for what is missing")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for missing minutes, say why they are missing, and heal them within the budget if asked to."""
    opened = open_feed()
    from market_pipeline.steps.find_gaps import find_market_gaps
    from market_pipeline.steps.turns import session_turn

    wired = opened.market(market)
    if heal:
        require_sources(wired)
        report = _heal(opened, wired, quiet=as_json)
        gaps = report.gaps
    else:
        with notes.status("looking for missing minutes"), session_turn(opened, wired):
            report, gaps = None, find_market_gaps(opened, wired)
    if as_json:
        print_json(_document(market, gaps, report))
    else:
        out.print(feed_banner(opened))
        _print(market, gaps)
    if report is not None and report.left:
        notes.print(f"{market}: {report.left:,} requests are left; the same command goes on from here")
        raise typer.Exit(ExitCode.BELOW_LIMITS)


def _heal(opened: Runtime, market: MarketRuntime, *, quiet: bool) -> HealReport:
    from market_pipeline.steps.heal_gaps import eta_of, heal_gaps, history_rate

    rate = history_rate(opened, market)
    with progress_bar(quiet=quiet) as bar:
        task = bar.add_task(f"{market.name}: looking for missing minutes", total=None)

        def show(done: int, total: int, what: str) -> None:
            eta = eta_of(total - done, rate)
            left = f", about {eta} left at the budget's {rate:g} a second" if eta else ""
            bar.update(task, completed=done, total=total, description=f"{what}{left}")

        return heal_gaps(opened, market, progress=show)


def _print(market: str, gaps: GapsReport) -> None:
    counted = Table("state", "cause", Column("gaps", justify="right"), box=None, pad_edge=False)
    for (state, cause), count in sorted(gaps.counts.items()):
        counted.add_row(state, cause, f"{count:,}")
    print_table(counted)
    active = gaps.active.slice(0, SHOWN).to_pylist()
    if not active:
        out.print(f"{market}: no gap is open")
        return
    minutes = Column("minutes", justify="right")
    table = Table("symbol", "first (UTC)", minutes, "cause", "state", "reason", box=None, pad_edge=False)
    for row in active:
        first, figure = f"{row['first_minute']:%Y-%m-%d %H:%M}", f"{row['minutes']:,}"
        table.add_row(row["symbol"], first, figure, row["cause"], row["state"], row["reason"] or "")
    out.print()
    print_table(table)
    if gaps.active.num_rows > SHOWN:
        out.print(f"and {gaps.active.num_rows - SHOWN:,} more; the table gaps has them all")


def _document(market: str, gaps: GapsReport, report: HealReport | None) -> dict[str, Any]:
    counts = [{"state": state, "cause": cause, "gaps": count} for (state, cause), count in sorted(gaps.counts.items())]
    document: dict[str, Any] = {"market": market, "counts": counts, "open": gaps.active.to_pylist()}
    if report is not None:
        eta = None if report.eta is None else report.eta.total_seconds()
        document |= {"asked": report.asked, "answered": report.answered, "bars": report.bars}
        document |= {"requests_left": report.left, "seconds_left": eta}
    return document
