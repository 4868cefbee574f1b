"""The merge rule: many sources' quotes → one live ticker a symbol, with the provenance of every field group.

Newest eligible report wins; a trade beats a reference price; outliers only among the same moment; never averaged;
groups atomic; never backwards; resellers of one feed are one witness. verdicts.py names the reasons and flags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from market_pipeline.markets.schema import MarketFile
from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.quote import Quote
from market_pipeline.transforms.eligibility import newest_of_each_source, refusal
from market_pipeline.transforms.field_groups import Situation
from market_pipeline.transforms.last_price import LastPrice, choose_last
from market_pipeline.transforms.merge_context import MergeContext, OpenMinutes
from market_pipeline.transforms.ticker import assemble_ticker
from market_pipeline.transforms.verdicts import DISTRUSTED, Reason
from market_pipeline.transforms.votes import elect_reference


class SetAside(NamedTuple):
    """A report whose price took no part, and why. Losing to a better report is no fault and not listed."""

    quote: Quote
    reason: str


@dataclass(frozen=True, slots=True)
class MergeResult:
    """Tickers by symbol, in the order of their symbols; `set_aside` by symbol, source and time."""

    tickers: tuple[LiveTicker, ...]
    set_aside: tuple[SetAside, ...]


def merge_tickers(
    quotes: Sequence[Quote],
    *,
    now: datetime,
    market_file: MarketFile,
    previous: Mapping[str, LiveTicker],
    open_minutes: OpenMinutes,
) -> MergeResult:
    """Merge one market's quotes, in any order, with what we knew before (symbol → last ticker).

    `open_minutes(start, end)` counts minutes of open market time. A symbol that nobody reports keeps its ticker of
    the session in progress, flagged stale, and has none otherwise. Bad reports are set aside; nothing raises.
    Previous tickers must carry their provenance and pending price (provenance.py reads them from the table).
    """
    context = MergeContext(market_file, now=now, open_minutes=open_minutes)
    set_aside: list[SetAside] = []
    by_symbol: dict[str, list[Quote]] = defaultdict(list)
    for quote in quotes:
        reason = refusal(quote, context)
        if reason is None:
            by_symbol[quote.symbol].append(quote)
        else:
            set_aside.append(SetAside(quote, reason))
    merge = _SymbolMerge(context, set_aside)
    tickers = [
        merge.ticker(by_symbol.get(symbol, []), previous.get(symbol))
        for symbol in sorted(by_symbol.keys() | previous.keys())
    ]
    set_aside.sort(key=lambda item: (item.quote.symbol, item.quote.source, item.quote.event_time, item.reason))
    return MergeResult(tuple(ticker for ticker in tickers if ticker is not None), tuple(set_aside))


@dataclass(frozen=True, slots=True)
class _SymbolMerge:
    context: MergeContext
    set_aside: list[SetAside]

    def ticker(self, reports: list[Quote], previous: LiveTicker | None) -> LiveTicker | None:
        context = self.context
        if previous is not None and previous.event_time > context.latest_event_time:
            previous = None  # a clock went back: what it left behind must not block every later report
        quotes = newest_of_each_source(reports, lambda quote, reason: self.set_aside.append(SetAside(quote, reason)))
        reference = elect_reference(quotes, previous, context)
        last = choose_last(quotes, previous, reference=reference, context=context)
        self._set_aside_losers(quotes, last)
        trusted = self._trusted(quotes, previous, last)
        # the shown reference follows the shown price: sources that err alike outvote us in both
        if reference is not None and reference.quote is not None and reference.quote not in trusted:
            reference = elect_reference(trusted, previous, context)
        holder = last.quote or (previous if last.keeps_previous else None) or _newest_current(trusted, context)
        if holder is None:
            return None
        session = context.session_of(holder.event_time)
        situation = Situation(context, previous, reference, session, last.quote)
        return assemble_ticker(holder, last, quotes=quotes, trusted=trusted, situation=situation)

    def _trusted(self, quotes: list[Quote], previous: LiveTicker | None, last: LastPrice) -> list[Quote]:
        """Return the reports whose other fields may be used: not those whose price is far from what we believe."""
        price = last.quote.price if last.quote else previous.price if previous and last.keeps_previous else None
        jump = self.context.rule.jump_percent
        return [
            quote
            for quote in quotes
            if last.reasons.get(quote.source) not in DISTRUSTED
            and not (price and quote.price and abs(quote.price / price - 1) * 100 > jump)
        ]

    def _set_aside_losers(self, quotes: Sequence[Quote], last: LastPrice) -> None:
        for quote in quotes:
            reason = last.reasons.get(quote.source)
            if reason is not None and reason not in (Reason.OLDER, Reason.NOT_A_TRADE):
                self.set_aside.append(SetAside(quote, reason))


def _newest_current(quotes: Sequence[Quote], context: MergeContext) -> Quote | None:
    """Return the newest report of the session in progress, for a ticker that has no price but other fields."""
    current = [
        q for q in quotes if context.is_current(context.session_of(q.event_time), symbol=q.symbol, source=q.source)
    ]
    return max(current, key=lambda q: (q.event_time, -context.sources[q.source].rank), default=None)
