"""`market-pipeline status`: what every market is doing, how fresh its data is, how much there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, out, print_json, print_table
from market_pipeline.cli.feed import feed_banner, open_feed

if TYPE_CHECKING:
    from market_pipeline.steps.overview import MarketOverview
    from market_pipeline.steps.runtime import Runtime

STATE_COLOURS = {"open": "green", "auction": "cyan", "pre_open": "yellow", "post_close": "yellow", "closed": "dim"}


@guarded
def run(as_json: AsJson = False) -> None:
    """Show each market's state, freshness, coverage, health score and rows, and what is worth a note."""
    opened = open_feed()
    from market_pipeline.steps.overview import overview

    markets = overview(opened)
    if as_json:
        print_json(_document(opened, markets))
        return
    out.print(feed_banner(opened))
    print_overview(markets)


def print_overview(markets: Mapping[str, MarketOverview]) -> None:
    """Print state, freshness and rows of each market, and the notes."""
    for table in (_markets_table(markets), _rows_table(markets)):
        out.print()
        print_table(table)
    if any(market.notes for market in markets.values()):
        out.print()
    for name, market in markets.items():
        for note in market.notes:
            out.print(f"[yellow]{name}:[/] {escape(note)}")


def _markets_table(markets: Mapping[str, MarketOverview]) -> Table:
    coverage, health = Column("coverage", justify="right"), Column("health", justify="right")
    event = Column("freshest event (UTC)", no_wrap=True)
    table = Table("market", "state", "why, and what next", event, coverage, health, box=None, pad_edge=False)
    for name, market in markets.items():
        state = market.state.state.value
        table.add_row(
            name,
            f"[{STATE_COLOURS[state]}]{state.replace('_', '-')}[/]",
            market.state.reason.removeprefix(f"{name} is "),
            f"{market.last_event:%Y-%m-%d %H:%M:%S}" if market.last_event else "none yet",
            f"{market.coverage:.0%}" if market.coverage is not None else "–",
            f"{market.score:g}" if market.score is not None else "–",
        )
    return table


def _rows_table(markets: Mapping[str, MarketOverview]) -> Table:
    counted = list(next(iter(markets.values())).rows) if markets else []
    table = Table("rows", *(Column(name, justify="right") for name in counted), box=None, pad_edge=False)
    for name, market in markets.items():
        table.add_row(name, *(f"{rows:,}" for rows in market.rows.values()))
    return table


def _document(opened: Runtime, markets: Mapping[str, MarketOverview]) -> dict[str, Any]:
    return {
        "feed": opened.settings.feed.value,
        "now": opened.clock.now(),
        "markets": {name: _market(market) for name, market in markets.items()},
    }


def _market(market: MarketOverview) -> dict[str, Any]:
    document: dict[str, Any] = {
        "state": market.state.state.value,
        "reason": market.state.reason,
        "next_change": market.state.next_change,
        "last_event_time": market.last_event,
        "coverage": None if market.coverage is None else round(market.coverage, 4),
        "rows": market.rows,
        "is_provisional": market.state.is_provisional,
        "sources_off": market.off,
        "notes": market.notes,
    }
    if market.score is not None:
        document["score"] = market.score
    return document
