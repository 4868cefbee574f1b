"""`market-pipeline symbols MARKET`: how each symbol does, and how well we know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson, MarketName
from market_pipeline.cli.console import guarded, out, print_json, print_table
from market_pipeline.cli.feed import feed_settings, stored_banner

RIGHT = ("price", "1d %", "5d %", "volume", "coverage", "gaps", "ok", "set aside", "disputed")


@guarded
def run(
    market: MarketName,
    sessions: Annotated[int, typer.Option(help="over so many stored sessions, the newest included")] = 5,
    as_json: AsJson = False,
) -> None:
    """Report each symbol's change and volume, its minutes, gaps, outcomes, refused records and disputes."""
    settings = feed_settings()
    from market_pipeline.steps.stored_feed import stored_feed
    from market_pipeline.steps.symbol_report import symbol_report

    rows = symbol_report(stored_feed(settings.feed_folder), market, sessions=sessions)
    if as_json:
        print_json({"feed": settings.feed.value, "market": market, "sessions": sessions, "symbols": rows})
        return
    out.print(stored_banner(settings))
    if rows:
        print_table(_table(rows))
    out.print(f"{len(rows):,} symbols of {market}")


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    figures = (Column(name, justify="right") for name in RIGHT)
    table = Table("symbol", *figures, "other outcomes", "last event (UTC)", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(text) for text in _cells(row)))
    return table


def _cells(row: Mapping[str, Any]) -> list[str]:
    last = row["last_event"]
    others = ", ".join(f"{status} {count:,}" for status, count in row["outcomes"].items() if status != "ok")
    return [
        row["symbol"],
        _figure(row["price"], ",.6g"),
        _figure(row["change_1d_percent"], "+.2f"),
        _figure(row["change_5d_percent"], "+.2f"),
        _figure(row["volume"], ",.0f"),
        _figure(row["coverage"], ".1%"),
        f"{row['gaps']:,}",
        _figure(row["ok_share"], ".1%"),
        f"{row['set_aside']:,}",
        _figure(row["disputed_share"], ".1%"),
        others or "–",
        "–" if last is None else f"{last:%Y-%m-%d %H:%M}",
    ]


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
