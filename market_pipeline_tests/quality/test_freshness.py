from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from market_pipeline.markets.schema import FreshnessLimits
from market_pipeline.model.session import MarketState, SessionState
from market_pipeline.quality.freshness import Freshness, FreshnessLevel, Watch, freshness

LIMITS = FreshnessLimits(warn_minutes=3, fail_minutes=5)


def at(day: int, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return datetime(2026, 11, day, int(hour), int(minute), tzinfo=UTC)


FRIDAY, SUNDAY, MONDAY = 20, 22, 23
SESSIONS = [(at(FRIDAY, "09:30"), at(FRIDAY, "15:30")), (at(MONDAY, "09:30"), at(MONDAY, "15:30"))]


def open_minutes(start: datetime, end: datetime) -> float:
    spans = (min(end, close) - max(start, opening) for opening, close in SESSIONS)
    return sum(max(span, timedelta()).total_seconds() for span in spans) / 60


def age(
    last: datetime | None,
    now: datetime,
    *,
    since: datetime | None = None,
    saw_opening: bool = False,
    limits: FreshnessLimits = LIMITS,
    interval: int = 1,
) -> Freshness:
    opening = next((o for o, close in SESSIONS if o <= now < close), None)
    state = SessionState.OPEN if opening else SessionState.CLOSED
    market = MarketState("casablanca", now, state, date(2026, 11, 20), None, "weekend", None)
    seen = opening if saw_opening else None
    watch = Watch(market, since or opening or now, open_minutes, opening=seen, quote_interval_minutes=interval)
    return freshness("live_tickers", last, watch=watch, limits=limits)


@pytest.mark.parametrize(
    ("minutes", "level"),
    [(0, "fresh"), (3, "fresh"), (4, "warn"), (5, "warn"), (6, "stale"), (90, "stale")],
)
def test_in_an_open_market_the_age_decides(minutes: int, level: str) -> None:
    now = at(FRIDAY, "12:00")
    found = age(now - timedelta(minutes=minutes), now)
    assert (found.level, found.age_minutes) == (FreshnessLevel(level), minutes)


def test_a_closed_weekend_is_never_stale() -> None:
    found = age(at(FRIDAY, "15:29"), at(SUNDAY, "12:00"))
    assert (found.level, found.age_minutes) == (FreshnessLevel.CLOSED, 1.0)
    assert found.text == (
        "live_tickers: the market is closed (weekend); newest event 2026-11-20 15:29 UTC, 1.0 open minutes old"
    )


def test_data_that_was_stale_at_the_close_is_not_stale_while_closed() -> None:
    assert age(at(FRIDAY, "11:00"), at(SUNDAY, "12:00")).level is FreshnessLevel.CLOSED


def test_the_first_minutes_after_the_weekend_are_not_stale() -> None:
    found = age(at(FRIDAY, "15:29"), at(MONDAY, "09:32"))
    assert (found.level, found.age_minutes) == (FreshnessLevel.FRESH, 3.0)


def test_an_opening_that_brings_nothing_is_noticed_after_the_limit() -> None:
    levels = [age(at(FRIDAY, "15:29"), at(MONDAY, f"09:{m}")).level.value for m in (33, 35, 36)]
    assert levels == ["warn", "warn", "stale"]


def test_an_old_warehouse_warns_until_the_opening_had_its_chance() -> None:
    levels = [age(at(FRIDAY, "10:00"), at(MONDAY, f"09:{m}")).level.value for m in (31, 35, 36)]
    assert levels == ["warn", "warn", "stale"]


def test_a_start_in_the_middle_of_a_session_has_its_chance_too() -> None:
    since = at(FRIDAY, "12:00")
    levels = [age(at(FRIDAY, "10:00"), at(FRIDAY, f"12:0{m}"), since=since).level.value for m in (1, 5, 6)]
    assert levels == ["warn", "warn", "stale"]


def test_an_opening_that_we_saw_bring_nothing_is_noticed_after_two_minutes() -> None:
    levels = [age(at(FRIDAY, "15:29"), at(MONDAY, f"09:{m}"), saw_opening=True).level.value for m in (31, 32, 33)]
    assert levels == ["fresh", "fresh", "stale"]
    text = age(at(FRIDAY, "15:29"), at(MONDAY, "09:33"), saw_opening=True).text
    assert text == (
        "live_tickers: no news 3 open minutes after the opening at 09:30 UTC (limit 2 min); "
        "newest event 2026-11-20 15:29 UTC, 4.0 open minutes old"
    )


def test_one_event_after_the_opening_is_news() -> None:
    assert age(at(MONDAY, "09:30"), at(MONDAY, "09:33"), saw_opening=True).level is FreshnessLevel.FRESH


def test_an_opening_without_any_event_ever_is_noticed_as_soon() -> None:
    assert age(None, at(MONDAY, "09:33"), saw_opening=True).level is FreshnessLevel.STALE


def test_sources_that_are_asked_every_five_minutes_show_an_opening_later() -> None:
    levels = [age(at(FRIDAY, "15:29"), at(MONDAY, f"09:{m}"), saw_opening=True, interval=5).level for m in (35, 36, 37)]
    assert levels == [FreshnessLevel.WARN, FreshnessLevel.STALE, FreshnessLevel.STALE]


def test_where_events_have_no_time_of_day_the_opening_is_not_judged_by_them() -> None:
    dated = FreshnessLimits(warn_minutes=400, fail_minutes=660, opening_minutes=None)
    assert age(at(FRIDAY, "09:30"), at(MONDAY, "09:40"), saw_opening=True, limits=dated).level is FreshnessLevel.FRESH


def test_a_market_that_never_had_data_is_stale_only_after_the_limit() -> None:
    early, late = age(None, at(MONDAY, "09:35")), age(None, at(MONDAY, "09:36"))
    assert (early.level, early.age_minutes) == (FreshnessLevel.NEVER, None)
    assert late.level is FreshnessLevel.STALE
    assert late.text == "live_tickers: nothing ever came, 6 open minutes after it could (limit 5 min)"


def test_a_closed_market_that_never_had_data_is_closed() -> None:
    found = age(None, at(SUNDAY, "12:00"))
    assert (found.level, found.age_minutes) == (FreshnessLevel.CLOSED, None)


def test_an_event_in_the_future_proves_nothing() -> None:
    now = at(FRIDAY, "12:00")
    found = age(now + timedelta(hours=1), now)
    assert (found.level, found.age_minutes) == (FreshnessLevel.WARN, 0.0)
    assert found.text == "live_tickers: the newest event (13:00:00 UTC) lies in the future"
