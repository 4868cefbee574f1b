"""Which reports may take part in the merge, as a whole and for each field group. Every refusal has a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from math import isfinite

from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.transforms.merge_context import MergeContext
from market_pipeline.transforms.verdicts import Reason

TRADED = frozenset({PriceKind.TRADE, PriceKind.CLOSE})
"""Kinds of price that somebody paid; the others never beat them."""
TICK_FALLBACK_PERCENT = 0.05
"""Stands for one tick where the market file does not name the instrument's tick size."""


def refusal(quote: Quote, context: MergeContext) -> Reason | None:
    """Return why a report cannot be used at all, or None."""
    if quote.market != context.market:
        return Reason.OTHER_MARKET
    if quote.source not in context.sources:
        return Reason.UNKNOWN_SOURCE
    if quote.currency is not None and quote.currency != context.currency_of(quote.symbol):
        return Reason.CURRENCY
    if quote.price is not None and not is_positive(quote.price):
        return Reason.BAD_PRICE
    if quote.event_time > context.latest_event_time:
        return Reason.FUTURE
    return None


def is_positive(value: float) -> bool:
    """Tell whether a price-like value is finite and above zero."""
    return isfinite(value) and value > 0


def last_possible_time(quote: Quote) -> datetime:
    """Return the end of the stretch in which the event lies: a date-only report spans its whole day."""
    return quote.event_time + timedelta(seconds=quote.event_precision_seconds)


def is_stale(quote: Quote, context: MergeContext) -> bool:
    """Tell whether the price is older than its source's limit, in open-market minutes plus the declared delay."""
    limits = context.sources[quote.source]
    return context.is_older(last_possible_time(quote), symbol=quote.symbol, limit_minutes=limits.max_age_minutes)


def session_fault(quote: Quote, context: MergeContext) -> Reason | None:
    """Return why {open, high, low, volume, turnover} contradict themselves or the quote's own traded price."""
    prices = (quote.open, quote.high, quote.low)
    amounts = (quote.volume, quote.turnover)
    if any(value is not None and not is_positive(value) for value in prices):
        return Reason.BAD_SESSION
    if any(value is not None and not (isfinite(value) and value >= 0) for value in amounts):
        return Reason.BAD_SESSION
    low = quote.low if quote.low is not None else 0.0
    high = quote.high if quote.high is not None else float("inf")
    if high < low:
        return Reason.BAD_SESSION
    inside = [quote.open] if quote.open is not None else []
    if quote.price is not None and quote.price_kind in TRADED:
        inside.append(quote.price)
    tick = context.tick_size(quote.symbol)
    for value in inside:
        slack = tick if tick is not None else value * TICK_FALLBACK_PERCENT / 100
        # the factor forgives the last bit of a subtraction that should give exactly one tick
        if value - high > slack * 1.000001 or low - value > slack * 1.000001:
            return Reason.BAD_SESSION
    return None


def book_fault(quote: Quote, context: MergeContext) -> Reason | None:
    """Return why {bid, bid_size, ask, ask_size} cannot be used, or None.

    A book is as of the answer, not of the last trade, less what the source says it lags; a source that gives no time
    may repeat an old answer, so its book is as old as what it says.
    """
    bid, ask = quote.bid, quote.ask
    if any(value is not None and not is_positive(value) for value in (bid, ask)):
        return Reason.BAD_BOOK
    if any(value is not None and not (isfinite(value) and value >= 0) for value in (quote.bid_size, quote.ask_size)):
        return Reason.BAD_BOOK
    if bid is not None and ask is not None and bid > ask:
        return Reason.CROSSED_BOOK
    delay = context.sources[quote.source].delay
    moment = last_possible_time(quote) if quote.is_undated else max(quote.event_time, quote.received_time - delay)
    limit = context.rule.book_max_age_minutes + delay.total_seconds() / 60
    return Reason.STALE if context.is_older(moment, symbol=quote.symbol, limit_minutes=limit) else None


def valuation_fault(quote: Quote, context: MergeContext) -> Reason | None:
    """Return why the market capitalisation cannot be used, or None. Its age counts in calendar days."""
    if quote.market_cap is None or not is_positive(quote.market_cap):
        return Reason.BAD_VALUE
    limit = timedelta(days=context.rule.valuation_max_age_days)
    return Reason.STALE if context.now - last_possible_time(quote) > limit else None


def newest_of_each_source(quotes: Sequence[Quote], refuse: Callable[[Quote, Reason], None]) -> list[Quote]:
    """Return one report a source, the newest, and refuse the others as superseded."""
    if len(quotes) == 1:
        return list(quotes)
    newest: dict[str, Quote] = {}
    for quote in quotes:
        rival = newest.get(quote.source)
        if rival is None:
            newest[quote.source] = quote
            continue
        # repr decides between reports of the very same times, so that the input's order never does
        winner, loser = sorted((rival, quote), key=lambda q: (q.event_time, q.received_time, repr(q)), reverse=True)
        newest[quote.source] = winner
        refuse(loser, Reason.SUPERSEDED)
    return list(newest.values())
