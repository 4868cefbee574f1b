"""Chooses who supplies each field group besides the price. A group is atomic: never high from one, low from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite

from market_pipeline.model.live_ticker import FieldProvenance, LiveTicker
from market_pipeline.model.quote import Quote
from market_pipeline.transforms.eligibility import book_fault, session_fault, valuation_fault
from market_pipeline.transforms.merge_context import MergeContext
from market_pipeline.transforms.verdicts import Reason
from market_pipeline.transforms.votes import Reference, agree, is_outside_band, pick_order

Holder = Quote | LiveTicker
"""Who holds a group's values: this cycle's quote, or our previous ticker that is carried on."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One symbol's surroundings while its groups are chosen. `session` is the one that the ticker speaks of."""

    context: MergeContext
    previous: LiveTicker | None
    reference: Reference | None
    session: date
    price_quote: Quote | None
    """The quote that supplied the price; None when the previous price stays or there is none."""


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One field group: its fields, the one that a loser is shown with, and what speaks against a report of it."""

    name: str
    fields: tuple[str, ...]
    shown: str
    fault: Callable[[Quote, Situation], Reason | None]
    is_carried: Callable[[FieldProvenance, Situation], bool]


def provenance_of(quote: Quote, losers: Mapping[str, str]) -> FieldProvenance:
    """Return the record of who supplied a group."""
    return FieldProvenance(quote.source, quote.event_time, quote.received_time, quote.price_kind, losers)


def losers_of(quotes: Sequence[Quote], reasons: Mapping[str, Reason], *, shown: str) -> dict[str, str]:
    """Return losing source → "value: reason"."""
    if not reasons:
        return {}
    return {q.source: f"{getattr(q, shown)}: {reasons[q.source]}" for q in quotes if q.source in reasons}


def choose_group(
    rule: GroupRule, quotes: Sequence[Quote], situation: Situation
) -> tuple[Holder, FieldProvenance] | None:
    """Return who supplies the group and the record of it; the previous ticker where it may be carried on."""
    present = [quote for quote in quotes if any(getattr(quote, name) is not None for name in rule.fields)]
    reasons: dict[str, Reason] = {}
    winner: Quote | None = None
    for quote in _order(present, situation):
        reason = Reason.OLDER if winner is not None else rule.fault(quote, situation)
        if reason is None:
            winner = quote
        else:
            reasons[quote.source] = reason
    losers = losers_of(present, reasons, shown=rule.shown)
    if winner is not None:
        return winner, provenance_of(winner, losers)
    return _carried(rule, losers, situation)


def choose_reference(quotes: Sequence[Quote], situation: Situation) -> tuple[float, FieldProvenance | None] | None:
    """Return the elected previous close with its record; None when nobody states one for this session."""
    elected, context, previous = situation.reference, situation.context, situation.previous
    if elected is None or elected.session != situation.session:
        return _own_reference(situation)
    outvoted = {
        rival.source: f"{rival.previous_close}: {Reason.OUTVOTED}"
        for rival in quotes
        if rival.previous_close is not None
        and not agree(rival.previous_close, elected.value, symbol=rival.symbol, context=context)
    }
    if elected.quote is not None:
        return elected.value, provenance_of(elected.quote, outvoted)
    record = previous.provenance.get("reference") if previous is not None else None
    return elected.value, record if record is None else _with_losers(record, outvoted)


def _own_reference(situation: Situation) -> tuple[float, FieldProvenance | None] | None:
    previous = situation.previous
    if previous is None or previous.previous_close is None:
        return None
    if situation.context.session_of(previous.event_time) != situation.session:
        return None
    return previous.previous_close, previous.provenance.get("reference")


def _order(present: list[Quote], situation: Situation) -> list[Quote]:
    return present if len(present) <= 1 else pick_order(present, situation.context)


def _carried(rule: GroupRule, losers: Mapping[str, str], situation: Situation) -> tuple[Holder, FieldProvenance] | None:
    previous = situation.previous
    record = previous.provenance.get(rule.name) if previous is not None else None
    if previous is None or record is None or not rule.is_carried(record, situation):
        return None
    return previous, _with_losers(record, losers)


def _with_losers(record: FieldProvenance, losers: Mapping[str, str]) -> FieldProvenance:
    return FieldProvenance(record.source, record.event_time, record.received_time, record.price_kind, losers)


def _session_fault(quote: Quote, situation: Situation) -> Reason | None:
    context = situation.context
    if context.session_of(quote.event_time) != situation.session:
        return Reason.OTHER_SESSION
    delay_minutes = context.sources[quote.source].delay.total_seconds() / 60
    limit = context.rule.session_max_age_minutes + delay_minutes
    if context.is_older(quote.event_time, symbol=quote.symbol, limit_minutes=limit):
        return Reason.STALE
    for price in (quote.open, quote.high, quote.low):
        if is_outside_band(price, quote, reference=situation.reference, context=context):
            return Reason.OUTSIDE_BAND
    return session_fault(quote, context) or _session_backwards(quote, situation)


def _session_backwards(quote: Quote, situation: Situation) -> Reason | None:
    """Return why the report contradicts what we knew of the same session: time and volume never go back."""
    context, previous = situation.context, situation.previous
    record = previous.provenance.get("session") if previous is not None else None
    if previous is None or record is None or context.session_of(record.event_time) != situation.session:
        return None
    if quote.event_time < record.event_time:
        return Reason.LATE
    has_fallen = quote.volume is not None and previous.volume is not None and quote.volume < previous.volume
    return Reason.VOLUME_FELL if has_fallen else None


def _book_fault(quote: Quote, situation: Situation) -> Reason | None:
    return book_fault(quote, situation.context)


def _valuation_fault(quote: Quote, situation: Situation) -> Reason | None:
    return valuation_fault(quote, situation.context)


def _ytd_fault(quote: Quote, situation: Situation) -> Reason | None:
    if situation.context.session_of(quote.event_time) != situation.session:
        return Reason.OTHER_SESSION
    own = situation.price_quote
    if own is not None and own.change_ytd_percent is not None and quote is not own:
        return Reason.OLDER  # a change follows the price that it was computed from
    is_number = quote.change_ytd_percent is not None and isfinite(quote.change_ytd_percent)
    return None if is_number else Reason.BAD_VALUE


def _is_same_session(record: FieldProvenance, situation: Situation) -> bool:
    return situation.context.session_of(record.event_time) == situation.session


def _is_recent(record: FieldProvenance, situation: Situation) -> bool:
    limit = timedelta(days=situation.context.rule.valuation_max_age_days)
    return situation.context.now - record.event_time <= limit


def _never(record: FieldProvenance, situation: Situation) -> bool:  # noqa: ARG001 - one signature for every group
    return False


SESSION = GroupRule(
    "session", ("open", "high", "low", "volume", "turnover"), "volume", _session_fault, _is_same_session
)
BOOK = GroupRule("book", ("bid", "bid_size", "ask", "ask_size"), "bid", _book_fault, _never)
VALUATION = GroupRule("valuation", ("market_cap",), "market_cap", _valuation_fault, _is_recent)
CHANGE_YTD = GroupRule("change_ytd", ("change_ytd_percent",), "change_ytd_percent", _ytd_fault, _is_same_session)
