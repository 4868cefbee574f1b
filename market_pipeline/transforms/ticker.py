"""Puts a live ticker together from the chosen price and field groups."""

from __future__ import annotations

from collections.abc import Sequence

from market_pipeline.model.live_ticker import FieldProvenance, LiveTicker
from market_pipeline.model.quote import Quote
from market_pipeline.transforms.field_groups import (
    BOOK,
    CHANGE_YTD,
    SESSION,
    VALUATION,
    GroupRule,
    Holder,
    Situation,
    choose_group,
    choose_reference,
    losers_of,
    provenance_of,
)
from market_pipeline.transforms.last_price import LastPrice
from market_pipeline.transforms.verdicts import Flag


class _Nobody:
    """Holds a group that no eligible source reported."""

    open = high = low = volume = turnover = None
    bid = bid_size = ask = ask_size = market_cap = change_ytd_percent = None


_NOBODY = _Nobody()


def assemble_ticker(
    holder: Holder, last: LastPrice, *, quotes: Sequence[Quote], trusted: Sequence[Quote], situation: Situation
) -> LiveTicker:
    """Return the ticker whose price and times are the holder's. Groups come only from `trusted` quotes."""
    has_price = last.quote is not None or last.keeps_previous
    price = holder.price if has_price else None
    provenance = {"last": _last_record(holder, last, quotes)}
    session = _group(SESSION, trusted, situation=situation, provenance=provenance)
    book = _group(BOOK, trusted, situation=situation, provenance=provenance)
    valuation = _group(VALUATION, trusted, situation=situation, provenance=provenance)
    change_ytd = _group(CHANGE_YTD, trusted, situation=situation, provenance=provenance)
    previous_close = _reference(quotes, situation, provenance)
    flags = last.flags if has_price else last.flags | {Flag.NO_PRICE}
    return LiveTicker(
        market=holder.market,
        symbol=holder.symbol,
        event_time=holder.event_time,
        received_time=holder.received_time,
        price=price,
        price_kind=holder.price_kind,
        source=holder.source,
        flags=tuple(sorted(flag.value for flag in flags)),
        open=session.open,
        high=session.high,
        low=session.low,
        previous_close=previous_close,
        volume=session.volume,
        turnover=session.turnover,
        bid=book.bid,
        bid_size=book.bid_size,
        ask=book.ask,
        ask_size=book.ask_size,
        market_cap=valuation.market_cap,
        change_1d_percent=_change_1d(price, previous_close, holder),
        change_ytd_percent=change_ytd.change_ytd_percent,
        provenance=provenance,
        pending=last.pending,
    )


def _group(
    rule: GroupRule, quotes: Sequence[Quote], *, situation: Situation, provenance: dict[str, FieldProvenance]
) -> Holder | _Nobody:
    chosen = choose_group(rule, quotes, situation)
    if chosen is None:
        return _NOBODY
    holder, provenance[rule.name] = chosen
    return holder


def _reference(quotes: Sequence[Quote], situation: Situation, provenance: dict[str, FieldProvenance]) -> float | None:
    chosen = choose_reference(quotes, situation)
    if chosen is None:
        return None
    value, record = chosen
    if record is not None:
        provenance["reference"] = record
    return value


def _last_record(holder: Holder, last: LastPrice, quotes: Sequence[Quote]) -> FieldProvenance:
    losers = losers_of(quotes, last.reasons, shown="price")
    if isinstance(holder, Quote):
        return provenance_of(holder, losers)
    return FieldProvenance(holder.source, holder.event_time, holder.received_time, holder.price_kind, losers)


def _change_1d(price: float | None, previous_close: float | None, holder: Holder) -> float | None:
    if price is not None and previous_close is not None:
        return (price / previous_close - 1) * 100
    return holder.change_1d_percent
