"""The simulated exchange of one market: what is true at a moment, before any source delays or formats it.

Every answer is a pure function of the tapes and the moment `at` (epoch seconds); the order of questions never matters.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Protocol

import numpy as np

from market_pipeline.model.session import Session, SessionState
from market_pipeline.simulator.board import Progress
from market_pipeline.simulator.boards import Blocks, Boards, closes
from market_pipeline.simulator.daily import FEWEST_AT_ONCE, days_of
from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.recording import Stated
from market_pipeline.simulator.standing import Day, Standing, stated_or_none
from market_pipeline.simulator.tape import (
    SECOND,
    Columns,
    MinuteSoFar,
    SessionTape,
    Trade,
    joined,
    last_trade_of,
    minute_so_far,
    running_bar,
    told_trades,
    trades_of_minute,
)
from market_pipeline.simulator.timeline import Timeline, state_of, trading_ends

TAPES_KEPT = 4096
"""About eight sessions of 500 instruments; the oldest used one is dropped."""
MOST_KEPT = 200_000
"""Closes and days of all instruments that are remembered; all are forgotten when there are more."""
FEWEST_ON_A_BOARD = 24
"""So many instruments at once are worth matrices."""
CLOSE_SEARCH_SESSIONS = 10
"""An instrument that did not trade for so many sessions is worth its long-run price."""


class Tapes(Protocol):
    """Where sessions come from: the price model or a recording."""

    listings: tuple[Listing, ...]
    timeline: Timeline
    has_trades: bool
    """True when the trades inside a minute are known, so that the running minute can be shown."""
    has_minutes: bool
    """False when only whole days are known, so that there are no minute charts."""

    def tape(self, listing: Listing, session: Session) -> SessionTape:
        """Return the whole session, whatever the time is."""

    def stated(self, listing: Listing, day: date) -> Stated:
        """Return what is said of a day beside its tape."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Bars `first` up to but not including `last` of a tape, then the running minute as far as it has come."""

    tape: SessionTape
    first: int
    last: int
    running: Columns | None


