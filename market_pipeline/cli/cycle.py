"""`market-pipeline cycle MARKET`: one minute of one market, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson, MarketName
from market_pipeline.cli.console import ExitCode, guarded, notes, out, print_json, print_table
from market_pipeline.cli.feed import feed_banner, open_feed, require_sources

if TYPE_CHECKING:
    from market_pipeline.steps.cycle import CycleReport


@guarded
def run(market: MarketName, as_json: AsJson = False) -> None:
    """Fetch, merge, build bars, compute indicators and levels once. A closed market gets quotes and tickers only."""
    opened = open_feed()
    from market_pipeline.steps.cycle import run_cycle
    from market_pipeline.steps.overview import failure_reasons

    wired = opened.market(market)
    require_sources(wired)
    with notes.status("starting") as status:
        report = run_cycle(opened, market, progress=status.update)
    if as_json:
        print_json(_document(report))
    else:
        out.print(feed_banner(opened))
        _print(report, failure_reasons(opened, wired))
    limit = wired.file.coverage.fail
    if report.state.is_open and report.coverage < limit:
        notes.print(f"{market}: coverage {report.coverage:.0%} is below the market's limit of {limit:.0%}")
        raise typer.Exit(ExitCode.BELOW_LIMITS)


def _document(report: CycleReport) -> dict[str, Any]:
    return {
        "market": report.state.market,
        "as_of": report.quotes.as_of,
        "session_state": report.state.state.value,
        "duration_seconds": round(report.duration_seconds, 3),
        "coverage": round(report.coverage, 4),
        "tickers": report.tickers.documents,
        "outcomes": report.quotes.counts,
        "coverage_by_tier": [tier.figures for tier in report.tickers.tiers],
        "chart_outcomes": report.bars.chart_counts,
        "rows": _rows(report),
    }


def _rows(report: CycleReport) -> dict[str, int]:
    return {
        "raw_quotes": report.quotes.rows,
        "live_tickers": report.tickers.rows,
        "bars_1m": report.bars.rows,
        "indicators_1m": report.indicators.rows,
        "levels_1m": report.levels.rows,
    }


def _print(report: CycleReport, reasons: Mapping[tuple[str, str], str]) -> None:
    out.print(f"{report.state.reason}; coverage {report.coverage:.0%}; took {report.duration_seconds:.1f} s")
    for tier in report.tickers.tiers:
        out.print(f"  {tier.text}")
    out.print()
    print_table(_outcomes_table(report, reasons))
    rows = Table("table", Column("rows written", justify="right"), box=None, pad_edge=False)
    for name, count in _rows(report).items():
        rows.add_row(name, f"{count:,}")
    out.print()
    print_table(rows)


def _outcomes_table(report: CycleReport, reasons: Mapping[tuple[str, str], str]) -> Table:
    """Return what each source said, status by status, with the first reason of what went wrong."""
    symbols = Column("symbols", justify="right")
    table = Table("source", "asked for", "outcome", symbols, "why", box=None, pad_edge=False)
    for source, answered in report.quotes.by_source.items():
        for status, count in sorted(answered.counts.items()):
            table.add_row(source, "quotes", status, str(count), escape(reasons.get((source, status), "")))
        if not answered.counts:
            table.add_row(source, "quotes", "not asked", "", escape(answered.note))
    for status, count in sorted(report.bars.chart_counts.items()):
        table.add_row("", "minute charts", status, str(count), "")
    return table
