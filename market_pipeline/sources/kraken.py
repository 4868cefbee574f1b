"""Kraken's public market data (docs.kraken.com/api), in ccxt's dialect through our transport; no key.

A ticker call serves many pairs. A chart reaches back 720 intervals whatever is asked; older minutes come from trades.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import batched
from typing import Any

from market_pipeline.errors import MarketPipelineError, PayloadError, UnknownSymbol
from market_pipeline.markets.schema import SymbolRule
from market_pipeline.markets.zones import zone
from market_pipeline.model.bar import ChartBar, DailyBar
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.order_book import OrderBook
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.model.tick import Tick
from market_pipeline.sources.kraken_dialect import pair_of, public_url, refusal, request_name, result_of
from market_pipeline.sources.kraken_payloads import (
    listed_instrument,
    listed_pair,
    parse_book,
    parse_chart,
    parse_daily,
    parse_pairs,
    parse_trades,
    read_ticker,
)
from market_pipeline.sources.parsing.charts import Circumstances, Window, daily_bar, in_words, joined_answers
from market_pipeline.sources.parsing.outcomes import FETCH_ERRORS, Inquiry, outcome_status
from market_pipeline.sources.source import Answer, Fetched, Request, Source, SourceContext, joined

HOME = "https://api.kraken.com"
REQUIRED_KEYS: tuple[str, ...] = ()

MOST_ROWS = 720
MOST_TRADES = 1000
MOST_PAGES = 200
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
EVERY_SYMBOL = "*"


def create(context: SourceContext) -> Source:
    """Make the source for one market."""
    return Kraken(context)


@dataclass
class Kraken:
    """Implements Source for Kraken, and serves trades and order books besides."""

    context: SourceContext
    name: str = "kraken"
    kinds: frozenset[RequestKind] = frozenset(
        {
            RequestKind.QUOTE,
            RequestKind.MINUTE_BARS,
            RequestKind.DAILY_BARS,
            RequestKind.TRADES,
            RequestKind.ORDER_BOOK,
            RequestKind.INSTRUMENTS,
        }
    )

    def quotes(self, instruments: Sequence[Instrument]) -> Fetched[Quote]:
        """Fetch the ticker of each instrument, many in one call."""
        return joined(self.quote_parts(instruments))

    def quote_parts(self, instruments: Sequence[Instrument]) -> Iterator[Fetched[Quote]]:
        """Yield the same, call by call."""
        yield from map(self._tickers, batched(instruments, self.context.rule.batch_size))

    def minute_bars(self, instrument: Instrument, *, start: datetime, end: datetime) -> Fetched[ChartBar]:
        """Fetch finished one-minute bars with start <= interval_start < end (UTC); the last 720 minutes at most."""
        inquiry, code = self._inquiry(RequestKind.MINUTE_BARS), self._code(instrument)
        try:
            # `since` is excluded
            answer = self._ask(RequestKind.MINUTE_BARS, "OHLC", code, interval="1", since=_seconds(start - MINUTE))
            window = Window(start, end, answer.received_time)
            chart = parse_chart(answer.body, code, symbol=instrument.symbol, window=window)
        except FETCH_ERRORS as error:
            return Fetched((), self._failed(inquiry, [instrument], error))
        reasons = [chart.reason] if chart.reason else []
        if start < answer.received_time - MOST_ROWS * MINUTE:
            reasons.append(f"Kraken's chart reaches back {MOST_ROWS} minutes only; older ones come from trades")
        outcome = inquiry.answered(
            instrument.symbol, chart.status, answer, reason="; ".join(reasons) or None, rejected=chart.rejected
        )
        return Fetched(chart.bars, (outcome,))

    def daily_bars(self, instrument: Instrument, *, start: date, end: date) -> Fetched[DailyBar]:
        """Fetch one bar a UTC date from `start` to `end`, both included; the day in progress is left out."""
        inquiry, code = self._inquiry(RequestKind.DAILY_BARS), self._code(instrument)
        before = datetime.combine(start, time(0), UTC) - DAY
        try:
            answer = self._ask(RequestKind.DAILY_BARS, "OHLC", code, interval="1440", since=_seconds(before))
            last = min(end, answer.received_time.date() - DAY)
            days = parse_daily(answer.body, code, first=start, last=last)
        except FETCH_ERRORS as error:
            return Fetched((), self._failed(inquiry, [instrument], error))
        around = self._circumstances(answer)
        bars = tuple(daily_bar(day, row, symbol=instrument.symbol, around=around) for day, row in days.rows)
        status = OutcomeStatus.OK if bars else OutcomeStatus.PARSE_ERROR if days.set_aside else OutcomeStatus.EMPTY
        rejected = sum(days.set_aside.values())
        outcome = inquiry.answered(
            instrument.symbol, status, answer, reason=in_words(days.set_aside), rejected=rejected
        )
        return Fetched(bars, (outcome,))

    def trades(self, instrument: Instrument, *, start: datetime, end: datetime) -> Fetched[Tick]:
        """Fetch all trades with start <= event_time < end (UTC), page by page, in time order.

        When a page fails, the trades before it come with its outcome.
        """
        inquiry, code = self._inquiry(RequestKind.TRADES), self._code(instrument)
        ticks: dict[str | None, Tick] = {}
        answers: list[Answer] = []
        cursor = f"{round(start.timestamp() * 1_000_000) * 1000 - 1}"
        try:
            while len(answers) < MOST_PAGES:
                answer = self._ask(RequestKind.TRADES, "Trades", code, since=cursor, count=str(MOST_TRADES))
                answers.append(answer)
                page, after = parse_trades(answer.body, code, symbol=instrument.symbol)
                ticks.update({tick.trade_id: tick for tick in page if start <= tick.event_time < end})
                if not page or after == cursor or page[-1].event_time >= end:
                    break
                cursor = after
        except FETCH_ERRORS as error:
            return Fetched(tuple(ticks.values()), self._failed(inquiry, [instrument], error))
        is_cut = len(answers) == MOST_PAGES
        outcome = inquiry.answered(
            instrument.symbol,
            OutcomeStatus.OK if ticks else OutcomeStatus.EMPTY,
            joined_answers(answers),
            reason=f"stopped after {MOST_PAGES} pages; ask for the rest separately" if is_cut else None,
        )
        return Fetched(tuple(ticks.values()), (outcome,))

    def order_book(self, instrument: Instrument, *, depth: int = 100) -> Fetched[OrderBook]:
        """Fetch the best `depth` levels of each side (500 at most)."""
        inquiry, code = self._inquiry(RequestKind.ORDER_BOOK), self._code(instrument)
        try:
            answer = self._ask(RequestKind.ORDER_BOOK, "Depth", code, count=str(depth))
            book = parse_book(answer.body, code, symbol=instrument.symbol, received_time=answer.received_time)
        except FETCH_ERRORS as error:
            return Fetched((), self._failed(inquiry, [instrument], error))
        status = OutcomeStatus.OK if book.bids or book.asks else OutcomeStatus.EMPTY
        return Fetched((book,), (inquiry.answered(instrument.symbol, status, answer),))

    def instruments(self) -> Fetched[Instrument]:
        """Fetch Kraken's list of pairs (one big call, once a day is enough) for the symbols of the market file."""
        inquiry, rules = self._inquiry(RequestKind.INSTRUMENTS), self.context.market.symbols
        try:
            answer = self.context.transport.send(self._request(RequestKind.INSTRUMENTS, "AssetPairs"))
            pairs = parse_pairs(answer.body)
        except FETCH_ERRORS as error:
            return Fetched((), self._failed(inquiry, rules, error))
        found: list[Instrument] = []
        outcomes: list[Outcome] = []
        for rule in rules:
            code = next((alias.code for alias in rule.aliases if alias.source == self.name), rule.symbol)
            try:
                pair = listed_pair(pairs, code)
            except UnknownSymbol as error:
                outcomes.append(inquiry.answered(rule.symbol, outcome_status(error), answer, reason=str(error)))
                continue
            found.append(listed_instrument(rule, pair, market=self.context.market.market, source=self.name))
            status = OutcomeStatus.OK if pair["active"] else OutcomeStatus.HALTED
            outcomes.append(inquiry.answered(rule.symbol, status, answer))
        return Fetched(tuple(found), tuple(outcomes))

    def _tickers(self, batch: Sequence[Instrument]) -> Fetched[Quote]:
        """Ask for a batch; Kraken refuses the whole of it for one unknown pair, so then each half is asked alone."""
        inquiry = self._inquiry(RequestKind.QUOTE)
        try:
            answer = self._ask(RequestKind.QUOTE, "Ticker", *map(self._code, batch))
            result = result_of(answer.body)
        except UnknownSymbol as error:
            if len(batch) == 1:
                return Fetched((), self._failed(inquiry, batch, error))
            half = len(batch) // 2
            first, second = self._tickers(batch[:half]), self._tickers(batch[half:])
            return Fetched(first.records + second.records, first.outcomes + second.outcomes)
        except FETCH_ERRORS as error:
            return Fetched((), self._failed(inquiry, batch, error))
        quotes: list[Quote] = []
        outcomes: list[Outcome] = []
        for instrument in batch:
            try:
                quotes.append(self._quote(result, instrument, answer))
                outcomes.append(inquiry.answered(instrument.symbol, OutcomeStatus.OK, answer))
            except PayloadError as error:
                status = outcome_status(error)
                outcomes.append(inquiry.answered(instrument.symbol, status, answer, reason=str(error), rejected=1))
        return Fetched(tuple(quotes), tuple(outcomes))

    def _quote(self, result: Mapping[str, Any], instrument: Instrument, answer: Answer) -> Quote:
        record = pair_of(result, self._code(instrument))
        precision = 60.0 * self.context.rule.cadence_minutes
        return read_ticker(record, instrument, self._circumstances(answer), precision_seconds=precision)

    def _ask(self, kind: RequestKind, method: str, *codes: str, **params: str) -> Answer:
        pairs = ",".join(map(request_name, codes))
        return self.context.transport.send(self._request(kind, method, pair=pairs, **params))

    def _request(self, kind: RequestKind, method: str, **params: str) -> Request:
        return Request(self.name, kind, public_url(method, **params), refusal=refusal)

    def _code(self, instrument: Instrument) -> str:
        return instrument.code_at(self.name, self.context.clock.now().date())

    def _inquiry(self, kind: RequestKind) -> Inquiry:
        return Inquiry(self.context.market.market, self.name, kind)

    def _failed(
        self, inquiry: Inquiry, asked: Sequence[Instrument | SymbolRule], error: MarketPipelineError
    ) -> tuple[Outcome, ...]:
        return inquiry.failed([one.symbol for one in asked], error, at=self.context.clock.now())

    def _circumstances(self, answer: Answer) -> Circumstances:
        return Circumstances(
            self.context.market.market, self.name, answer.received_time, zone("UTC"), answer.payload_sha
        )


def _seconds(moment: datetime) -> str:
    return str(int(moment.timestamp()))