class Exchange:
    """Answers for one market. Nothing here knows the time: callers name the moment."""

    def __init__(self, tapes: Tapes, *, seed: int) -> None:
        self.seed = seed
        self.timeline = tapes.timeline
        self.listings = {listing.symbol: listing for listing in tapes.listings}
        self.is_model = tapes.has_trades
        self._tapes = tapes
        self._kept: OrderedDict[tuple[str, date], SessionTape] = OrderedDict()
        self._closes: dict[tuple[str, date], tuple[float, float | None]] = {}
        self._days: dict[tuple[str, date], Day] = {}
        self._boards = Boards(tapes.listings)

    def standings(self, at: float, symbols: Iterable[str] | None = None) -> list[Standing]:
        """Return the standing of each known symbol (all by default); nothing before the first session."""
        session = self.timeline.begun_by(at)
        if session is None:
            return []
        phases: dict[str | None, tuple[SessionState, bool]] = {}
        wanted = self.listings if symbols is None else [symbol for symbol in symbols if symbol in self.listings]
        listings = [self.listings[symbol] for symbol in wanted]
        known = self._many(listings, session, at)
        rows = []
        for listing in listings:
            if listing.group not in phases:
                is_final = at >= trading_ends(session, listing.group)
                phases[listing.group] = state_of(session, listing.group, at), is_final
            symbol = listing.symbol
            progress = known[symbol] if symbol in known else self._progress_of(listing, session, at)
            rows.append(self._standing(listing, session, progress=progress, phase=phases[listing.group]))
        return rows

    def _many(self, listings: list[Listing], session: Session, at: float) -> dict[str, Progress | None]:
        """Return the progress of many instruments at once, and find out the closes before it; nothing for a few."""
        if not isinstance(self._tapes, Blocks) or len(listings) < FEWEST_ON_A_BOARD:
            return {}
        day = session.session_date
        unknown = [listing for listing in listings if (listing.symbol, day) not in self._closes]
        before = self.timeline.before(day)
        if unknown and before is not None:
            found = closes(unknown, before, tapes=self._tapes)
            if len(self._closes) > MOST_KEPT:
                self._closes.clear()
            self._closes |= {(symbol, day): close for symbol, close in found.items()}
        return self._boards.progress(listings, session, at=at, tapes=self._tapes)

    def _standing(
        self, listing: Listing, session: Session, *, progress: Progress | None, phase: tuple[SessionState, bool]
    ) -> Standing:
        (state, is_final), day = phase, session.session_date
        before, before_at = self._close_before(listing, day)
        if progress is None:
            return Standing(listing, day, state, before, before, before_at, is_final=is_final)
        return Standing(
            listing, day, state, before, progress.price, progress.traded_at,
            open=stated_or_none(progress.open), high=stated_or_none(progress.high), low=stated_or_none(progress.low),
            volume=stated_or_none(progress.volume), turnover=stated_or_none(progress.turnover),
            trades=progress.trades, last_size=progress.last_size, is_final=is_final,
        )  # fmt: skip

    def _progress_of(self, listing: Listing, session: Session, at: float) -> Progress | None:
        tape = self.tape(listing, session)
        done, running = self._progress(listing, tape, at)
        if done == 0 and running is None:
            return None
        last = done - 1
        prices = running.prices if running else []
        high = [float(tape.high_to[last])] if done else []
        low = [float(tape.low_to[last])] if done else []
        traded_at, price, size = self._last_trade(listing, tape, last, running=running)
        volume, turnover = _running_sums(tape, done, running)
        return Progress(
            float(tape.open[0]), max(high + prices), min(low + prices), price, traded_at,
            volume=round((float(tape.volume_to[last]) if done else 0.0) + volume, listing.volume_decimals),
            turnover=round((float(tape.turnover_to[last]) if done else 0.0) + turnover, 2),
            trades=(int(tape.trades_to[last]) if done else 0) + len(prices),
            last_size=size,
        )  # fmt: skip

    def _progress(self, listing: Listing, tape: SessionTape, at: float) -> tuple[int, MinuteSoFar | None]:
        """Return how many bars are finished at a moment, and how far the running one has come."""
        done = int(np.searchsorted(tape.starts, at - 60, side="right"))
        if not self._tapes.has_trades or done == len(tape) or tape.starts[done] > at:
            return done, None
        return done, minute_so_far(listing, tape, done, at=at)

    def _last_trade(
        self, listing: Listing, tape: SessionTape, last: int, *, running: MinuteSoFar | None = None
    ) -> tuple[float, float, float]:
        """Return time, price and size. A recording's trade is taken to fall in the last second of its minute."""
        if running is not None:
            return running.last_time, running.prices[-1], running.last_size
        if not self._tapes.has_trades:
            return float(tape.starts[last]) + 59.0, float(tape.close[last]), float(tape.volume[last])
        traded_at, size = last_trade_of(listing, tape, last)
        return traded_at, float(tape.close[last]), size

    def slices(self, symbol: str, *, start: float, end: float, at: float) -> Iterator[Slice]:
        """Give the bars with start <= minute < end that had begun at `at`, one slice a session, in time order."""
        if not self._tapes.has_minutes:
            return
        listing = self.listings[symbol]
        zone = self.timeline.zone
        first_day = datetime.fromtimestamp(start, zone).date()
        last_day = datetime.fromtimestamp(min(end, at), zone).date()
        for session in self.timeline.between(first_day, last_day):
            tape = self.tape(listing, session)
            done, so_far = self._progress(listing, tape, at)
            until = min(end, session.close.timestamp())  # a later auction's print is in quotes, never in charts
            first, last = (int(np.searchsorted(tape.starts, edge, side="left")) for edge in (start, until))
            running = running_bar(int(tape.starts[done]), so_far) if so_far and first <= done < last else None
            if first < min(last, done) or running is not None:
                yield Slice(tape, first, min(last, done), running)

    def minutes(self, symbol: str, *, start: float, end: float, at: float) -> Columns:
        """Return the bars with start <= minute < end that had begun at `at`, the running one included."""
        parts: list[Columns] = []
        for piece in self.slices(symbol, start=start, end=end, at=at):
            parts.append(piece.tape.rows(slice(piece.first, piece.last)))
            if piece.running is not None:
                parts.append(piece.running)
        return joined(parts)

    def session_dates(self, *, first: date, last: date, at: float) -> list[date]:
        """Return the dates of the sessions from `first` to `last`, both included, that were over at `at`, in order."""
        today = datetime.fromtimestamp(at, self.timeline.zone).date()
        sessions = self.timeline.between(first, min(last, today))
        return [session.session_date for session in sessions if session.last_phase_end.timestamp() <= at]

    def days(self, symbol: str, *, first: date, last: date, at: float) -> Iterator[Day]:
        """Give one row for each of these sessions."""
        listing, dates = self.listings[symbol], self.session_dates(first=first, last=last, at=at)
        found = {day: self._days[symbol, day] for day in dates if (symbol, day) in self._days}
        unknown = [day for day in dates if day not in found]
        sessions = [session for day in unknown if (session := self.timeline.session(day)) is not None]
        if isinstance(self._tapes, Blocks) and len(sessions) >= FEWEST_AT_ONCE:
            rows = days_of(listing, sessions, tapes=self._tapes, close_before=partial(self._close_number, listing))
        else:
            rows = [self._day(listing, session) for session in sessions]
        found |= {row.session_date: row for row in rows}
        if len(self._days) > MOST_KEPT:
            self._days.clear()
        self._days |= {(symbol, row.session_date): row for row in rows}
        yield from (found[day] for day in dates)

    def _close_number(self, listing: Listing, day: date) -> float:
        return self._close_before(listing, day)[0]

    def _day(self, listing: Listing, session: Session) -> Day:
        tape = self._whole(listing, session)
        before = self._close_number(listing, session.session_date)
        if not len(tape):
            return Day(session.session_date, before, None, None, None, None, None, None, None)
        edges = tape.open[0], tape.high_to[-1], tape.low_to[-1], tape.close[-1]
        first, high, low, last = (stated_or_none(float(edge)) for edge in edges)
        volume = stated_or_none(round(float(tape.volume_to[-1]), listing.volume_decimals))
        turnover = stated_or_none(round(float(tape.turnover_to[-1]), 2))
        adjusted = self._tapes.stated(listing, session.session_date).adjusted_close
        return Day(
            session.session_date, before, first, high, low, last, volume, turnover, int(tape.trades_to[-1]), adjusted
        )

    def trades(self, symbol: str, *, after_ns: int, at: float) -> Iterator[Trade]:
        """Give the trades with after_ns < time <= at (epoch nanoseconds, seconds), in order."""
        of_minute = trades_of_minute if self._tapes.has_trades else told_trades
        listing, until_ns = self.listings[symbol], int(at * SECOND)
        for piece in self.slices(symbol, start=after_ns // SECOND - 60, end=at + 60, at=at):
            for row in range(piece.first, piece.last + (piece.running is not None)):
                trades = of_minute(listing, piece.tape, row)
                yield from (trade for trade in trades if after_ns < trade.time_ns <= until_ns)

    def close_on(self, symbol: str, day: date) -> float:
        """Return the last close up to and including a trading date."""
        return self._close_before(self.listings[symbol], day + timedelta(days=1))[0]

    def tape(self, listing: Listing, session: Session) -> SessionTape:
        """Return a session's tape and keep it: quotes and charts of the same session come back to it."""
        key = listing.symbol, session.session_date
        tape = self._kept.get(key)
        if tape is None:
            tape = self._kept[key] = self._tapes.tape(listing, session)
            if len(self._kept) > TAPES_KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return tape

    def _whole(self, listing: Listing, session: Session) -> SessionTape:
        """Return a tape without keeping it: a long daily history must not push out the live session."""
        kept = self._kept.get((listing.symbol, session.session_date))
        return kept if kept is not None else self._tapes.tape(listing, session)

    def _close_before(self, listing: Listing, day: date) -> tuple[float, float | None]:
        """Return the last close before a trading date, and when it was made (None: not for a long time)."""
        key = listing.symbol, day
        if key not in self._closes:
            self._closes[key] = self._search_close(listing, day)
        return self._closes[key]

    def _search_close(self, listing: Listing, day: date) -> tuple[float, float | None]:
        stated = self._tapes.stated(listing, day).close_before
        session = self.timeline.before(day)
        for _ in range(CLOSE_SEARCH_SESSIONS):
            if session is None or stated is not None:
                break
            tape = self._whole(listing, session)
            if len(tape):
                traded_at, price, _ = self._last_trade(listing, tape, len(tape) - 1)
                return price, traded_at
            stated = self._tapes.stated(listing, session.session_date).close_before
            session = self.timeline.before(session.session_date)
        return listing.price if stated is None else stated, None


def _running_sums(tape: SessionTape, row: int, running: MinuteSoFar | None) -> tuple[float, float]:
    """Return volume and turnover of the running minute; turnover grows as volume does, so it never falls back."""
    if running is None:
        return 0.0, 0.0
    return running.volume, float(tape.turnover[row]) * running.volume / float(tape.volume[row])
