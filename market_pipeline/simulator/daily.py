"""Many finished sessions of one instrument at once: what a long daily history is made of.

Every number is the one that the session's own tape gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

import numpy as np

from market_pipeline.model.session import Session
from market_pipeline.simulator.board import FILL_AT_ONCE
from market_pipeline.simulator.boards import Blocks
from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.price_model import Block, Rows
from market_pipeline.simulator.standing import Day

FEWEST_AT_ONCE = 4
"""So many sessions at once are worth matrices."""
Sums = tuple[float, float, float, float, float, float, int]
"""Open, high, low, close, volume, turnover and trades."""


def days_of(
    listing: Listing, sessions: Sequence[Session], *, tapes: Blocks, close_before: Callable[[date], float]
) -> list[Day]:
    """Return one row for each of these sessions, in their order; `close_before` is asked where no row tells it."""
    sums = dict(_sums(listing, sessions, tapes))
    days: list[Day] = []
    for session in sessions:
        day, found = session.session_date, sums.get(session.session_date)
        last = days[-1].close if days and _follows(days[-1].session_date, session, tapes) else None
        before = close_before(day) if last is None else last
        days.append(Day(day, before, *(found or (None,) * 7)))
    return days


def _follows(before: date, session: Session, tapes: Blocks) -> bool:
    found = tapes.timeline.before(session.session_date)
    return found is not None and found.session_date == before


def _sums(listing: Listing, sessions: Sequence[Session], tapes: Blocks) -> Iterator[tuple[date, Sums]]:
    forms: dict[tuple[int, bytes], list[Session]] = {}
    for session in sessions:
        plan = tapes.plan(session, listing.group)
        if len(plan.starts):
            forms.setdefault((len(plan.starts), plan.prints.tobytes()), []).append(session)
    for alike in forms.values():
        for first in range(0, len(alike), FILL_AT_ONCE):
            chunk = alike[first : first + FILL_AT_ONCE]
            rows = Rows([listing] * len(chunk))
            yield from _rows(chunk, rows, tapes.block(rows, chunk))


def _rows(sessions: Sequence[Session], rows: Rows, block: Block) -> Iterator[tuple[date, Sums]]:
    first, high, low, close = (rows.prices(side) for side in block.ticks)
    volume, traded = rows.volumes(block.units), block.traded
    money = np.round(volume * (first + high + low + close) / 4, 2)
    place, count = np.arange(len(sessions)), traded.shape[1]
    columns = (
        first[place, np.argmax(traded, axis=1)],
        np.where(traded, high, -np.inf).max(axis=1),
        np.where(traded, low, np.inf).min(axis=1),
        close[place, count - 1 - np.argmax(traded[:, ::-1], axis=1)],
        np.cumsum(np.where(traded, volume, 0.0), axis=1)[:, -1],
        np.cumsum(np.where(traded, money, 0.0), axis=1)[:, -1],
        np.where(traded, block.trades, 0).sum(axis=1),
    )
    decimals = rows.listings[0].volume_decimals
    for row in np.flatnonzero(traded.any(axis=1)).tolist():
        opening, top, bottom, last, shares, turnover, trades = (column[row].item() for column in columns)
        sums = opening, top, bottom, last, round(shares, decimals), round(turnover, 2), trades
        yield sessions[row].session_date, sums
