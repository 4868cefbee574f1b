"""The one screen that says that everything serves, and where to look."""

from __future__ import annotations

from rich.panel import Panel
from rich.table import Table

from market_pipeline.cli.console import feed_banner, out
from market_pipeline.cli.status import markets_table, rows_table
from market_pipeline.steps.overview import MarketOverview, overview
from market_pipeline.steps.runtime import Runtime

QUERY = (
    "SELECT market, symbol, price, change_1d_percent, source, event_time "
    "FROM live_tickers_latest WHERE price IS NOT NULL QUALIFY row_number() OVER (PARTITION BY market ORDER BY symbol) <= 2 "
    "ORDER BY market, symbol"
)


def print_ready_screen(runtime: Runtime) -> None:
    """Print state, rows, freshest event, the UI's address, one query with its result, and how to stop."""
    markets = overview(runtime)
    ui = f"http://127.0.0.1:{runtime.settings.ui_port}"
    out.print(Panel(feed_banner(runtime), expand=False))
    out.print(markets_table(markets))
    _print_off(markets)
    out.print(rows_table(markets))
    _print_query(runtime)
    out.print(
        f"\nDagster UI  {ui}  (runs, lineage, checks)      logs  {runtime.folder / 'logs'}",
        highlight=False,
        soft_wrap=True,
    )
    out.print("stop everything with Ctrl-C; start again with the same command")
    newest = max((m.last_event for m in markets.values() if m.last_event), default=None)
    rows = sum(sum(market.rows.values()) for market in markets.values())
    fresh = f"{newest:%Y-%m-%d %H:%M:%S} UTC" if newest else "none"
    out.print(
        f"ready: {len(markets)} markets, {rows:,} rows, freshest event {fresh}, UI {ui}",
        highlight=False,
        soft_wrap=True,
    )


def _print_off(markets: dict[str, MarketOverview]) -> None:
    for name, market in markets.items():
        for source, reason in market.off.items():
            out.print(f"[yellow]{name}: source {source} is {reason}[/]", highlight=False)
        if market.warning:
            out.print(f"[yellow]{name}: {market.warning}[/]", highlight=False)


def _print_query(runtime: Runtime) -> None:
    result = runtime.warehouse.query(QUERY)
    path = runtime.folder / "market.duckdb"
    out.print("\n[bold]ask it anything[/] (copy, paste):")
    out.print(f'duckdb -readonly "{path}" "{QUERY}"', highlight=False, soft_wrap=True)
    table = Table(*result.column_names, box=None)
    for row in result.to_pylist():
        table.add_row(*(f"{value:g}" if isinstance(value, float) else str(value) for value in row.values()))
    out.print(table)
