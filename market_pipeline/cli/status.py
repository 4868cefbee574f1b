"""`market-pipeline status`: what every market is doing, in one line each; how fresh its data is, how much there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from market_pipeline.cli.arguments import AsJson, parse_day
from market_pipeline.cli.budgets_section import budget_documents, print_budgets
from market_pipeline.cli.console import guarded, notes, out, print_json, print_table
from market_pipeline.cli.feed import feed_banner, feed_settings
from market_pipeline.errors import UsageError

if TYPE_CHECKING:
    from market_pipeline.settings import Settings
    from market_pipeline.steps.overview import MarketOverview
    from market_pipeline.steps.runtime import Runtime

STATE_COLOURS = {"open": "green", "auction": "cyan", "pre_open": "yellow", "post_close": "yellow", "closed": "dim"}
STOPPED = "[yellow]the simulated exchange is not running[/]: everything below is as of the last moment stored"


@guarded
def run(
    calendar: Annotated[
        bool, typer.Option("--calendar", help="the next two weeks instead: holidays, half days, hours, auctions")
    ] = False,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="first day of --calendar, YYYY-MM-DD; today if left out")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain each market in one line: state, last session, gaps; then freshness, coverage, health, rows and notes."""
    if first is not None and not calendar:
        raise UsageError("--from was given without --calendar; a retry does not help; add --calendar, or leave it out")
    settings = feed_settings()
    if calendar:
        _show_calendar(settings, first, as_json=as_json)
        return
    from market_pipeline.steps.stored_rows import counting_rows

    with notes.status("looking at what is stored"), counting_rows(settings) as counting:
        from market_pipeline.steps.overview import open_to_look, overall_health, overview_of

        opened, is_running = open_to_look(settings)
        markets = overview_of(opened, counting)
    if as_json:
        print_json(_document(opened, markets, is_running=is_running))
        return
    out.print(feed_banner(opened) if is_running else f"{feed_banner(opened)}\n{STOPPED}")
    print_overview(markets)
    _print_overall(overall_health(opened))
    if is_running:
        print_budgets(opened)


def _show_calendar(settings: Settings, first: str | None, *, as_json: bool) -> None:
    from market_pipeline.cli.calendar_preview import show_calendar
    from market_pipeline.steps.overview import open_to_look

    day = parse_day(first) if first is not None else None
    opened, _ = open_to_look(settings)
    show_calendar(opened, day or opened.clock.now().date(), as_json=as_json)


def print_overview(markets: Mapping[str, MarketOverview]) -> None:
    """Print one line a market, then freshness and rows of each, and the notes."""
    out.print()
    for name, market in markets.items():
        out.print(f"[{STATE_COLOURS[market.state.state.value]}]{name}[/]: {escape(market.summary)}", soft_wrap=True)
    for table in (_figures_table(markets), _rows_table(markets)):
        out.print()
        print_table(table)
    if any(market.notes for market in markets.values()):
        out.print()
    for name, market in markets.items():
        for note in market.notes:
            out.print(f"[yellow]{name}:[/] {escape(note)}")


def _print_overall(health: Mapping[str, Any]) -> None:
    """Print the score of all markets together with what is left of each part."""
    if not health:
        return
    parts = ", ".join(f"{name} {points:g}" for name, points in health["parts"].items() if points is not None)
    out.print(f"\nhealth of all markets: {health['score']:g} of 100 ({parts or 'every market is closed'})")


def _figures_table(markets: Mapping[str, MarketOverview]) -> Table:
    figures = [Column(name, justify="right") for name in ("coverage", "health", "minutes in time")]
    event = Column("freshest event (UTC)", no_wrap=True)
    table = Table("market", "state", event, *figures, box=None, pad_edge=False)
    for name, market in markets.items():
        state = market.state.state.value
        table.add_row(
            name,
            f"[{STATE_COLOURS[state]}]{state.replace('_', '-')}[/]",
            f"{market.last_event:%Y-%m-%d %H:%M:%S}" if market.last_event else "none yet",
            _coverage_text(market),
            f"{market.score:g}" if market.score is not None else "–",
            _service_text(market.service_level),
        )
    return table


def _service_text(level: Mapping[str, Any] | None) -> str:
    """Return "99.95% of 99.9%": the share of tier 1's minutes of this session, and the promise."""
    if level is None or level["share"] is None:
        return "–"
    return f"{level['share']:.2%} of {level['objective']:.1%}"


def _coverage_text(market: MarketOverview) -> str:
    """Return "98%", with the share of tier 1 where there are two tiers: "93% (tier 1: 100%)"."""
    if market.coverage is None:
        return "–"
    of_first = f" (tier 1: {market.tiers[0].share:.0%})" if len(market.tiers) > 1 else ""
    return f"{market.coverage:.0%}{of_first}"


def _rows_table(markets: Mapping[str, MarketOverview]) -> Table:
    counted = list(next(iter(markets.values())).rows) if markets else []
    table = Table("rows", *(Column(name, justify="right") for name in counted), box=None, pad_edge=False)
    for name, market in markets.items():
        table.add_row(name, *(f"{rows:,}" for rows in market.rows.values()))
    return table


def _document(opened: Runtime, markets: Mapping[str, MarketOverview], *, is_running: bool) -> dict[str, Any]:
    from market_pipeline.steps.overview import overall_health

    return {
        "feed": opened.settings.feed.value,
        "now": opened.clock.now(),
        "markets": {name: _market(market) for name, market in markets.items()},
        "budgets": budget_documents(opened) if is_running else [],
        "is_clock_running": is_running,
        "health": overall_health(opened),
    }


def _market(market: MarketOverview) -> dict[str, Any]:
    document: dict[str, Any] = {
        "state": market.state.state.value,
        "reason": market.state.reason,
        "next_change": market.state.next_change,
        "last_event_time": market.last_event,
        "coverage": None if market.coverage is None else round(market.coverage, 4),
        "rows": market.rows,
        "coverage_by_tier": [tier.figures for tier in market.tiers],
        "summary": market.summary,
        "last_session": {
            "session_date": market.last_session.session_date,
            "is_complete": market.last_session.is_complete,
            "open_gaps": market.last_session.open_gaps,
        },
        "is_provisional": market.state.is_provisional,
        "sources_off": market.off,
        "notes": market.notes,
        "service_level": market.service_level,
        "last_cycle_seconds": market.last_cycle,
    }
    if market.score is not None:
        document |= {"score": market.score, "health": market.health}
    return document
