"""Jumps against our own last price: held back until a second feed or a later poll says the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import log10

from market_pipeline.model.live_ticker import LiveTicker, PendingPrice
from market_pipeline.model.quote import Quote
from market_pipeline.transforms.merge_context import MergeContext
from market_pipeline.transforms.votes import agree, same_moment

UNIT_ERROR_PATIENCE = timedelta(minutes=30)
"""A jump by a power of ten looks like a wrong unit: later polls of one feed must repeat it for this long."""
_UNIT_ERROR_WIDTH = log10(1.15)


def has_jumped(quote: Quote, previous: LiveTicker, context: MergeContext) -> bool:
    """Tell whether the price differs from our own last one by more than the market's jump_percent."""
    if quote.price is None or previous.price is None:
        return False
    return abs(quote.price / previous.price - 1) * 100 > context.rule.jump_percent


def is_confirmed(quote: Quote, rivals: Sequence[Quote], *, previous: LiveTicker, context: MergeContext) -> bool:
    """Tell whether a second feed agrees at the same moment, or this poll repeats the price held back before.

    A reseller of the same feed does not confirm (rule 9), a poll of it in a later cycle does.
    """
    if quote.price is None:
        return False
    feed = context.sources[quote.source].feed
    for rival in rivals:
        if context.sources[rival.source].feed == feed or rival.price is None:
            continue
        is_same = agree(quote.price, rival.price, symbol=quote.symbol, context=context)
        if is_same and len(same_moment((quote, rival), context)) == 2:
            return True
    pending = previous.pending
    if pending is None or quote.received_time <= pending.received_time:
        return False
    if not agree(quote.price, pending.price, symbol=quote.symbol, context=context):
        return False
    return not _looks_like_wrong_unit(quote, previous) or quote.received_time - pending.since >= UNIT_ERROR_PATIENCE


def held_back(quote: Quote, previous: LiveTicker, context: MergeContext) -> PendingPrice:
    """Return what to remember of a price that is not believed yet; `since` survives while the price repeats."""
    price = quote.price if quote.price is not None else 0.0
    before = previous.pending
    repeats = before is not None and agree(price, before.price, symbol=quote.symbol, context=context)
    since = before.since if before is not None and repeats else quote.received_time
    return PendingPrice(price, quote.source, quote.event_time, quote.received_time, since)


def looks_like_corporate_action(quote: Quote, previous: LiveTicker, context: MergeContext) -> bool:
    """Tell whether a new session's previous close moved with the price, as after a split or a special dividend."""
    if quote.price is None or not quote.previous_close:
        return False
    is_new_session = context.session_of(quote.event_time) > context.session_of(previous.event_time)
    return is_new_session and abs(quote.price / quote.previous_close - 1) * 100 <= context.rule.jump_percent


def _looks_like_wrong_unit(quote: Quote, previous: LiveTicker) -> bool:
    if quote.price is None or not previous.price:
        return False
    power = log10(quote.price / previous.price)
    return round(power) != 0 and abs(power - round(power)) < _UNIT_ERROR_WIDTH
