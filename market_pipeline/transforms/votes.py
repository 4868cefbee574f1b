"""How several sources are weighed against each other: order of picking, outliers, agreement, the session's reference.

Who counts as a vote (rule 9). Comparing finds errors made *behind* the shared feed (a wrong unit, a shifted column,
an old page): each source makes its own, so every source has one vote. Confirming asks whether the price itself is
true, and there resellers of one feed repeat one witness: every feed has one vote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.quote import Quote
from market_pipeline.transforms.eligibility import is_positive, last_possible_time
from market_pipeline.transforms.merge_context import MergeContext

SCALED_MAD = 1.4826
"""Turns a median absolute deviation into a standard deviation of normal errors."""
OUTLIER_TICKS = 5
OUTLIER_DEVIATIONS = 3


def pick_order(quotes: Sequence[Quote], context: MergeContext) -> list[Quote]:
    """Return the reports best first: the newest wins, and a coarser time is no newer than a finer one inside it.

    Among reports whose stretches of time overlap the newest one, the finer timestamp, then the source's priority. A
    fallback comes after all others, whatever its time.
    """
    if len(quotes) <= 1:
        return list(quotes)
    first = [quote for quote in quotes if not context.sources[quote.source].is_fallback]
    last = [quote for quote in quotes if context.sources[quote.source].is_fallback]
    return [*_newest_first(first, context), *_newest_first(last, context)]


def _newest_first(quotes: Sequence[Quote], context: MergeContext) -> Iterator[Quote]:
    remaining = list(quotes)
    while remaining:
        newest = max(quote.event_time for quote in remaining)
        overlapping = [q for q in remaining if q.event_time == newest or last_possible_time(q) > newest]
        best = min(overlapping, key=lambda q: (q.event_precision_seconds, context.sources[q.source].rank))
        remaining.remove(best)
        yield best


def same_moment(quotes: Sequence[Quote], context: MergeContext) -> list[Quote]:
    """Return those that may be compared with the newest one: only prices of the same moment can contradict."""
    if len(quotes) <= 1:
        return list(quotes)
    newest = max(quote.event_time for quote in quotes)
    window = timedelta(minutes=context.rule.same_moment_minutes)
    return [quote for quote in quotes if newest - last_possible_time(quote) <= window]


def outliers(peers: Sequence[Quote], context: MergeContext) -> list[Quote]:
    """Return those of three or more peers that lie too far from the median: > max(2 %, 5 ticks, 3 scaled MAD)."""
    prices = [quote.price for quote in peers if quote.price is not None]
    if len(prices) < 3:
        return []
    middle = median(prices)
    spread = SCALED_MAD * median(abs(price - middle) for price in prices)
    limit = max(tolerance(middle, peers[0].symbol, context), OUTLIER_DEVIATIONS * spread)
    return [quote for quote in peers if quote.price is not None and abs(quote.price - middle) > limit]


def tolerance(price: float, symbol: str, context: MergeContext) -> float:
    """Return by how much two honest reports of one price may differ: the market's percentage, at least five ticks."""
    tick = context.tick_size(symbol) or 0.0
    return max(price * context.rule.outlier_percent / 100, OUTLIER_TICKS * tick)


def agree(first: float, second: float, *, symbol: str, context: MergeContext) -> bool:
    """Tell whether two prices are the same but for rounding, spread and a few seconds."""
    return abs(first - second) <= tolerance(min(first, second), symbol, context)


@dataclass(frozen=True, slots=True)
class Reference:
    """The previous close that the session is measured against; quote None means our own previous ticker's."""

    value: float
    quote: Quote | None
    session: date


def elect_reference(quotes: Sequence[Quote], previous: LiveTicker | None, context: MergeContext) -> Reference | None:
    """Return the newest session's previous close on which most prices agree, or None when nobody states one.

    A source that errs by ×100 errs in its own reference as well, so each statement is judged by the prices of all
    sources and by our own last price. It does not change within a session: on a tie ours stays.
    """
    stated = _stated_references(quotes, previous, context)
    if len(stated) > 1:
        newest = max(reference.session for reference in stated)
        stated = [reference for reference in stated if reference.session == newest]
    if len(stated) <= 1:
        return stated[0] if stated else None
    witnesses = [quote.price for quote in quotes if quote.price is not None]
    if previous is not None and previous.price is not None:
        witnesses.append(previous.price)
    return max(stated, key=lambda reference: _standing(reference, witnesses, context))


def _stated_references(quotes: Sequence[Quote], previous: LiveTicker | None, context: MergeContext) -> list[Reference]:
    stated = []
    for quote in quotes:
        if quote.previous_close is not None and is_positive(quote.previous_close):
            session = context.session_of(quote.event_time)
            if context.is_current(session, symbol=quote.symbol, source=quote.source):
                stated.append(Reference(quote.previous_close, quote, session))
    if previous is not None and previous.previous_close is not None:
        session = context.session_of(previous.event_time)
        if context.is_current(session, symbol=previous.symbol, source=previous.source):
            stated.append(Reference(previous.previous_close, None, session))
    return stated


def _standing(candidate: Reference, witnesses: Sequence[float], context: MergeContext) -> tuple[int, bool, int]:
    percent = context.rule.daily_band_percent or context.rule.jump_percent
    votes = sum(abs(price / candidate.value - 1) * 100 <= percent for price in witnesses)
    quote = candidate.quote
    return votes, quote is None, -context.sources[quote.source].rank if quote is not None else 0


def is_outside_band(price: float | None, quote: Quote, *, reference: Reference | None, context: MergeContext) -> bool:
    """Tell whether a price of the quote lies beyond the exchange's daily limit around its session's reference.

    One tick is forgiven: exchanges round their limits. Without a known limit or reference nothing lies outside.
    """
    percent = context.rule.daily_band_percent
    if percent is None or reference is None or price is None:
        return False
    if context.session_of(quote.event_time) != reference.session:
        return False
    slack = (context.tick_size(quote.symbol) or 0.0) + reference.value * 1e-9
    return abs(price - reference.value) > reference.value * percent / 100 + slack
