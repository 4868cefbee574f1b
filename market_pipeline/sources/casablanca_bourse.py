"""The official site of Casablanca's exchange: one call brings the whole board, another a share's daily history.

Must not read bodies itself: casablanca_bourse_board and casablanca_bourse_history do. The site publishes no manual;
its pages at https://www.casablanca-bourse.com/fr/live-market use the same addresses. Prices are about 15 minutes late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from market_pipeline.errors import MarketPipelineError, PayloadError
from market_pipeline.model.bar import DailyBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.casablanca_bourse_board import parse_board, parse_instrument_ids
from market_pipeline.sources.casablanca_bourse_history import HistoryPage, Query, newest_per_session, parse_history
from market_pipeline.sources.parsing.desk import Desk, WebSource, page_of, read_board
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS, outcome_status
from market_pipeline.sources.parsing.readings import Reading
from market_pipeline.sources.source import Answer, Fetched, Request, Source, SourceContext

REQUIRED_KEYS: tuple[str, ...] = ()

NAME = "casablanca_bourse"
HOME = "https://www.casablanca-bourse.com"
BOARD_URL = f"{HOME}/api/proxy/fr/api/bourse/dashboard/ticker"
HISTORY_URL = f"{HOME}/api/proxy/fr/api/bourse_data/instrument_history"
PAGE_LIMIT = 250
"""The most rows that the site puts on a page of history: about a year of sessions."""
MAX_PAGES = 60
"""More than there are trading years; stops a chain of links that never ends."""

HISTORY_FIELDS = (
    "symbol,created,openingPrice,coursCourant,highPrice,lowPrice,cumulTitresEchanges,cumulVolumeEchange,"
    "totalTrades,capitalisation,coursAjuste,closingPrice,ratioConsolide"
)


def create(context: SourceContext) -> Source:
    """Make the source for one market."""
    return CasablancaBourse(context)


def board_request() -> Request:
    """Ask for all shares at once: market 59 is the cash market, class 25 are shares."""
    return Request(
        source=NAME,
        kind=RequestKind.QUOTE,
        url=BOARD_URL,
        params=(("marche", "59"), ("class[0]", "25")),
        headers=_headers("/fr/live-market/marche-actions-groupement"),
    )


def history_query(instrument_id: str, *, start: date, end: date) -> Query:
    """Return the query of the first page of one share's sessions from `start` to `end`, both included."""
    conditions = (
        ("date-start", "field_seance_date", ">=", start.isoformat()),
        ("date-end", "field_seance_date", "<=", end.isoformat()),
        ("instrument", "symbol.meta.drupal_internal__target_id", "=", instrument_id),
    )
    params = [
        ("fields[instrument_history]", HISTORY_FIELDS),
        ("fields[instrument]", "symbol,libelleFR"),
        ("include", "symbol"),
        ("sort[date-seance][path]", "created"),
        ("sort[date-seance][direction]", "DESC"),
        ("filter[published]", "1"),
    ]
    for name, path, operator, value in conditions:
        prefix = f"filter[{name}][condition]"
        params += [(f"{prefix}[path]", path), (f"{prefix}[operator]", operator), (f"{prefix}[value]", value)]
    params += [("page[offset]", "0"), ("page[limit]", str(PAGE_LIMIT))]
    return tuple(params)


def history_request(query: Query) -> Request:
    """Ask for the page of history that `query` names."""
    headers = _headers("/fr/market-data/Cours")
    return Request(source=NAME, kind=RequestKind.DAILY_BARS, url=HISTORY_URL, params=query, headers=headers)


def _headers(page: str) -> dict[str, str]:
    return {
        "Accept": "application/vnd.api+json",
        # without a language the site lets clients wait until they time out
        "Accept-Language": "fr-FR,fr;q=0.9,en;q=0.8",
        "Referer": f"{HOME}{page}",
    }


