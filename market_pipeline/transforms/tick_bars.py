"""Trades → minute bars of origin ticks, for sources whose older minutes come only as paged trades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import isfinite

import numpy as np
import pyarrow as pa

from market_pipeline.model.bar import BarOrigin
from market_pipeline.model.session import Session
from market_pipeline.model.tick import Tick
from market_pipeline.transforms.bar_rows import (
    MINUTE,
    UTC_TIME,
    BarColumns,
    Bars,
    RejectedBar,
    make_rows,
    microseconds,
    no_rows,
    starts_of_groups,
    times,
)


def tick_bars(ticks: Sequence[Tick], *, session: Session, complete_until: datetime, known_at: datetime) -> Bars:
    """Return one session's bars from its trades, in any order; a minute without a trade has no bar.

    `complete_until` is the moment up to which all trades are there: a bar is final when its minute ended by then.
    Give whole minutes at the beginning. Pages overlap, so a trade_id counts once; trades without one all count.
    Trades of one moment are ordered by their trade_id. Set aside: `bad_price`, `bad_size`, `outside_session`,
    `duplicate`.
    """
    good, rejected = _sorted_out(ticks, session)
    if not good:
        return Bars(no_rows(), rejected)
    symbols = pa.array([tick.symbol for tick in good], pa.string())
    event = times(pa.array([tick.event_time for tick in good], UTC_TIME))
    price = np.array([tick.price for tick in good])
    size = np.array([tick.size for tick in good])
    codes = symbols.dictionary_encode().indices.to_numpy().astype(np.int64)
    minutes = event // MINUTE * MINUTE
    groups = starts_of_groups(codes, minutes)
    ends = np.append(groups[1:], len(good))
    values = {
        "open": price[groups],
        "high": np.maximum.reduceat(price, groups),
        "low": np.minimum.reduceat(price, groups),
        "close": price[ends - 1],
        "volume": np.add.reduceat(size, groups),
        "turnover": np.add.reduceat(price * size, groups),
    }
    columns = BarColumns(
        symbols.take(pa.array(groups)),
        minutes[groups],
        values,
        pa.array((ends - groups).astype(np.int32)),
        minutes[groups] + MINUTE <= microseconds(complete_until),
    )
    return Bars(make_rows(columns, session=session, origin=BarOrigin.TICKS, known_at=known_at), rejected)


def _sorted_out(ticks: Sequence[Tick], session: Session) -> tuple[list[Tick], tuple[RejectedBar, ...]]:
    """Return the good trades by symbol and time, and the others with their reasons."""
    good: list[Tick] = []
    rejected: list[RejectedBar] = []
    seen: set[tuple[str, str]] = set()
    for tick in sorted(ticks, key=_order):
        reason = _fault(tick, session)
        if reason is None and tick.trade_id is not None:
            if (tick.symbol, tick.trade_id) in seen:
                reason = "duplicate"
            seen.add((tick.symbol, tick.trade_id))
        if reason is None:
            good.append(tick)
        else:
            rejected.append(RejectedBar(tick.symbol, tick.event_time, reason))
    return good, tuple(rejected)


def _order(tick: Tick) -> tuple[str, datetime, int, str, float, float]:
    # ids are running numbers as text: the longer one is the later one
    trade_id = tick.trade_id or ""
    return tick.symbol, tick.event_time, len(trade_id), trade_id, tick.price, tick.size


def _fault(tick: Tick, session: Session) -> str | None:
    if not (isfinite(tick.price) and tick.price > 0):
        return "bad_price"
    if not (isfinite(tick.size) and tick.size > 0):
        return "bad_size"
    return None if session.open <= tick.event_time < session.close else "outside_session"
