"""`market-pipeline silence [MARKET] --for 2h --reason …`: tell nobody during maintenance; record everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import guarded, out, print_json
from market_pipeline.cli.feed import feed_banner, feed_settings
from market_pipeline.errors import UsageError

if TYPE_CHECKING:
    from market_pipeline.alerts.alert import Silence
    from market_pipeline.alerts.life import AlertLife


@guarded
def run(
    market: Annotated[
        str | None, typer.Argument(metavar="[MARKET]", help="one market, or platform; all of them if left out")
    ] = None,
    lasting: Annotated[str | None, typer.Option("--for", metavar="SPAN", help="30m, 2h, 1d")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="why, for whoever wonders at the silence")] = None,
    is_listing: Annotated[bool, typer.Option("--list", help="show the silences that last")] = False,
    ends: Annotated[int | None, typer.Option("--end", metavar="NUMBER", help="end a silence before its time")] = None,
    as_json: AsJson = False,
) -> None:
    """Begin, list or end a silence: nothing is told while it lasts; what still holds at its end is told then."""
    if sum([is_listing, ends is not None, lasting is not None]) != 1:
        raise UsageError(
            "a silence is begun with --for, listed with --list or ended with --end; a retry does not help; give one of "
            "them, like: market-pipeline silence india --for 2h --reason 'new symbols'"
        )
    settings = feed_settings()
    from market_pipeline.steps.overview import open_to_look
    from market_pipeline.steps.tell import alert_life

    opened, _ = open_to_look(settings)
    life = alert_life(settings, opened.clock)
    if lasting is not None:
        shown: tuple[Silence, ...] = (_begin(life, market, lasting, reason=reason),)
    else:
        shown = life.silences() if ends is None else (life.end_silence(ends),)
    if as_json:
        print_json({"silences": [_document(silence) for silence in shown]})
        return
    out.print(feed_banner(opened))
    for silence in shown:
        out.print(escape(_sentence(silence)), soft_wrap=True)
    if not shown:
        out.print("no silence lasts")


def _begin(life: AlertLife, market: str | None, lasting: str, *, reason: str | None) -> Silence:
    from market_pipeline.alerts.alert import EVERY_MARKET
    from market_pipeline.alerts.message import PLATFORM
    from market_pipeline.markets.loader import load_markets
    from market_pipeline.model.duration import parse_duration

    known = [EVERY_MARKET, PLATFORM, *sorted(load_markets())]
    if market is not None and market not in known:
        raise UsageError(f"there is no market {market}; a retry does not help; there are: {', '.join(known)}")
    if not reason:
        raise UsageError(
            "a silence without a reason makes others wonder; a retry does not help; add --reason, in a few words"
        )
    try:
        span = parse_duration(lasting)
    except ValueError as error:
        raise UsageError(f"--for: {error}; a retry does not help") from None
    return life.silence(market or EVERY_MARKET, lasting=span, reason=reason)


def _sentence(silence: Silence) -> str:
    ended = f"ended {silence.ended:%Y-%m-%d %H:%M}" if silence.ended else f"until {silence.until:%Y-%m-%d %H:%M}"
    return f"silence {silence.number}: {silence.market}, {ended} UTC: {silence.reason}"


def _document(silence: Silence) -> dict[str, Any]:
    names = ("number", "market", "since", "until", "reason", "ended")
    return {name: getattr(silence, name) for name in names}
