"""Wafa Bourse, a broker's site that resells the exchange's delayed feed: one request a share.

Bodies are read in wafa_bourse_indicators. Requests go out without a token; when the site answers 401 or 403, a token
and its cookie are fetched and the request is repeated once. The site publishes no manual;
https://www.wafabourse.com/fr/market-tracking uses the same addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from market_pipeline.errors import PayloadError, Permanent
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.parsing.desk import Desk, WebSource, page_of
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS
from market_pipeline.sources.parsing.readings import Reading, load_json, payload_error, text_of
from market_pipeline.sources.source import Answer, Fetched, Request, Source, SourceContext, joined
from market_pipeline.sources.wafa_bourse_indicators import ACTION, parse_indicators

REQUIRED_KEYS: tuple[str, ...] = ()

NAME = "wafa_bourse"
HOME = "https://www.wafabourse.com"
DATA_URL = f"{HOME}/api/proxy/data/JNNJ"
TOKEN_URL = f"{HOME}/api/proxy/token"
TOKEN_GRACE_SECONDS = 60.0
"""A refusal so soon after a token was asked for has another reason, so no second one is asked for."""

SYMBOL_SECONDS = 10.0
"""The longest that one share may take, so that a slow site does not use up the whole cycle on a few."""

_COOKIE_BORDER = re.compile(r",\s*(?=[^;,\s]+=)")


class TokenWanted(Permanent):
    """The site refused a request that a token may help; never leaves this module, and is no failure of the source."""


def create(context: SourceContext) -> Source:
    """Make the source for one market."""
    return WafaBourse(context)


@dataclass(frozen=True, slots=True)
class Token:
    """What the site wants to see with a request."""

    value: str
    cookie: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers that carry the token."""
        return {"x-proxy-token": self.value} | ({"Cookie": self.cookie} if self.cookie else {})


def indicators_request(code: str, token: Token | None = None, *, total_seconds: float | None = None) -> Request:
    """Ask for the present indicators of one share: one action with the symbol, daily frequency, one row."""
    params = [
        {"NAME": "Symbol_", "TYPE": "S", "VALUE": code},
        {"NAME": "Frequence_", "TYPE": "S", "VALUE": "D"},
        {"NAME": "Nbr_", "TYPE": "I", "VALUE": 1},
    ]
    action = {"NAME": ACTION, "TYPE": "SELECT", "VALUE": ACTION}
    return Request(
        source=NAME,
        kind=RequestKind.QUOTE,
        url=DATA_URL,
        method="POST",
        headers=_headers() | (token.headers() if token else {}),
        json_body={"ACTIONS": [{"ACTION": action, "PARAMS": params}]},
        total_seconds=total_seconds,
    )


def token_request() -> Request:
    """Ask for a token."""
    return Request(source=NAME, kind=RequestKind.QUOTE, url=TOKEN_URL, headers=_headers())


def _headers() -> dict[str, str]:
    return {"Accept": "application/json", "Origin": HOME, "Referer": f"{HOME}/fr/market-tracking"}


def parse_token(body: bytes, headers: Mapping[str, str]) -> Token:
    """Return the token in `{"token":"b7c1d0e6…"}` with the cookies of its answer. Raises PayloadError without one."""
    try:
        document = load_json(body, source=NAME)
    except PayloadError:
        document = None
    value = text_of(document.get("token")) if isinstance(document, dict) else None
    if value is None or not value.isascii() or not value.isprintable():
        # what was sent instead may hold a token: it is not repeated in the message
        raise payload_error(NAME, "a token", f"a body of {len(body)} bytes without one")
    set_cookie = next((text for key, text in headers.items() if key.lower() == "set-cookie"), "")
    cookies = [part.partition(";")[0].strip() for part in _COOKIE_BORDER.split(set_cookie)]
    return Token(value, "; ".join(cookie for cookie in cookies if cookie) or None)


class WafaBourse(WebSource):
    """Reports quotes, one share a request."""

    name = NAME
    kinds = frozenset({RequestKind.QUOTE})

    def __init__(self, context: SourceContext) -> None:
        super().__init__(context)
        self._token: Token | None = None
        self._token_asked_at: float | None = None
        self._token_lock = Lock()

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Ask for each instrument in turn, as long as the cycle lasts; one that fails leaves the others alone."""
        return joined(self.quote_parts(instruments))

    def quote_parts(self, instruments: Sequence[Instrument]) -> Iterator[Fetched[Quote]]:
        """Yield the same, share by share."""
        desk = Desk(self.context)
        listed, gone = desk.split(instruments)
        yield Fetched((), gone)
        seconds = self.context.market.deadline_seconds(NAME)
        deadline = self.context.clock.monotonic() + seconds
        for instrument in listed:
            quote, outcome = self._quote_of(instrument, desk, deadline=deadline)
            yield Fetched(() if quote is None else (quote,), (outcome,))

    def _quote_of(self, instrument: Instrument, desk: Desk, *, deadline: float) -> tuple[Quote | None, Outcome]:
        code = desk.code(instrument)
        left = deadline - self.context.clock.monotonic()
        if left <= 0:
            reason = "not asked: the symbols before it used up the cycle's time"
            return None, desk.not_asked(instrument.symbol, reason, status=OutcomeStatus.DEFERRED)
        try:
            answer = self._ask(code, total_seconds=min(left, SYMBOL_SECONDS))
        except FETCH_ERRORS as error:
            return None, desk.failed((instrument,), error)[0]
        try:
            reading = parse_indicators(answer.body, page_of(self.context, answer), code=code)
        except PayloadError as error:
            reading = Reading(OutcomeStatus.PARSE_ERROR, reason=str(error))
        quote = replace(reading.quote, symbol=instrument.symbol) if reading.quote else None
        return quote, desk.answered(instrument.symbol, reading, answer)

    def _ask(self, code: str, *, total_seconds: float) -> Answer:
        used = self._token
        request = indicators_request(code, used, total_seconds=total_seconds)
        if self._asked_for_token_lately():
            return self.context.transport.send(request)
        try:
            return self.context.transport.send(replace(request, refusal=_token_wanted))
        except TokenWanted:
            renewed = self._renew(used)
        return self.context.transport.send(indicators_request(code, renewed, total_seconds=total_seconds))

    def _renew(self, refused: Token | None) -> Token | None:
        """Return another token than `refused`. Of several threads one asks, and the others take what it brought."""
        with self._token_lock:
            if self._token is refused and not self._asked_for_token_lately():
                self._token_asked_at = self.context.clock.monotonic()
                answer = self.context.transport.send(token_request())
                self._token = parse_token(answer.body, answer.headers)
            return self._token

    def _asked_for_token_lately(self) -> bool:
        asked_at = self._token_asked_at
        return asked_at is not None and self.context.clock.monotonic() - asked_at < TOKEN_GRACE_SECONDS


def _token_wanted(status: int, body: bytes) -> TokenWanted | None:
    del body
    return TokenWanted(f"{NAME} answered HTTP {status}: a token may help") if status in (401, 403) else None
