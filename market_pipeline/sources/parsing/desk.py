"""Where a web source turns readings into quotes and outcomes: exactly one outcome for every symbol that was asked for.

Must not read bodies or send requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from market_pipeline.errors import MarketPipelineError, PayloadError
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.markets.zones import zone
from market_pipeline.model.bar import ChartBar, DailyBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.parsing.outcomes import Inquiry
from market_pipeline.sources.parsing.readings import Board, Page, Reading
from market_pipeline.sources.source import Answer, Fetched, SourceContext

EVERY_SYMBOL = "*"
"""Stands for the symbol in the outcome of a request that named none."""


@dataclass(frozen=True)
class Desk:
    """Writes the outcomes of one kind of request of one source."""

    context: SourceContext
    kind: RequestKind = RequestKind.QUOTE

    @property
    def today(self) -> date:
        """Return the exchange's present date."""
        return self.context.clock.now().astimezone(zone(self.context.market.calendar.zone)).date()

    @property
    def _inquiry(self) -> Inquiry:
        return Inquiry(self.context.market.market, self.context.rule.name, self.kind)

    def code(self, instrument: Instrument) -> str:
        """Return the code under which this source knows `instrument` today."""
        return instrument.code_at(self.context.rule.name, self.today)

    def split(self, instruments: Sequence[Instrument]) -> tuple[tuple[Instrument, ...], tuple[Outcome, ...]]:
        """Return the instruments to ask for, and the outcomes of those that left the exchange before today."""
        gone = [one for one in instruments if one.listed_to is not None and one.listed_to < self.today]
        outcomes = [
            self.not_asked(
                one.symbol, f"left the exchange on {one.listed_to}; not asked", status=OutcomeStatus.DELISTED
            )
            for one in gone
        ]
        return tuple(one for one in instruments if one not in gone), tuple(outcomes)

    def not_asked(self, symbol: str, reason: str, *, status: OutcomeStatus = OutcomeStatus.EMPTY) -> Outcome:
        """Return the outcome of a symbol that no request was sent for."""
        return self._inquiry.not_asked(symbol, status, reason, at=self.context.clock.now())

    def unsupported(self, symbol: str, what: str) -> tuple[Outcome, ...]:
        """Return the only outcome of a question that this source cannot answer."""
        return (self.not_asked(symbol, f"{self.context.rule.name} has no {what}; not asked"),)

    def failed(self, instruments: Sequence[Instrument], error: MarketPipelineError) -> tuple[Outcome, ...]:
        """Return one outcome for each instrument that a failed request was about."""
        symbols = [instrument.symbol for instrument in instruments]
        return self._inquiry.failed(symbols, error, at=self.context.clock.now())

    def answered(self, symbol: str, reading: Reading, answer: Answer) -> Outcome:
        """Return the outcome of a symbol about which `answer` says `reading`."""
        return self._inquiry.answered(
            symbol, reading.status, answer, reason=reading.reason, rejected=reading.rejected_records
        )


class WebSource:
    """A source that reports quotes; what else it offers, it overrides."""

    def __init__(self, context: SourceContext) -> None:
        self.context = context

    def minute_bars(self, instrument: Instrument, *, start: datetime, end: datetime) -> Fetched[ChartBar]:
        """Say that this source has no history of minutes."""
        del start, end
        return Fetched((), Desk(self.context, RequestKind.MINUTE_BARS).unsupported(instrument.symbol, "minute bars"))

    def daily_bars(self, instrument: Instrument, *, start: date, end: date) -> Fetched[DailyBar]:
        """Say that this source has no history of days."""
        del start, end
        return Fetched((), Desk(self.context, RequestKind.DAILY_BARS).unsupported(instrument.symbol, "daily bars"))

    def instruments(self) -> Fetched[Instrument]:
        """Say that this source has no instrument master: the market file names the symbols."""
        return Fetched((), Desk(self.context, RequestKind.INSTRUMENTS).unsupported(EVERY_SYMBOL, "instrument master"))


def last_finished(context: SourceContext, received: datetime) -> date:
    """Return the newest date that can have a whole session: its last phase has ended, or the date itself has."""
    calendar = calendar_for(context.market)
    day = calendar.local_date(received)
    session = calendar.session(day)
    is_over = session is not None and received >= session.last_phase_end
    return day if is_over else day - timedelta(days=1)


def page_of(context: SourceContext, answer: Answer) -> Page:
    """Describe the circumstances of `answer` for a parser."""
    return Page(
        market=context.market.market,
        source=context.rule.name,
        currency=context.market.currency,
        zone=zone(context.market.calendar.zone),
        received_time=answer.received_time,
        timestamps=context.rule.timestamps,
        payload_sha=answer.payload_sha,
    )


def read_board(
    desk: Desk, instruments: Sequence[Instrument], *, answer: Answer, parse: Callable[[bytes, Page], Board]
) -> Fetched[Quote]:
    """Parse a page that serves many instruments; when it cannot be read, each of them gets a parse_error."""
    try:
        board = parse(answer.body, page_of(desk.context, answer))
    except PayloadError as error:
        unread = Reading(OutcomeStatus.PARSE_ERROR, reason=str(error))
        return Fetched((), tuple(desk.answered(instrument.symbol, unread, answer) for instrument in instruments))
    return settle(desk, instruments, board=board, answer=answer)


def settle(desk: Desk, instruments: Sequence[Instrument], *, board: Board, answer: Answer) -> Fetched[Quote]:
    """Give each instrument its quote, under our symbol, and exactly one outcome."""
    quotes: list[Quote] = []
    outcomes: list[Outcome] = []
    for instrument in instruments:
        reading = board.readings.get(desk.code(instrument)) or _missing(desk.code(instrument), board)
        if reading.quote is not None:
            quotes.append(replace(reading.quote, symbol=instrument.symbol))
        outcomes.append(desk.answered(instrument.symbol, reading, answer))
    return Fetched(tuple(quotes), tuple(outcomes))


def _missing(code: str, board: Board) -> Reading:
    if not board.readings:
        return Reading(OutcomeStatus.EMPTY, reason="the page lists no instrument at all")
    nameless = f"; {board.nameless} rows without a code were set aside" if board.nameless else ""
    return Reading(
        OutcomeStatus.UNKNOWN, reason=f"{code} is not among the {len(board.readings)} codes listed{nameless}"
    )
