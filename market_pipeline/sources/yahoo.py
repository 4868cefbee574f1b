"""Yahoo Finance: quotes and metrics of many symbols in one call, charts and balance sheets of one; no key.

It is nobody's feed: for personal use, often delayed, without promise. Minutes reach back thirty days, a week a call.
Why yfinance fetches the cookie and we read the answers: docs/decisions/010-yahoo-client.md. Options of a market file:
`code_style: us` writes BRK.B as BRK-B where a symbol has no alias.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import quote as quoted
from zoneinfo import ZoneInfo

from market_pipeline.errors import MarketPipelineError, NoData, PayloadError, UnknownSymbol
from market_pipeline.markets.zones import zone
from market_pipeline.model.bar import ChartBar, DailyBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import Fundamentals, Metrics
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.parsing.charts import (
    Chart,
    Circumstances,
    Window,
    in_words,
    joined_answers,
    joined_charts,
    split_window,
)
from market_pipeline.sources.parsing.desk import EVERY_SYMBOL, last_finished, page_of
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS
from market_pipeline.sources.parsing.readings import Reading
from market_pipeline.sources.source import Answer, Fetched, Source, SourceContext
from market_pipeline.sources.yahoo_batches import Sweep, YahooDesk
from market_pipeline.sources.yahoo_charts import parse_chart, parse_daily
from market_pipeline.sources.yahoo_metrics import parse_metrics
from market_pipeline.sources.yahoo_payloads import SOURCE
from market_pipeline.sources.yahoo_quotes import parse_quotes
from market_pipeline.sources.yahoo_statements import MODULES, TYPES, parse_summary, with_annual_statements

REQUIRED_KEYS: tuple[str, ...] = ()

HOME = "https://query1.finance.yahoo.com"
CHARTS = "https://query2.finance.yahoo.com"
LONGEST_CHART = timedelta(days=7)
"""Yahoo allows eight days of minutes a call, counted its own way."""
REPORTS_REACH = timedelta(days=800)
"""Annual statements are at most two years old when the next ones come."""


def create(context: SourceContext) -> Source:
    """Make the source for one market."""
    return Yahoo(context)


@dataclass
class Yahoo:
    """Implements Source for Yahoo, and serves metrics and balance sheets besides."""

    context: SourceContext
    name: str = SOURCE
    kinds: frozenset[RequestKind] = frozenset(
        {
            RequestKind.QUOTE,
            RequestKind.MINUTE_BARS,
            RequestKind.DAILY_BARS,
            RequestKind.METRICS,
            RequestKind.FUNDAMENTALS,
        }
    )

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Fetch the session's quote of each instrument, up to 200 in one call, in the order given."""
        return self._quote_sweep().over(instruments)

    def quote_parts(self, instruments: Sequence[Instrument]) -> Iterator[Fetched[Quote]]:
        """Yield the same, call by call."""
        return self._quote_sweep().parts(instruments)

    def metrics(self, instruments: Sequence[Instrument]) -> Fetched[Metrics]:
        """Fetch the present metrics of each instrument, up to 200 in one call, in the order given."""
        return Sweep(
            self._desk(RequestKind.METRICS),
            lambda codes: self._quote_call(RequestKind.METRICS, codes),
            lambda answer: parse_metrics(answer.body, page_of(self.context, answer)),
        ).over(instruments)

    def minute_bars(self, instrument: Instrument, *, start: datetime, end: datetime) -> Fetched[ChartBar]:
        """Fetch finished one-minute bars with start <= interval_start < end (UTC), in time order.

        Longer times are asked for in pieces of a week; when one fails, the bars before it come with its outcome.
        """
        desk, delay = self._desk(RequestKind.MINUTE_BARS), timedelta(seconds=self.context.rule.declared_delay_seconds)
        charts: list[Chart] = []
        answers: list[Answer] = []
        failure: MarketPipelineError | None = None
        for first, until in split_window(start, end, LONGEST_CHART):
            try:
                answer = self._chart_call(desk, instrument, start=first, end=until, interval="1m")
                window = Window(first, until, answer.received_time, delay)
                charts.append(parse_chart(answer.body, instrument.symbol, window))
                answers.append(answer)
            except NoData as error:
                failure = error
            except FETCH_ERRORS as error:
                failure = error
                break
        chart = joined_charts(charts)
        if failure is not None and not (answers and isinstance(failure, NoData)):
            return Fetched(chart.bars, desk.failed([instrument], failure))
        if not answers:
            return Fetched((), (desk.not_asked(instrument.symbol, "no minutes were asked for"),))
        reading = Reading(chart.status, reason=chart.reason, rejected_records=chart.rejected)
        return Fetched(chart.bars, (desk.answered(instrument.symbol, reading, joined_answers(answers)),))

    def daily_bars(self, instrument: Instrument, *, start: date, end: date) -> Fetched[DailyBar]:
        """Fetch one bar a session from `start` to `end`, both included; a session in progress is left out."""
        desk = self._desk(RequestKind.DAILY_BARS)
        # a day more on either side: the exchanges of one market may lie in many zones
        first = datetime.combine(start - timedelta(days=1), time(0), self._zone)
        until = datetime.combine(end + timedelta(days=2), time(0), self._zone)
        try:
            answer = self._chart_call(desk, instrument, start=first, end=until, interval="1d")
            last = min(end, last_finished(self.context, answer.received_time))
            around = self._circumstances(answer)
            history = parse_daily(answer.body, instrument.symbol, first=start, last=last, around=around)
        except FETCH_ERRORS as error:
            return Fetched((), desk.failed([instrument], error))
        empty = OutcomeStatus.PARSE_ERROR if history.set_aside else OutcomeStatus.EMPTY
        reading = Reading(
            OutcomeStatus.OK if history.bars else empty,
            reason=in_words(history.set_aside),
            rejected_records=sum(history.set_aside.values()),
        )
        return Fetched(history.bars, (desk.answered(instrument.symbol, reading, answer),))

    def fundamentals(self, instruments: Sequence[Instrument]) -> Fetched[Fundamentals]:
        """Fetch the newest published statements of each instrument, two calls each."""
        desk = self._desk(RequestKind.FUNDAMENTALS)
        records: list[Fundamentals] = []
        outcomes: list[Outcome] = []
        for instrument in instruments:
            try:
                record, answer, reason = self._statements(desk.code(instrument))
            except FETCH_ERRORS as error:
                outcomes.extend(desk.failed([instrument], error))
                continue
            records.append(replace(record, symbol=instrument.symbol))
            outcomes.append(desk.answered(instrument.symbol, Reading(OutcomeStatus.OK, reason=reason), answer))
        return Fetched(tuple(records), tuple(outcomes))

    def instruments(self) -> Fetched[Instrument]:
        """Say that Yahoo has no instrument master: the market file names the symbols, or another source does."""
        return Fetched((), self._desk(RequestKind.INSTRUMENTS).unsupported(EVERY_SYMBOL, "instrument master"))

    def _quote_sweep(self) -> Sweep[Quote]:
        rule = self.context.rule
        kind = rule.price_kinds[0] if rule.price_kinds else PriceKind.TRADE
        return Sweep(
            self._desk(RequestKind.QUOTE),
            lambda codes: self._quote_call(RequestKind.QUOTE, codes),
            lambda answer: parse_quotes(
                answer.body, page_of(self.context, answer), kind=kind, delay_seconds=rule.declared_delay_seconds
            ),
        )

    def _quote_call(self, kind: RequestKind, codes: Sequence[str]) -> Answer:
        return self._call(kind, f"{HOME}/v7/finance/quote", {"symbols": ",".join(codes), "formatted": "false"})

    def _statements(self, code: str) -> tuple[Fundamentals, Answer, str | None]:
        """Return the statements of a code, the answer, and why the annual ones are not among them."""
        summary = self._summary_call(code)
        record = parse_summary(summary.body, page_of(self.context, summary), code)
        try:
            annual = self._annual_call(code)
            return with_annual_statements(record, annual.body), joined_answers([annual, summary]), None
        except (UnknownSymbol, NoData, PayloadError) as error:
            return record, summary, f"without annual statements: {error}"

    def _summary_call(self, code: str) -> Answer:
        url = f"{CHARTS}/v10/finance/quoteSummary/{quoted(code, safe='=')}"
        return self._call(RequestKind.FUNDAMENTALS, url, {"modules": MODULES, "formatted": "true"})

    def _annual_call(self, code: str) -> Answer:
        now = self.context.clock.now()
        params = {
            "symbol": code,
            "type": TYPES,
            "period1": str(int((now - REPORTS_REACH).timestamp())),
            "period2": str(int(now.timestamp())),
        }
        url = f"{CHARTS}/ws/fundamentals-timeseries/v1/finance/timeseries/{quoted(code, safe='=')}"
        return self._call(RequestKind.FUNDAMENTALS, url, params)

    def _chart_call(
        self, desk: YahooDesk, instrument: Instrument, *, start: datetime, end: datetime, interval: str
    ) -> Answer:
        params = {
            "period1": str(int(start.timestamp())),
            "period2": str(int(end.timestamp())),
            "interval": interval,
            "includePrePost": "false",
            "events": "div,splits",
        }
        return self._call(desk.kind, f"{CHARTS}/v8/finance/chart/{quoted(desk.code(instrument), safe='=')}", params)

    def _call(self, kind: RequestKind, url: str, params: dict[str, str]) -> Answer:
        # yfinance and pandas are imported when Yahoo is first asked
        from market_pipeline.sources.yahoo_session import Errand, conversation

        return conversation(self.context.folder).ask(Errand(self.context.transport, kind), url, params)

    def _desk(self, kind: RequestKind) -> YahooDesk:
        return YahooDesk(self.context, kind)

    @property
    def _zone(self) -> ZoneInfo:
        return zone(self.context.market.calendar.zone)

    def _circumstances(self, answer: Answer) -> Circumstances:
        return Circumstances(
            self.context.market.market, self.name, answer.received_time, self._zone, answer.payload_sha
        )
