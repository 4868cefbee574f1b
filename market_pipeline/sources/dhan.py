"""Dhan HQ v2 (dhanhq.co/docs/v2): Indian quotes, minute and daily charts, and the instrument master.

One quote call serves up to a thousand instruments, a chart call one; Dhan may block an account that asks too often.
Why not through the vendor's client: docs/decisions/001-dhan-requests.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import batched
from zoneinfo import ZoneInfo

from market_pipeline.errors import MarketFileError, MarketPipelineError, NoData, PayloadError
from market_pipeline.markets.zones import zone
from market_pipeline.model.bar import ChartBar, DailyBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.dhan_master import parse_master
from market_pipeline.sources.dhan_payloads import parse_chart, parse_daily, parse_quotes, read_quote, refusal
from market_pipeline.sources.parsing.charts import (
    Chart,
    Circumstances,
    Window,
    daily_bar,
    in_words,
    joined_answers,
    joined_charts,
    split_window,
)
from market_pipeline.sources.parsing.desk import last_finished
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS, Inquiry, outcome_status
from market_pipeline.sources.source import Answer, Fetched, Request, Source, SourceContext, joined

REQUIRED_KEYS: tuple[str, ...] = ("dhan_client_id", "dhan_api_token")

HOME = "https://api.dhan.co"
API = f"{HOME}/v2"
MASTER_URL = "https://images.dhan.co/api-data/api-scrip-master.csv"
MASTER_BYTES = 100_000_000
"""The whole of India, derivatives included, is some 30 MB; the segment of a universe is chosen here."""
MASTER_SECONDS = 120.0
SEGMENT = "NSE_EQ"
INSTRUMENT = "EQUITY"
MOST_PER_CALL = 1000
LONGEST_CHART = timedelta(days=90)
EVERY_SYMBOL = "*"


def create(context: SourceContext) -> Source:
    """Make the source for one market."""
    return Dhan(context)


@dataclass
class Dhan:
    """Implements Source for Dhan HQ."""

    context: SourceContext
    name: str = "dhan"
    kinds: frozenset[RequestKind] = frozenset(
        {RequestKind.QUOTE, RequestKind.MINUTE_BARS, RequestKind.DAILY_BARS, RequestKind.INSTRUMENTS}
    )

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Fetch the present quote of each instrument, up to a thousand in one call."""
        return joined(self.quote_parts(instruments))

    def quote_parts(self, instruments: Sequence[Instrument]) -> Iterator[Fetched[Quote]]:
        """Yield the same, call by call."""
        coded = [(self._code(instrument), instrument) for instrument in instruments]
        nameless = [self._without_id(instrument, RequestKind.QUOTE) for code, instrument in coded if code is None]
        yield Fetched((), tuple(nameless))
        known = [(code, instrument) for code, instrument in coded if code is not None]
        for batch in batched(known, min(self.context.rule.batch_size, MOST_PER_CALL)):
            yield self._quote_batch(batch)

    def minute_bars(self, instrument: Instrument, *, start: datetime, end: datetime) -> Fetched[ChartBar]:
        """Fetch finished one-minute bars with start <= interval_start < end (UTC), in time order.

        Longer times are asked for in pieces of 90 days; when one fails, the bars before it come with its outcome.
        """
        code = self._code(instrument)
        if code is None:
            return Fetched((), (self._without_id(instrument, RequestKind.MINUTE_BARS),))
        charts: list[Chart] = []
        answers: list[Answer] = []
        failure: MarketPipelineError | None = None
        for first, until in split_window(start, end, LONGEST_CHART):
            try:
                answer = self.context.transport.send(self._minutes_request(code, first, until))
                charts.append(parse_chart(answer.body, instrument.symbol, Window(first, until, answer.received_time)))
                answers.append(answer)
            except NoData as error:
                failure = error
            except FETCH_ERRORS as error:
                failure = error
                break
        return self._settled(instrument, charts, answers=answers, failure=failure)

    def daily_bars(self, instrument: Instrument, *, start: date, end: date) -> Fetched[DailyBar]:
        """Fetch one bar a session from `start` to `end`, both included; a session in progress is left out."""
        inquiry, code = self._inquiry(RequestKind.DAILY_BARS), self._code(instrument)
        if code is None:
            return Fetched((), (self._without_id(instrument, RequestKind.DAILY_BARS),))
        try:
            answer = self.context.transport.send(self._days_request(code, start, end))
            last = min(end, last_finished(self.context, answer.received_time))
            days = parse_daily(answer.body, first=start, last=last, zone=self._zone)
        except FETCH_ERRORS as error:
            return Fetched((), inquiry.failed([instrument.symbol], error, at=self.context.clock.now()))
        around = self._circumstances(answer)
        bars = tuple(daily_bar(day, row, symbol=instrument.symbol, around=around) for day, row in days.rows)
        status = OutcomeStatus.OK if bars else OutcomeStatus.PARSE_ERROR if days.set_aside else OutcomeStatus.EMPTY
        rejected = sum(days.set_aside.values())
        outcome = inquiry.answered(
            instrument.symbol, status, answer, reason=in_words(days.set_aside), rejected=rejected
        )
        return Fetched(bars, (outcome,))

    def instruments(self) -> Fetched[Instrument]:
        """Fetch the master and choose by the market file's universe rule; one outcome stands for the whole list.

        Raises MarketFileError when the market file has no universe rule.
        """
        rule, inquiry = self.context.market.universe, self._inquiry(RequestKind.INSTRUMENTS)
        if rule is None:
            raise MarketFileError(
                f"market {self.context.market.market} asks {self.name} for its instruments and has no `universe` rule: "
                "a retry does not help; add one to its defs.yaml"
            )
        try:
            answer = self.context.transport.send(self._master_request())
            master = parse_master(answer.body, self.context.market, rule=rule, source=self.name)
        except FETCH_ERRORS as error:
            return Fetched((), inquiry.failed([EVERY_SYMBOL], error, at=self.context.clock.now()))
        status = OutcomeStatus.OK if master.instruments else OutcomeStatus.EMPTY
        return Fetched(master.instruments, (inquiry.answered(EVERY_SYMBOL, status, answer, rejected=master.rejected),))

    def _quote_batch(self, batch: Sequence[tuple[str, Instrument]]) -> Fetched[Quote]:
        inquiry = self._inquiry(RequestKind.QUOTE)
        try:
            answer = self.context.transport.send(self._quote_request([code for code, _ in batch]))
            records = parse_quotes(answer.body, SEGMENT)
        except FETCH_ERRORS as error:
            symbols = [instrument.symbol for _, instrument in batch]
            return Fetched((), inquiry.failed(symbols, error, at=self.context.clock.now()))
        quotes: list[Quote] = []
        outcomes: list[Outcome] = []
        for code, instrument in batch:
            quote, status, reason = self._quote(records.get(code), instrument, answer)
            quotes.extend([quote] if quote else [])
            rejected = int(status is OutcomeStatus.PARSE_ERROR)
            outcomes.append(inquiry.answered(instrument.symbol, status, answer, reason=reason, rejected=rejected))
        return Fetched(tuple(quotes), tuple(outcomes))

    def _quote(
        self, record: Mapping[str, object] | None, instrument: Instrument, answer: Answer
    ) -> tuple[Quote | None, OutcomeStatus, str | None]:
        if record is None:
            return None, OutcomeStatus.UNKNOWN, "Dhan does not know its security id; refresh the instruments"
        try:
            quote = read_quote(record, instrument, self._circumstances(answer))
        except (PayloadError, NoData) as error:
            return None, outcome_status(error), str(error)
        if quote.price_kind is PriceKind.TRADE:
            return quote, OutcomeStatus.OK, None
        return quote, OutcomeStatus.NOT_TRADED, "no trade today; its price is a reference"

    def _settled(
        self,
        instrument: Instrument,
        charts: Sequence[Chart],
        *,
        answers: Sequence[Answer],
        failure: MarketPipelineError | None,
    ) -> Fetched[ChartBar]:
        inquiry, chart = self._inquiry(RequestKind.MINUTE_BARS), joined_charts(charts)
        if answers and (failure is None or isinstance(failure, NoData)):
            answer = joined_answers(answers)
            outcome = inquiry.answered(
                instrument.symbol, chart.status, answer, reason=chart.reason, rejected=chart.rejected
            )
            return Fetched(chart.bars, (outcome,))
        if failure is not None:
            return Fetched(chart.bars, inquiry.failed([instrument.symbol], failure, at=self.context.clock.now()))
        nothing = inquiry.not_asked(
            instrument.symbol, OutcomeStatus.EMPTY, "no minutes were asked for", at=self.context.clock.now()
        )
        return Fetched((), (nothing,))

    def _quote_request(self, codes: Sequence[str]) -> Request:
        body = {SEGMENT: [int(code) for code in codes]}
        return self._post(RequestKind.QUOTE, "/marketfeed/quote", body)

    def _minutes_request(self, code: str, start: datetime, end: datetime) -> Request:
        body = self._chart_body(code) | {
            "interval": "1",
            "fromDate": f"{start.astimezone(self._zone):%Y-%m-%d %H:%M:%S}",
            "toDate": f"{end.astimezone(self._zone):%Y-%m-%d %H:%M:%S}",
        }
        return self._post(RequestKind.MINUTE_BARS, "/charts/intraday", body)

    def _days_request(self, code: str, start: date, end: date) -> Request:
        # toDate is excluded
        until = end + timedelta(days=1)
        body = self._chart_body(code) | {"expiryCode": 0, "fromDate": f"{start}", "toDate": f"{until}"}
        return self._post(RequestKind.DAILY_BARS, "/charts/historical", body)

    def _chart_body(self, code: str) -> dict[str, object]:
        return {"securityId": code, "exchangeSegment": SEGMENT, "instrument": INSTRUMENT, "oi": False}

    def _post(self, kind: RequestKind, path: str, body: object) -> Request:
        keys = self.context.credentials
        headers = {"client-id": keys["dhan_client_id"], "access-token": keys["dhan_api_token"]}
        return Request(self.name, kind, API + path, "POST", headers=headers, json_body=body, refusal=refusal)

    def _master_request(self) -> Request:
        return Request(
            self.name,
            RequestKind.INSTRUMENTS,
            MASTER_URL,
            expects="csv",
            min_bytes=100,
            max_bytes=MASTER_BYTES,
            total_seconds=MASTER_SECONDS,
        )

    @property
    def _zone(self) -> ZoneInfo:
        return zone(self.context.market.calendar.zone)

    def _code(self, instrument: Instrument) -> str | None:
        code = instrument.code_at(self.name, self.context.clock.now().astimezone(self._zone).date())
        return code if code.isdigit() else None

    def _without_id(self, instrument: Instrument, kind: RequestKind) -> Outcome:
        reason = f"no security id of Dhan is known for {instrument.symbol}; refresh the instruments"
        return self._inquiry(kind).not_asked(
            instrument.symbol, OutcomeStatus.UNKNOWN, reason, at=self.context.clock.now()
        )

    def _inquiry(self, kind: RequestKind) -> Inquiry:
        return Inquiry(self.context.market.market, self.name, kind)

    def _circumstances(self, answer: Answer) -> Circumstances:
        return Circumstances(
            self.context.market.market, self.name, answer.received_time, self._zone, answer.payload_sha
        )
