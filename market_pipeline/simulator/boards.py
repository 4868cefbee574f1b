"""Which boards a market's exchange keeps, and the closes before them.

An instrument that trades in fractions stands on no board: its volumes are added up one by one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import date
from typing import Protocol, runtime_checkable

import numpy as np

from market_pipeline.model.session import Session
from market_pipeline.simulator.board import FILL_AT_ONCE, Board, Progress, trade_ns
from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.price_model import Block, Rows
from market_pipeline.simulator.tape import SECOND
from market_pipeline.simulator.timeline import Timeline, TradingPlan

SESSIONS_KEPT = 2
"""Of each group; a session of 8,800 instruments takes about 86 MB."""


@runtime_checkable
class Blocks(Protocol):
    """Where whole sessions of several instruments come from."""

    timeline: Timeline

    def plan(self, session: Session, group: str | None) -> TradingPlan:
        """Return the minutes in which a group can trade."""

    def block(self, rows: Rows, sessions: Sequence[Session]) -> Block:
        """Return one session a row, whole; all of them have plans of the same form."""


class Boards:
    """The boards of one market's last sessions, a board a group."""

    def __init__(self, listings: Sequence[Listing]) -> None:
        self._groups = by_group(listings)
        self._kept: OrderedDict[tuple[date, str | None], Board] = OrderedDict()

    def progress(
        self, listings: Sequence[Listing], session: Session, *, at: float, tapes: Blocks
    ) -> dict[str, Progress | None]:
        """Return symbol → progress of those listings that stand on a board."""
        found: dict[str, Progress | None] = {}
        for group, members in by_group(listings).items():
            board = self._board(group, session, tapes)
            symbols = [listing.symbol for listing in members]
            found |= zip(symbols, board.progress(members, at=at), strict=True)
        return found

    def _board(self, group: str | None, session: Session, tapes: Blocks) -> Board:
        key = session.session_date, group
        if key not in self._kept:
            self._kept[key] = Board(
                self._groups[group],
                tapes.plan(session, group),
                lambda rows: tapes.block(rows, [session] * len(rows.listings)),
            )
            while len(self._kept) > SESSIONS_KEPT * len(self._groups):
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def closes(listings: Sequence[Listing], session: Session, *, tapes: Blocks) -> dict[str, tuple[float, float]]:
    """Return symbol → last price of a session and its time, without keeping the session; nothing where none traded."""
    found: dict[str, tuple[float, float]] = {}
    for name, group in by_group(listings).items():
        starts = tapes.plan(session, name).starts
        for first in range(0, len(group) if len(starts) else 0, FILL_AT_ONCE):
            members = group[first : first + FILL_AT_ONCE]
            block = tapes.block(Rows(members), [session] * len(members))
            place, count = np.arange(len(members)), len(starts)
            last = count - 1 - np.argmax(block.traded[:, ::-1], axis=1)
            prices = Rows(members).prices(block.ticks[3])[place, last].tolist()
            trades = block.trades[place, last]
            times = trade_ns(starts[last], trades - 1, trades).tolist()
            for row in np.flatnonzero(block.traded.any(axis=1)).tolist():
                found[members[row].symbol] = prices[row], times[row] / SECOND
    return found


def by_group(listings: Sequence[Listing]) -> dict[str | None, list[Listing]]:
    """Return group → those of its members that trade in whole units."""
    groups: dict[str | None, list[Listing]] = {}
    for listing in listings:
        if listing.volume_decimals == 0:
            groups.setdefault(listing.group, []).append(listing)
    return groups
