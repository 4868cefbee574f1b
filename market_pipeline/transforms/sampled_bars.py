"""Polls of the live tickers → sampled bars: what can honestly be said about a minute that was looked at once.

A pure function of the polls: their order does not matter, and neither do duplicates. There is no bar without a poll
that brought something new, so never a flat filler.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.bar import BarOrigin
from market_pipeline.model.quote import PriceKind
from market_pipeline.model.session import Session, SessionState
from market_pipeline.transforms.bar_rows import (
    MINUTE,
    BarColumns,
    Bars,
    Integers,
    Reals,
    Truths,
    codes_of,
    make_rows,
    microseconds,
    no_rows,
    reals,
    starts_of_groups,
    times,
)
from market_pipeline.transforms.verdicts import Flag

POLL_COLUMNS = (
    "symbol",
    "event_time",
    "known_at",
    "price",
    "price_kind",
    "flags",
    "high_24h",
    "low_24h",
    "volume",
    "turnover",
)
"""What is read of the table live_tickers."""
_OLD_NEWS = (Flag.STALE.value, Flag.QUARANTINED.value)
"""Such a poll repeats an earlier trade: it makes no bar, yet its volume is a base for the next one."""


def sampled_bars(
    polls: pa.Table, *, session: Session, as_of: datetime, declared_delay_seconds: float, since: datetime | None = None
) -> Bars:
    """Return one session's bars of origin sampled from its polls (rows of live_tickers, any order, duplicates too).

    The bar of a minute is made of the polls whose event_time lies in it; those of the opening auction belong to the
    first minute. Open and close are the first and the last polled price; high and low are their extremes, widened by
    the session's high and low where those moved since the poll before. Volume and turnover are the growth of the
    session's since the last poll before the minute: null without such a poll, but all of it in the first minute.
    n_ticks counts polls with a new event_time or volume; stale and held-back ones only serve as a base. A bar is
    final once `as_of` is past its end by the delay.

    Give the polls from some minutes before `since` on: earlier minutes only serve as the base of later ones.
    """
    trades = _trades(polls, session)
    if trades.num_rows == 0:
        return Bars(no_rows())
    distinct, texts = _distinct(trades, session)
    groups = starts_of_groups(distinct.codes, distinct.minutes)
    n_ticks = np.add.reduceat(distinct.is_news.astype(np.int32), groups)
    starts = distinct.minutes[groups]
    final_until = microseconds(as_of - timedelta(seconds=declared_delay_seconds))
    columns = BarColumns(
        pa.array(texts, pa.string()).take(pa.array(distinct.codes[groups])),
        starts,
        _values(distinct, groups, first_minute=microseconds(session.open)),
        pa.array(n_ticks),
        starts + MINUTE <= final_until,
    )
    rows = make_rows(columns, session=session, origin=BarOrigin.SAMPLED, known_at=as_of)
    first = microseconds(session.open if since is None else since)
    return Bars(rows.filter(pa.array((n_ticks > 0) & (starts >= first))))


@dataclass(frozen=True)
class _Polls:
    """Distinct polls by symbol and time."""

    codes: Integers
    minutes: Integers
    price: Reals
    high: Reals
    low: Reals
    volume: Reals
    turnover: Reals
    is_news: Truths


def _trades(polls: pa.Table, session: Session) -> pa.Table:
    """Return the polls that show a trade of this session, with `is_news` false for those that repeat an earlier one."""
    auctions = [phase.start for phase in session.phases if phase.state is SessionState.AUCTION]
    event, price = polls["event_time"], polls["price"]
    conditions = [
        pc.greater_equal(event, min([session.open, *auctions])),
        pc.less(event, session.close),
        pc.equal(polls["price_kind"], PriceKind.TRADE.value),
        pc.is_finite(price),
        pc.greater(price, 0),
        pc.invert(_is_flagged(polls["flags"], (Flag.NOT_TRADED.value,))),
    ]
    is_news = pc.invert(_is_flagged(polls["flags"], _OLD_NEWS))
    return polls.select(POLL_COLUMNS).append_column("is_news", is_news).filter(reduce(pc.and_kleene, conditions))


def _is_flagged(flags: pa.ChunkedArray, names: tuple[str, ...]) -> pa.Array:
    column = flags.combine_chunks()
    is_flagged = np.zeros(len(column), dtype=bool)
    is_named = pc.is_in(pc.list_flatten(column), value_set=pa.array(names))
    is_flagged[pc.filter(pc.list_parent_indices(column), is_named).to_numpy()] = True
    return pa.array(is_flagged)


def _distinct(trades: pa.Table, session: Session) -> tuple[_Polls, list[str]]:
    (codes,), texts = codes_of(trades["symbol"])
    event, volume, price = times(trades["event_time"]), reals(trades["volume"]), reals(trades["price"])
    high, low, turnover = reals(trades["high_24h"]), reals(trades["low_24h"]), reals(trades["turnover"])
    is_news: Truths = trades["is_news"].to_numpy().astype(bool)
    known_volume = np.where(np.isnan(volume), -1.0, volume)
    order = np.lexsort((turnover, low, high, price, times(trades["known_at"]), is_news, known_volume, event, codes))
    # of polls of one event and volume the one known last counts, since it has the source's corrections
    firsts = starts_of_groups(codes[order], event[order], known_volume[order])
    kept = order[np.append(firsts[1:], len(order)) - 1]
    minutes = np.maximum(event[kept] // MINUTE * MINUTE, microseconds(session.open))
    polls = _Polls(
        codes[kept], minutes, price[kept], high[kept], low[kept], volume[kept], turnover[kept], is_news[kept]
    )
    return polls, texts


def _values(polls: _Polls, groups: Integers, *, first_minute: int) -> dict[str, Reals]:
    ends = np.append(groups[1:], len(polls.codes))
    is_first = np.append(True, polls.codes[1:] != polls.codes[:-1])
    opens_session = polls.minutes == first_minute
    rose = opens_session | (~is_first & (polls.high > np.roll(polls.high, 1)))
    fell = opens_session | (~is_first & (polls.low < np.roll(polls.low, 1)))
    highs = np.fmax(polls.price, np.where(rose, polls.high, np.nan))
    lows = np.fmin(polls.price, np.where(fell, polls.low, np.nan))
    base = ~is_first[groups], opens_session[groups]
    return {
        "open": polls.price[groups],
        "high": np.maximum.reduceat(highs, groups),
        "low": np.minimum.reduceat(lows, groups),
        "close": polls.price[ends - 1],
        "volume": _growth(polls.volume, groups, ends, base=base),
        "turnover": _growth(polls.turnover, groups, ends, base=base),
    }


def _growth(amounts: Reals, groups: Integers, ends: Integers, *, base: tuple[Truths, Truths]) -> Reals:
    """Return by how much a session's amount grew in each minute; NaN without a base, or where it fell."""
    has_base, counts_all = base
    before = np.where(has_base, amounts[groups - 1], np.where(counts_all, 0.0, np.nan))
    growth = amounts[ends - 1] - before
    return np.where(growth < 0, np.nan, growth)
