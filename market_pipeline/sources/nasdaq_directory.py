"""The exchanges' public symbol directories at Nasdaq Trader: everything listed in the United States, nothing else.

It has no prices and must not be asked for any: a market file names it for its universe only. The files are made anew
several times a day (nasdaqtrader.com/Trader.aspx?id=SymbolDirDefs).
"""

from __future__ import annotations

from collections.abc import Sequence

from market_pipeline.errors import MarketFileError
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.nasdaq_directory_files import parse_directories
from market_pipeline.sources.parsing.charts import joined_answers
from market_pipeline.sources.parsing.desk import EVERY_SYMBOL, Desk, WebSource
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS, Inquiry
from market_pipeline.sources.source import Fetched, Request, Source, SourceContext

REQUIRED_KEYS: tuple[str, ...] = ()

NAME = "nasdaq_directory"
HOME = "https://www.nasdaqtrader.com"
FOLDER = f"{HOME}/dynamic/SymDir"
LIST_BYTES = 20_000_000
LIST_SECONDS = 60.0


def create(context: SourceContext) -> Source:
    """Make the source for one market."""
    return NasdaqDirectory(context)


def list_request(file: str) -> Request:
    """Ask for one of the two files."""
    return Request(
        source=NAME,
        kind=RequestKind.INSTRUMENTS,
        url=f"{FOLDER}/{file}",
        headers={"Accept": "text/plain"},
        expects="text",
        min_bytes=100,
        max_bytes=LIST_BYTES,
        total_seconds=LIST_SECONDS,
    )


class NasdaqDirectory(WebSource):
    """Serves the list of what trades; Nasdaq's own listings and those of all other exchanges are two files."""

    name = NAME
    kinds = frozenset({RequestKind.INSTRUMENTS})

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Say that a directory has no quotes."""
        desk = Desk(self.context)
        return Fetched((), tuple(o for one in instruments for o in desk.unsupported(one.symbol, "quotes")))

    def instruments(self) -> Fetched[Instrument]:
        """Fetch both files and choose by the market file's universe rule; one outcome stands for the whole list.

        Raises MarketFileError when the market file has no universe rule.
        """
        market, rule = self.context.market, self.context.market.universe
        if rule is None:
            raise MarketFileError(
                f"market {market.market} asks {NAME} for its instruments and has no `universe` rule: a retry does not "
                "help; add one to its defs.yaml"
            )
        inquiry = Inquiry(market.market, NAME, RequestKind.INSTRUMENTS)
        try:
            nasdaq = self.context.transport.send(list_request("nasdaqlisted.txt"))
            other = self.context.transport.send(list_request("otherlisted.txt"))
            chosen = parse_directories(nasdaq.body, other.body, market, rule=rule)
        except FETCH_ERRORS as error:
            return Fetched((), inquiry.failed([EVERY_SYMBOL], error, at=self.context.clock.now()))
        status = OutcomeStatus.OK if chosen.instruments else OutcomeStatus.EMPTY
        answer = joined_answers([nasdaq, other])
        return Fetched(chosen.instruments, (inquiry.answered(EVERY_SYMBOL, status, answer, rejected=chosen.rejected),))
