"""`market-pipeline cycle MARKET`: one minute of one market, in this process."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from market_pipeline.cli.console import ExitCode, feed_banner, guarded, notes, out, print_json, runtime
from market_pipeline.steps.cycle import CycleReport, run_cycle


@guarded
def run(
    market: Annotated[str, typer.Argument(help="casablanca, india, crypto …")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
) -> None:
    """Fetch, merge, build bars and compute indicators once. A closed market gets quotes and tickers only."""
    opened = runtime()
    if as_json:
        report = run_cycle(opened, market)
        print_json(_document(report))
    else:
        with notes.status("starting") as status:
            report = run_cycle(opened, market, progress=status.update)
        out.print(feed_banner(opened))
        _print(report)
    limits = opened.market(market).file.coverage
    if report.coverage < limits.fail:
        notes.print(f"coverage {report.coverage:.0%} is below the market's limit of {limits.fail:.0%}")
        raise typer.Exit(ExitCode.BELOW_LIMITS)


def _document(report: CycleReport) -> dict[str, Any]:
    return {
        "market": report.state.market,
        "as_of": report.quotes.as_of.isoformat(),
        "session_state": report.state.state.value,
        "duration_seconds": round(report.duration_seconds, 3),
        "coverage": round(report.coverage, 4),
        "tickers": report.tickers.documents,
        "outcomes": report.quotes.counts,
        "chart_outcomes": dict(report.bars.chart_counts),
        "rows": {
            "raw_quotes": report.quotes.rows,
            "live_tickers": report.tickers.rows,
            "bars_1m": report.bars.rows,
            "indicators_1m": report.indicators.rows,
        },
    }


def _print(report: CycleReport) -> None:
    out.print(f"{report.state.reason}; cycle took {report.duration_seconds:.2f} s, coverage {report.coverage:.0%}")
    table = Table("source", "outcomes", box=None, pad_edge=False)
    for source, counts in {**report.quotes.counts, "charts": report.bars.chart_counts}.items():
        table.add_row(source, ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    out.print(table)
    rows = Table("table", "rows written", box=None, pad_edge=False)
    rows.add_row("raw_quotes", str(report.quotes.rows))
    rows.add_row("live_tickers", str(report.tickers.rows))
    rows.add_row("bars_1m", str(report.bars.rows))
    rows.add_row("indicators_1m", str(report.indicators.rows))
    out.print(rows)
