"""What the merge knows besides the quotes: the moment, the market's limits, and which session a moment belongs to.

A session is named by the exchange's local date, which holds for every market whose session ends before midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from market_pipeline.markets.schema import MarketFile

FUTURE_TOLERANCE = timedelta(seconds=30)


class OpenMinutes(Protocol):
    """Counts minutes of open market time between two moments; 0 when the second is not later."""

    def __call__(self, a: datetime, b: datetime, *, group: str | None = None) -> float:
        """Count those of a group that keeps hours of its own, else the market's."""


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """What the merge needs of a source's rule. Sources without a feed group are a feed of their own."""

    rank: int
    feed: str
    delay: timedelta
    max_age_minutes: float
    """Open-market minutes, the declared delay included."""
    is_fallback: bool


class MergeContext:
    """One merge's surroundings; answers are remembered, because many symbols share their moments."""

    def __init__(self, market_file: MarketFile, *, now: datetime, open_minutes: OpenMinutes) -> None:
        self.now = now
        self.market = market_file.market
        self._currency = market_file.currency
        self._currencies = {rule.symbol: rule.currency for rule in market_file.symbols if rule.currency is not None}
        self.rule = market_file.merge
        self.latest_event_time = now + FUTURE_TOLERANCE
        self.sources = {
            rule.name: SourceLimits(
                rank,
                rule.feed_group or rule.name,
                timedelta(seconds=rule.declared_delay_seconds),
                rule.max_age_minutes + rule.declared_delay_seconds / 60,
                rule.is_fallback,
            )
            for rank, rule in enumerate(market_file.sources)
        }
        self._ticks = {rule.symbol: rule.tick_size for rule in market_file.symbols if rule.tick_size is not None}
        calendar = market_file.calendar
        own_hours = {*calendar.group_calendars, *(phase.group for phase in calendar.phases)}
        self._groups = {symbol: group for symbol, group in market_file.group_of.items() if group in own_hours}
        self._open_minutes = open_minutes
        self._zone = ZoneInfo(market_file.calendar.zone)
        self._today = now.astimezone(self._zone).date()
        self._today_start = self._start_of(self._today)
        self._today_end = self._start_of(self._today + timedelta(days=1))
        self._ages: dict[tuple[datetime, str | None], float] = {}
        self._days: dict[datetime, date] = {}
        self._current: dict[tuple[date, str, str | None], bool] = {}

    def tick_size(self, symbol: str) -> float | None:
        """Return the smallest price step of `symbol`, or None where the market file does not say."""
        return self._ticks.get(symbol)

    def currency_of(self, symbol: str) -> str:
        """Return the currency in which `symbol` trades."""
        return self._currencies.get(symbol, self._currency)

    def is_older(self, moment: datetime, *, symbol: str, limit_minutes: float) -> bool:
        """Tell whether `symbol` could trade for more than `limit_minutes` since `moment`."""
        # open time cannot be longer than wall time, which is far cheaper to know
        if (self.now - moment).total_seconds() <= limit_minutes * 60:
            return False
        key = moment, self._groups.get(symbol)
        age = self._ages.get(key)
        if age is None:
            age = self._ages[key] = self._open_minutes(moment, self.now, group=key[1])
        return age > limit_minutes

    def session_of(self, moment: datetime) -> date:
        """Return the session that `moment` belongs to."""
        if self._today_start <= moment < self._today_end:
            return self._today
        day = self._days.get(moment)
        if day is None:
            day = self._days[moment] = moment.astimezone(self._zone).date()
        return day

    def is_current(self, session: date, *, symbol: str, source: str) -> bool:
        """Tell whether `session` is still the one that `source` may be reporting.

        It is until `symbol` could trade again for longer than the source's prices are allowed to be old.
        """
        if session >= self._today:
            return True
        key = session, source, self._groups.get(symbol)
        answer = self._current.get(key)
        if answer is None:
            limits = self.sources.get(source)
            limit = limits.max_age_minutes if limits is not None else 0.0
            end = self._start_of(session + timedelta(days=1))
            answer = self._current[key] = self._open_minutes(end, self.now, group=key[2]) <= limit
        return answer

    def _start_of(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)
