"""`market-pipeline chart MARKET SYMBOL`: a picture of one session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from market_pipeline.cli.arguments import AsJson, MarketName, parse_day
from market_pipeline.cli.console import guarded, out, print_json
from market_pipeline.cli.feed import feed_settings, print_path, stored_banner

Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="as in the market's tables: RELIANCE, ATW, BTC-USD …")]


@guarded
def run(
    market: MarketName,
    symbol: Symbol,
    day: Annotated[
        str | None, typer.Option("--date", help="session, YYYY-MM-DD; the newest stored one without")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="a .png or .html file, replaced")] = Path("chart.png"),
    as_json: AsJson = False,
) -> None:
    """Draw price with bands, levels and zones, the volume profile, RSI and MACD of one stored session."""
    settings = feed_settings()
    from market_pipeline.markets.loader import load_market
    from market_pipeline.settings import Feed
    from market_pipeline.steps.draw_chart import check_chart_path, write_chart
    from market_pipeline.steps.runtime import stored_warehouse
    from market_pipeline.steps.session_chart import read_session_chart

    file = load_market(market)
    check_chart_path(output)
    is_simulated = settings.feed is Feed.SIMULATED
    wanted = parse_day(day) if day else None
    chart = read_session_chart(stored_warehouse(settings), file, symbol, day=wanted, is_simulated=is_simulated)
    written = write_chart(chart, output)
    if as_json:
        shown = {"market": market, "symbol": symbol, "session_date": chart.session_date, "bars": len(chart.times)}
        print_json({"feed": settings.feed.value, "path": written, **shown})
        return
    out.print(stored_banner(settings))
    print_path(f"{len(chart.times)} bars of {symbol} on {chart.session_date} drawn to {written}")
