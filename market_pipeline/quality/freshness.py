"""How old a table is, in minutes of open market time: a closed market is never stale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from market_pipeline.markets.schema import FreshnessLimits
from market_pipeline.model.session import MarketState

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
    come. So an opening that brings nothing is noticed after the limit, and not before. A newest event in the future
    proves nothing and is a WARN.
    """
    level, age, text = _judge(last_event, watch, limits)
    return Freshness(table, level, age, last_event, limits, f"{table}: {text}")


def _judge(
    last_event: datetime | None, watch: Watch, limits: FreshnessLimits
) -> tuple[FreshnessLevel, float | None, str]:
    now = watch.state.at
    waited = _minutes(watch, watch.expected_since, now)
    if last_event is None:
        if not watch.state.is_open:
            return FreshnessLevel.CLOSED, None, f"the market is closed ({watch.state.reason}); nothing ever came"
        level = FreshnessLevel.STALE if waited > limits.fail_minutes else FreshnessLevel.NEVER
        return level, None, f"nothing ever came, {waited:.0f} open minutes after it could (limit {_limit(limits)})"
    age = _minutes(watch, last_event, now)
    newest = f"newest event {last_event:%Y-%m-%d %H:%M} UTC, {age:.1f} open minutes old"
    if not watch.state.is_open:
        return FreshnessLevel.CLOSED, age, f"the market is closed ({watch.state.reason}); {newest}"
    if last_event > now:
        return FreshnessLevel.WARN, 0.0, f"the newest event ({last_event:%H:%M:%S} UTC) lies in the future"
    level = _level(age, min(age, waited), limits)
    return level, age, f"{newest} (limit {_limit(limits)})"


def _minutes(watch: Watch, start: datetime, end: datetime) -> float:
    return watch.open_minutes(start, end) if start < end else 0.0


def _level(age: float, waited: float, limits: FreshnessLimits) -> FreshnessLevel:
    if waited > limits.fail_minutes:
        return FreshnessLevel.STALE
    return FreshnessLevel.WARN if age > limits.warn_minutes else FreshnessLevel.FRESH


def _limit(limits: FreshnessLimits) -> str:
    return f"{limits.fail_minutes:g} min"
