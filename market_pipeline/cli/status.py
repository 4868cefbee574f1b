"""`market-pipeline status`: what every market is doing, how fresh its data is, how much there is."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from market_pipeline.cli.console import feed_banner, guarded, out, print_json, runtime
from market_pipeline.steps.overview import COUNTED_TABLES, MarketOverview, overview
from market_pipeline.steps.runtime import Runtime

STATE_COLOURS = {"open": "green", "auction": "cyan", "pre_open": "yellow", "post_close": "yellow", "closed": "dim"}


@guarded
def run(as_json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False) -> None:
    """Show each market's state, freshness, coverage, health score and rows."""
    opened = runtime()
    markets = overview(opened)
    if as_json:
        print_json(_document(opened, markets))
        return
    out.print(feed_banner(opened))
    out.print(markets_table(markets))
    out.print(rows_table(markets))
    for name, market in markets.items():
        for source, reason in market.off.items():
            out.print(f"{name}: source {source} is {reason}", highlight=False)
        if market.warning:
            out.print(f"[yellow]{name}: {market.warning}[/]", highlight=False)


def markets_table(markets: dict[str, MarketOverview]) -> Table:
    """Return state, next change, freshest event, coverage and score of each market."""
    table = Table("market", "state", "why, and what next", "freshest event (UTC)", "coverage", "health", box=None)
    for name, market in markets.items():
        colour = STATE_COLOURS[market.state.state.value]
        table.add_row(
            name,
            f"[{colour}]{market.state.state.value}[/]",
            market.state.reason,
            f"{market.last_event:%Y-%m-%d %H:%M:%S}" if market.last_event else "none yet",
            f"{market.coverage:.0%}" if market.coverage is not None else "–",
            str(market.score) if market.score is not None else "–",
        )
    return table


def rows_table(markets: dict[str, MarketOverview]) -> Table:
    """Return the rows of each table and market."""
    table = Table("rows", *COUNTED_TABLES, box=None)
    for name, market in markets.items():
        table.add_row(name, *(f"{market.rows[column]:,}" for column in COUNTED_TABLES))
    return table


def _document(opened: Runtime, markets: dict[str, MarketOverview]) -> dict[str, Any]:
    return {
        "feed": opened.settings.feed.value,
        "now": opened.clock.now().isoformat(),
        "markets": {name: _market(market) for name, market in markets.items()},
    }


def _market(market: MarketOverview) -> dict[str, Any]:
    document: dict[str, Any] = {
        "state": market.state.state.value,
        "reason": market.state.reason,
        "next_change": market.state.next_change.isoformat() if market.state.next_change else None,
        "last_event_time": market.last_event.isoformat() if market.last_event else None,
        "coverage": None if market.coverage is None else round(market.coverage, 4),
        "rows": dict(market.rows),
        "is_provisional": market.state.is_provisional,
        "sources_off": dict(market.off),
    }
    if market.score is not None:
        document["score"] = market.score
    return document
