"""Stored minute bars → bars of another timeframe: reads the sessions, asks the calendar for their hours, resamples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import batched

import pyarrow as pa

from market_pipeline.errors import CalendarError
from market_pipeline.markets.schema import MarketFile
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.storage.tables import BARS_1M
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline.transforms.resample import Reach, SessionHours, reach, resample

SYMBOLS_AT_ONCE, SESSIONS_AT_ONCE = 20, 60
"""So many symbols are few: their minutes of many sessions are read at once. Of more, a session at a time."""


class TimeframeBars:
    """Gives one market's bars in one timeframe, session by session, as far as the warehouse is when it is made."""

    def __init__(
        self, warehouse: Warehouse, file: MarketFile, *, timeframe: str, symbols: Sequence[str] | None
    ) -> None:
        self.market = file.market
        self.timeframe = timeframe
        self._warehouse = warehouse
        self._calendar = calendar_for(file)
        self._symbols = symbols
        self._reached: Reach | None = None

    def stored_sessions(self) -> list[date]:
        """Return the session dates that have bars, oldest first."""
        return self._warehouse.sessions(BARS_1M, self.market)

    def traded_symbols(self) -> list[str]:
        """Return the symbols asked for, or all that have a bar."""
        if self._symbols is not None:
            return list(self._symbols)
        traded: list[str] = self._warehouse.latest(BARS_1M, self.market, columns=["symbol"])["symbol"].to_pylist()
        return traded

    def read(self, sessions: Sequence[date]) -> pa.Table:
        """Return the bars of these sessions, by session or by a few sessions, in the columns of minute bars."""
        parts = [self._of(days) for days in self._portions(sessions)]
        return pa.concat_tables([BARS_1M.schema.empty_table(), *parts])

    def _portions(self, sessions: Sequence[date]) -> Iterator[tuple[date, ...]]:
        are_few = self._symbols is not None and len(self._symbols) <= SYMBOLS_AT_ONCE
        return batched(sessions, SESSIONS_AT_ONCE if are_few else 1)

    def _of(self, days: tuple[date, ...]) -> pa.Table:
        bars = self._warehouse.read(BARS_1M, self.market, sessions=days, symbols=self._symbols)
        if self.timeframe == "1m":
            return bars
        hours = {day: found for day in days if (found := self._hours(day)) is not None}
        return resample(bars, self.timeframe, hours=hours, reached=self._reach())

    def _hours(self, day: date) -> SessionHours | None:
        try:
            hours = self._calendar.hours(day)
        except CalendarError:  # a session stored under another calendar, from before this one's beginning
            return None
        return SessionHours(hours.open, hours.close, hours.pause) if hours is not None else None

    def _reach(self) -> Reach:
        if self._reached is None:
            newest = self._warehouse.latest(BARS_1M, self.market)
            self._reached = reach(newest, self._warehouse.closed_sessions(self.market))
        return self._reached
