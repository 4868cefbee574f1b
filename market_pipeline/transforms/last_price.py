"""Chooses the price of one instrument: eligible, not contradicted, newest, never backwards, never averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from market_pipeline.model.live_ticker import LiveTicker, PendingPrice
from market_pipeline.model.quote import Quote
from market_pipeline.transforms.eligibility import TRADED, is_stale
from market_pipeline.transforms.jumps import has_jumped, held_back, is_confirmed, looks_like_corporate_action
from market_pipeline.transforms.merge_context import MergeContext
from market_pipeline.transforms.verdicts import Flag, Reason
from market_pipeline.transforms.votes import (
    Reference,
    agree,
    is_outside_band,
    outliers,
    pick_order,
    same_moment,
)


@dataclass(slots=True)
class LastPrice:
    """The choice. `quote` is the winner; without one, `keeps_previous` tells whether our own last price stays."""

    quote: Quote | None = None
    keeps_previous: bool = False
    flags: set[Flag] = field(default_factory=set)
    reasons: dict[str, Reason] = field(default_factory=dict)
    """Losing source → why."""
    pending: PendingPrice | None = None


def choose_last(
    quotes: Sequence[Quote], previous: LiveTicker | None, *, reference: Reference | None, context: MergeContext
) -> LastPrice:
    """Choose among one symbol's usable quotes (one a source).

    In this order: band and age, trades before references, outliers of three, jumps, disputes of two, newest first.
    Jumps come before disputes, so that our own last price is a witness before priority has to decide.
    """
    choice = LastPrice()
    candidates = _eligible(quotes, choice, reference=reference, context=context)
    for outlier in outliers(same_moment(candidates, context), context):
        choice.reasons[outlier.source] = Reason.OUTLIER
    candidates = _left(candidates, choice)
    if previous is not None:
        candidates = _hold_back_jumps(candidates, choice, previous=previous, context=context)
    candidates = _settle_dispute(candidates, choice, context)
    for quote in pick_order(candidates, context):
        reason = Reason.OLDER if choice.quote is not None else _backwards(quote, previous, context)
        if reason is None:
            choice.quote = quote
        else:
            choice.reasons[quote.source] = reason
    if choice.quote is None:
        _keep_previous(choice, previous, has_eligible=bool(candidates), context=context)
    else:
        _flag_witnesses(choice, candidates, context)
    return choice


def _left(candidates: Sequence[Quote], choice: LastPrice) -> list[Quote]:
    return [quote for quote in candidates if quote.source not in choice.reasons]


def _eligible(
    quotes: Sequence[Quote], choice: LastPrice, *, reference: Reference | None, context: MergeContext
) -> list[Quote]:
    candidates = []
    for quote in quotes:
        if quote.price is None:
            continue
        if is_outside_band(quote.price, quote, reference=reference, context=context):
            choice.reasons[quote.source] = Reason.OUTSIDE_BAND
        elif is_stale(quote, context):
            choice.reasons[quote.source] = Reason.STALE
        else:
            candidates.append(quote)
    if any(quote.price_kind in TRADED for quote in candidates):
        for quote in candidates:
            if quote.price_kind not in TRADED:
                choice.reasons[quote.source] = Reason.NOT_A_TRADE
    return _left(candidates, choice)


def _hold_back_jumps(
    candidates: list[Quote], choice: LastPrice, *, previous: LiveTicker, context: MergeContext
) -> list[Quote]:
    jumped = [
        quote
        for quote in candidates
        if has_jumped(quote, previous, context)
        and not is_confirmed(quote, candidates, previous=previous, context=context)
    ]
    if not jumped:
        return candidates
    for quote in jumped:
        choice.reasons[quote.source] = Reason.QUARANTINED
    first = pick_order(jumped, context)[0]
    choice.pending = held_back(first, previous, context)
    if looks_like_corporate_action(first, previous, context):
        choice.flags.add(Flag.CORPORATE_ACTION_CANDIDATE)
    return _left(candidates, choice)


def _settle_dispute(candidates: list[Quote], choice: LastPrice, context: MergeContext) -> list[Quote]:
    """Of two that contradict each other keep the one of higher priority; never average."""
    peers = same_moment(candidates, context)
    prices = [quote.price for quote in peers if quote.price is not None]
    if len(prices) < 2 or agree(min(prices), max(prices), symbol=peers[0].symbol, context=context):
        return candidates
    choice.flags.add(Flag.DISPUTED)
    if len(peers) > 2:  # the median has spoken: what is left is a wide market, told but not cut
        return candidates
    loser = max(peers, key=lambda quote: context.sources[quote.source].rank)
    choice.reasons[loser.source] = Reason.DISPUTED
    return _left(candidates, choice)


def _backwards(quote: Quote, previous: LiveTicker | None, context: MergeContext) -> Reason | None:
    """Return why our own last price is the better one: it is newer, or a trade of the same session.

    A trade replaces a reference price whatever its time, since the reference was only a stand-in.
    """
    if previous is None or previous.price is None:
        return None
    is_traded, was_traded = quote.price_kind in TRADED, previous.price_kind in TRADED
    if context.session_of(quote.event_time) == context.session_of(previous.event_time) and is_traded != was_traded:
        return Reason.NOT_A_TRADE if was_traded else None
    return Reason.LATE if quote.event_time < previous.event_time else None


def _keep_previous(
    choice: LastPrice, previous: LiveTicker | None, *, has_eligible: bool, context: MergeContext
) -> None:
    """Keep our own last price: always while a jump is held back, else within the session in progress."""
    if previous is None or previous.price is None:
        return
    holds_back = choice.pending is not None
    session = context.session_of(previous.event_time)
    if not holds_back and not context.is_current(session, symbol=previous.symbol, source=previous.source):
        return
    choice.keeps_previous = True
    if holds_back or Flag.QUARANTINED in previous.flags:
        choice.flags.add(Flag.QUARANTINED)
    if not holds_back:
        choice.pending = previous.pending
    if previous.price_kind not in TRADED:
        choice.flags.add(Flag.NOT_TRADED)
    limits = context.sources.get(previous.source)
    limit = limits.max_age_minutes if limits is not None else 0.0
    is_old = context.is_older(previous.event_time, symbol=previous.symbol, limit_minutes=limit)
    if not (holds_back or has_eligible) or is_old:
        choice.flags.add(Flag.STALE)


def _flag_witnesses(choice: LastPrice, candidates: Sequence[Quote], context: MergeContext) -> None:
    winner = choice.quote
    if winner is None:
        return
    if winner.price_kind not in TRADED:
        choice.flags.add(Flag.NOT_TRADED)
    if Flag.DISPUTED in choice.flags:
        return
    witnesses = [q for q in candidates if len(same_moment((winner, q), context)) == 2 or q is winner]
    if len(witnesses) == 1:
        choice.flags.add(Flag.SINGLE_SOURCE)
    elif len({context.sources[quote.source].feed for quote in witnesses}) == 1:
        choice.flags.add(Flag.SINGLE_FEED)
