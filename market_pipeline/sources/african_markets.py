"""African Markets, a page that lists all companies of one exchange: late or end of day, dates without a time.

A third opinion and a fallback, never more: it has no open, high, low or volume, and thin names keep old dates for
months. Must not read the page itself: african_markets_page does. https://www.african-markets.com/en/stock-markets/bvc
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.african_markets_page import challenge, parse_listed_companies
from market_pipeline.sources.parsing.desk import Desk, WebSource, read_board
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS
from market_pipeline.sources.source import Fetched, Request, Source, SourceContext

REQUIRED_KEYS: tuple[str, ...] = ()

NAME = "african_markets"
HOME = "https://www.african-markets.com"
CASABLANCA = "bvc"
"""An exchange in the site's addresses; a market file names another one (nse …) by the option `exchange`."""


def create(context: SourceContext) -> Source:
    """Make the source for one market."""
    return AfricanMarkets(context)


def listed_companies_request(exchange: str) -> Request:
    """Ask for the page with all companies of the exchange that the site calls `exchange`."""
    return Request(
        source=NAME,
        kind=RequestKind.QUOTE,
        url=f"{HOME}/en/stock-markets/{exchange}/listed-companies",
        headers={"Accept": "text/html", "Accept-Language": "en"},
        expects="html",
        refusal=challenge,
    )


class AfricanMarkets(WebSource):
    """Reports a price with its date, one page for the whole exchange."""

    name = NAME
    kinds = frozenset({RequestKind.QUOTE})

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Fetch the page once and give each instrument its quote and outcome."""
        desk = Desk(self.context)
        listed, gone = desk.split(instruments)
        if not listed:
            return Fetched((), gone)
        exchange = str(self.context.rule.options.get("exchange", CASABLANCA))
        try:
            answer = self.context.transport.send(listed_companies_request(exchange))
        except FETCH_ERRORS as error:
            return Fetched((), desk.failed(listed, error) + gone)
        shares = {desk.code(one): one.shares_outstanding for one in listed if one.shares_outstanding}
        fetched = read_board(desk, listed, answer=answer, parse=partial(parse_listed_companies, shares=shares))
        return Fetched(fetched.records, fetched.outcomes + gone)
