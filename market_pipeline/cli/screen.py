"""`market-pipeline screen MARKET EXPRESSION`: the symbols that meet a condition at their latest minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson, MarketName
from market_pipeline.cli.console import guarded, out, print_json, print_table
from market_pipeline.cli.feed import feed_settings, stored_banner

Expression = Annotated[str, typer.Argument(metavar="EXPRESSION", help='like "rsi_14 < 30 and close > sma_200"')]


@guarded
def run(
    market: MarketName,
    expression: Expression,
    columns: Annotated[str | None, typer.Option(help="show these instead of those named: name,price,RSI_14")] = None,
    sort: Annotated[str | None, typer.Option(help="a column; with - before it, falling")] = None,
    limit: Annotated[int | None, typer.Option(help="show at most so many")] = None,
    as_json: AsJson = False,
) -> None:
    """List the symbols whose latest bars, indicators and tickers meet a condition; unknown never matches."""
    settings = feed_settings()
    from market_pipeline.markets.loader import load_market
    from market_pipeline.steps.screen_market import Shown, screen_market
    from market_pipeline.steps.stored_feed import stored_feed

    load_market(market)
    shown = Shown([name.strip() for name in columns.split(",")] if columns else None, sort, limit)
    found = screen_market(stored_feed(settings.feed_folder), market, expression, shown=shown)
    rows: list[dict[str, Any]] = found.rows.to_pylist()
    if as_json:
        document = {"feed": settings.feed.value, "market": market, "expression": expression}
        print_json({**document, "symbols": found.symbols, "matches": found.matches, "rows": rows})
        return
    out.print(stored_banner(settings))
    if rows:
        print_table(_table(rows, found.rows.column_names[1:]))
    out.print(f"{found.matches:,} of {found.symbols:,} symbols of {market} match{_left_out(found.matches, len(rows))}")


def _left_out(matches: int, shown: int) -> str:
    return f"; the first {shown:,} are shown" if shown < matches else ""


def _table(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> Table:
    """Return one row a symbol, numbers to the right."""
    headers = [Column(name, justify="right" if isinstance(rows[0][name], float) else "left") for name in names]
    table = Table(*headers, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(_text(row[name])) for name in names))
    return table


def _text(value: object) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
    return str(value)