@dataclass
class _HistoryWalk:
    """The pages of one history that were read, and what ended the walk too early."""

    pages: list[HistoryPage]
    answers: list[Answer]
    failure: MarketPipelineError | None = None

    @property
    def bars(self) -> list[DailyBar]:
        return [bar for page in self.pages for bar in page.bars]

    @property
    def rejections(self) -> list[str]:
        return [reason for page in self.pages for reason in page.rejections]

    @property
    def answer(self) -> Answer:
        """Return the last answer with the attempts and the time of all."""
        attempts = sum(answer.attempts for answer in self.answers)
        return replace(self.answers[-1], attempts=attempts, latency_ms=sum(one.latency_ms for one in self.answers))


class CasablancaBourse(WebSource):
    """Reports quotes and daily bars of the exchange itself."""

    name = NAME
    kinds = frozenset({RequestKind.QUOTE, RequestKind.DAILY_BARS})

    def __init__(self, context: SourceContext) -> None:
        super().__init__(context)
        self._instrument_ids: dict[str, str] = {}

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Fetch the board once and give each instrument its quote and outcome."""
        desk = Desk(self.context)
        listed, gone = desk.split(instruments)
        if not listed:
            return Fetched((), gone)
        try:
            answer = self.context.transport.send(board_request())
        except FETCH_ERRORS as error:
            return Fetched((), desk.failed(listed, error) + gone)
        fetched = read_board(desk, listed, answer=answer, parse=parse_board)
        return Fetched(fetched.records, fetched.outcomes + gone)

    def daily_bars(self, instrument: Instrument, *, start: date, end: date) -> Fetched[DailyBar]:
        """Fetch one bar a session, page by page, in time order; after a failed page those already read are kept."""
        desk = Desk(self.context, RequestKind.DAILY_BARS)
        code = desk.code(instrument)
        try:
            instrument_id = self._instrument_id(code)
            if instrument_id is None:
                reason = f"the board names no instrument id for {code}, so its history cannot be asked for"
                return Fetched((), (desk.not_asked(instrument.symbol, reason, status=OutcomeStatus.UNKNOWN),))
            walk = self._walk(history_query(instrument_id, start=start, end=end), code)
        except FETCH_ERRORS as error:
            return Fetched((), desk.failed((instrument,), error))
        bars = newest_per_session([bar for bar in walk.bars if start <= bar.session_date <= end])
        reading = _history_reading(walk, n_bars=len(bars))
        outcome = desk.answered(instrument.symbol, reading, walk.answer)
        return Fetched(tuple(replace(bar, symbol=instrument.symbol) for bar in bars), (outcome,))

    def _instrument_id(self, code: str) -> str | None:
        if code not in self._instrument_ids:
            answer = self.context.transport.send(board_request())
            self._instrument_ids.update(parse_instrument_ids(answer.body, source=NAME))
        return self._instrument_ids.get(code)

    def _walk(self, first: Query, code: str) -> _HistoryWalk:
        page, answer = self._history_page(first, code)
        walk = _HistoryWalk([page], [answer])
        asked = {first}
        while page.next_query is not None and walk.failure is None:
            try:
                if page.next_query in asked or len(asked) >= MAX_PAGES:
                    raise PayloadError(f"the history of {code} goes round in circles after {len(asked)} pages")
                asked.add(page.next_query)
                page, answer = self._history_page(page.next_query, code)
                walk.pages.append(page)
                walk.answers.append(answer)
            except FETCH_ERRORS as error:
                walk.failure = error
        return walk

    def _history_page(self, query: Query, code: str) -> tuple[HistoryPage, Answer]:
        answer = self.context.transport.send(history_request(query))
        return parse_history(answer.body, page_of(self.context, answer), code=code), answer


def _history_reading(walk: _HistoryWalk, *, n_bars: int) -> Reading:
    status, reason = OutcomeStatus.OK, walk.rejections[0] if walk.rejections else None
    if walk.failure is not None:
        status, reason = outcome_status(walk.failure), f"only the newest {n_bars} sessions were read: {walk.failure}"
    elif n_bars == 0:
        status = OutcomeStatus.PARSE_ERROR if walk.rejections else OutcomeStatus.EMPTY
        reason = reason or "the history has no session between these dates"
    return Reading(status, reason=reason, rejected_records=len(walk.bars) - n_bars + len(walk.rejections))
