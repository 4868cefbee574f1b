"""African Stock Exchanges (afx.kwayisi.org): one page with an exchange's whole board, one a company. Dates, no times.

It never has an open, high or low. Must not read the pages itself: afx_pages does. The site publishes no manual and
often refuses programs (403, 429). The option `exchange` of a market file says which of its exchanges is meant (nse).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from market_pipeline.errors import MarketPipelineError, UnknownSymbol
from market_pipeline.model.bar import DailyBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import Metrics
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.afx_pages import parse_board, parse_figures, parse_history
from market_pipeline.sources.parsing.desk import Desk, WebSource, last_finished, page_of, read_board
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS
from market_pipeline.sources.parsing.readings import Reading
from market_pipeline.sources.source import Answer, Fetched, Request, Source, SourceContext

REQUIRED_KEYS: tuple[str, ...] = ()

NAME = "afx"
HOME = "https://afx.kwayisi.org"
NAIROBI = "nse"


def create(context: SourceContext) -> Source:
    """Make the source for one market."""
    return Afx(context)


def page_request(kind: RequestKind, exchange: str, code: str | None = None) -> Request:
    """Ask for the board of an exchange, or for the page of one of its companies."""
    page = "" if code is None else f"{code.lower()}.html"
    return Request(
        source=NAME,
        kind=kind,
        url=f"{HOME}/{exchange}/{page}",
        headers={"Accept": "text/html", "Accept-Language": "en"},
        expects="html",
        refusal=_unknown_page,
    )


def _unknown_page(status: int, body: bytes) -> MarketPipelineError | None:
    """Return an error for a page that is not there; the site has one for each company that it lists."""
    del body
    if status != 404:
        return None
    return UnknownSymbol(
        "asked afx for a page, saw HTTP 404: a retry does not help; the exchange or the share is called otherwise "
        "there, name it in the market file (options, aliases)"
    )


def _empty(reason: str, rejected: int) -> Reading:
    return Reading(
        OutcomeStatus.PARSE_ERROR if rejected else OutcomeStatus.EMPTY, reason=reason, rejected_records=rejected
    )


class Afx(WebSource):
    """Reports closes and volumes with their date; figures and about ten sessions of each company."""

    name = NAME
    kinds = frozenset({RequestKind.QUOTE, RequestKind.DAILY_BARS, RequestKind.METRICS})

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Fetch the board once and give each instrument its quote and outcome."""
        desk = Desk(self.context)
        listed, gone = desk.split(instruments)
        if not listed:
            return Fetched((), gone)
        try:
            answer = self.context.transport.send(page_request(RequestKind.QUOTE, self._exchange))
        except FETCH_ERRORS as error:
            return Fetched((), desk.failed(listed, error) + gone)
        fetched = read_board(desk, listed, answer=answer, parse=parse_board)
        return Fetched(fetched.records, fetched.outcomes + gone)

    def daily_bars(self, instrument: Instrument, *, start: date, end: date) -> Fetched[DailyBar]:
        """Fetch the finished sessions from `start` to `end`, both included, as far as the page shows them."""
        desk = Desk(self.context, RequestKind.DAILY_BARS)
        try:
            answer = self._company(desk, instrument)
            last = min(end, last_finished(self.context, answer.received_time))
            page = page_of(self.context, answer)
            history = parse_history(answer.body, page, instrument.symbol, first=start, last=last)
        except FETCH_ERRORS as error:
            return Fetched((), desk.failed([instrument], error))
        rejected = sum(history.set_aside.values())
        reason = "; ".join(history.set_aside) or None
        if not history.bars:
            reason = reason or f"the page shows no trade from {start} to {end}; it reaches back about ten sessions"
            return Fetched((), (desk.answered(instrument.symbol, _empty(reason, rejected), answer),))
        reading = Reading(OutcomeStatus.OK, reason=reason, rejected_records=rejected)
        return Fetched(history.bars, (desk.answered(instrument.symbol, reading, answer),))

    def metrics(self, instruments: Sequence[Instrument]) -> Fetched[Metrics]:
        """Fetch the figures of each instrument, one page each."""
        desk = Desk(self.context, RequestKind.METRICS)
        listed, gone = desk.split(instruments)
        records: list[Metrics] = []
        outcomes: list[Outcome] = []
        for instrument in listed:
            try:
                answer = self._company(desk, instrument)
                record, problem = parse_figures(answer.body, page_of(self.context, answer), instrument.symbol)
            except FETCH_ERRORS as error:
                outcomes += desk.failed([instrument], error)
                continue
            records.append(record)
            outcomes.append(desk.answered(instrument.symbol, Reading(OutcomeStatus.OK, reason=problem), answer))
        return Fetched(tuple(records), (*outcomes, *gone))

    @property
    def _exchange(self) -> str:
        return str(self.context.rule.options.get("exchange", NAIROBI))

    def _company(self, desk: Desk, instrument: Instrument) -> Answer:
        request = page_request(desk.kind, self._exchange, desk.code(instrument))
        return self.context.transport.send(request)
