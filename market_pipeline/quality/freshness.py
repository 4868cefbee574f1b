"""How old a table is, in minutes of open market time: a closed market is never stale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from market_pipeline.markets.schema import FreshnessLimits
from market_pipeline.model.session import MarketState

TIME_COLUMN = {
    "live_tickers": "event_time",
    "bars_1m": "interval_start",
    "indicators_1m": "interval_start",
    "levels_1m": "interval_start",
}
"""The tables whose age is judged, each by the newest time in this column."""

OpenMinutes = Callable[[datetime, datetime], float]
"""Minutes between two moments (UTC, the first not later) during which the market was open."""


class FreshnessLevel(StrEnum):
    """FRESH is good and STALE is bad; the others prove neither."""

    FRESH = "fresh"
    WARN = "warn"
    STALE = "stale"
    CLOSED = "closed"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Watch:
    """A market at one moment (`state.at`), as far as an age needs it."""

    state: MarketState
    expected_since: datetime
    """From when on data could have come: the later of this session's opening and our own start."""
    open_minutes: OpenMinutes
    opening: datetime | None = None
    """The session's opening, where we were there to see it; None after a start in the middle."""
    quote_interval_minutes: int = 1
    """How often the most frequent source is asked."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """A table's age. `age_minutes` counts open market time; None when nothing ever came."""

    table: str
    level: FreshnessLevel
    age_minutes: float | None
    last_event: datetime | None
    limits: FreshnessLimits
    text: str


def freshness(table: str, last_event: datetime | None, *, watch: Watch, limits: FreshnessLimits) -> Freshness:
    """Return how fresh `table` is at `watch.state.at`, given the newest event time it holds.

    STALE needs both: older than `limits.fail_minutes`, and as many open minutes waited since data could have
    come. An opening after which nothing new came is STALE sooner, after `limits.opening_minutes`. A newest event in
    the future proves nothing and is a WARN.
    """
    level, age, text = _judge(last_event, watch, limits)
    return Freshness(table, level, age, last_event, limits, f"{table}: {text}")


def _judge(
    last_event: datetime | None, watch: Watch, limits: FreshnessLimits
) -> tuple[FreshnessLevel, float | None, str]:
    now = watch.state.at
    age = None if last_event is None else _minutes(watch, last_event, now)
    newest = _newest_text(last_event, age)
    if not watch.state.is_open:
        return FreshnessLevel.CLOSED, age, f"the market is closed ({watch.state.reason}); {newest}"
    waited = _minutes(watch, watch.expected_since, now)
    if mute := _mute_opening(last_event, waited, watch=watch, limits=limits):
        return FreshnessLevel.STALE, age, f"{mute}; {newest}"
    if last_event is None or age is None:
        level = FreshnessLevel.STALE if waited > limits.fail_minutes else FreshnessLevel.NEVER
        return level, None, f"{newest}, {waited:.0f} open minutes after it could (limit {_limit(limits)})"
    if last_event > now:
        return FreshnessLevel.WARN, 0.0, f"the newest event ({last_event:%H:%M:%S} UTC) lies in the future"
    return _level(age, min(age, waited), limits), age, f"{newest} (limit {_limit(limits)})"


def _newest_text(last_event: datetime | None, age: float | None) -> str:
    if last_event is None or age is None:
        return "nothing ever came"
    return f"newest event {last_event:%Y-%m-%d %H:%M} UTC, {age:.1f} open minutes old"


def _mute_opening(last_event: datetime | None, waited: float, *, watch: Watch, limits: FreshnessLimits) -> str:
    """Return in words that nothing came since the opening; "" where something did, or may still."""
    if watch.opening is None or limits.opening_minutes is None:
        return ""
    patience = limits.opening_minutes + watch.quote_interval_minutes - 1
    if waited <= patience or (last_event is not None and last_event >= watch.opening):
        return ""
    return f"no news {waited:.0f} open minutes after the opening at {watch.opening:%H:%M} UTC (limit {patience:g} min)"


def _minutes(watch: Watch, start: datetime, end: datetime) -> float:
    return watch.open_minutes(start, end) if start < end else 0.0


def _level(age: float, waited: float, limits: FreshnessLimits) -> FreshnessLevel:
    if waited > limits.fail_minutes:
        return FreshnessLevel.STALE
    return FreshnessLevel.WARN if age > limits.warn_minutes else FreshnessLevel.FRESH


def _limit(limits: FreshnessLimits) -> str:
    return f"{limits.fail_minutes:g} min"
