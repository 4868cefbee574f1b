"""The one screen that says that everything serves, and where to look."""

from __future__ import annotations

from datetime import datetime

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from market_pipeline.cli.console import out, print_table
from market_pipeline.cli.feed import feed_banner, print_path
from market_pipeline.cli.status import print_overview
from market_pipeline.steps.overview import overview
from market_pipeline.steps.runtime import Runtime

QUERY = (
    "SELECT market, symbol, price, change_1d_percent, source, event_time FROM live_tickers_latest "
    "WHERE price IS NOT NULL QUALIFY row_number() OVER (PARTITION BY market ORDER BY symbol) <= 2 "
    "ORDER BY market, symbol"
)


def print_ready_screen(runtime: Runtime) -> None:
    """Print state, rows, freshest event, the UI's address, one query with its result, and how to stop."""
    markets = overview(runtime)
    ui = f"http://127.0.0.1:{runtime.settings.ui_port}"
    out.print(Panel(feed_banner(runtime), expand=False))
    print_overview(markets)
    _print_query(runtime)
    print_path(f"\nDagster's UI  {ui}  (runs, lineage, checks)\nlogs          {runtime.folder / 'logs'}")
    out.print("stop          Ctrl-C; the same command starts again, in seconds")
    newest = max((m.last_event for m in markets.values() if m.last_event), default=None)
    rows = sum(sum(market.rows.values()) for market in markets.values())
    fresh = f"{newest:%Y-%m-%d %H:%M:%S} UTC" if newest else "none"
    print_path(f"ready: {len(markets)} markets, {rows:,} rows, freshest event {fresh}, UI {ui}")


def _print_query(runtime: Runtime) -> None:
    result = runtime.warehouse.query(QUERY)
    path = runtime.folder / "market.duckdb"
    out.print("\n[bold]ask it anything[/] (copy, paste):")
    print_path(f'duckdb -readonly "{path}" "{QUERY}"')
    table = Table(*result.column_names, box=None, pad_edge=False)
    for row in result.to_pylist():
        table.add_row(*(_cell(value) for value in row.values()))
    print_table(table)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else escape(str(value))
