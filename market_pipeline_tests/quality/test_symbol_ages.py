"""Ages of symbols in open minutes of their own hours, as arrays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np

from market_pipeline.quality.symbol_ages import OpenTime, Symbols, TierAges, moments, tier_ages


def at(day: int, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return datetime(2026, 11, day, int(hour), int(minute), tzinfo=UTC)


FRIDAY, MONDAY = 20, 23
HOURS = OpenTime([(at(MONDAY, "09:30"), at(MONDAY, "15:30")), (at(FRIDAY, "09:30"), at(FRIDAY, "15:30"))])
LATER = OpenTime([(at(MONDAY, "14:30"), at(MONDAY, "21:00"))])


def ages(*events: datetime | None, now: datetime) -> list[float]:
    return [round(float(age), 3) for age in HOURS.ages(moments(events), now)]


def test_only_open_minutes_count() -> None:
    now = at(MONDAY, "10:00")
    events = (at(MONDAY, "09:58"), at(MONDAY, "09:00"), at(FRIDAY, "15:29"), at(FRIDAY, "16:00"))
    assert ages(*events, now=now) == [2, 30, 31, 30]


def test_while_closed_nothing_grows_older() -> None:
    assert ages(at(FRIDAY, "15:29"), now=at(22, "12:00")) == [1]


def test_an_event_before_the_known_sessions_is_as_old_as_all_of_them() -> None:
    assert ages(at(1, "12:00"), now=at(MONDAY, "10:00")) == [390]


def test_the_future_is_not_negative_and_the_unknown_is_unknown() -> None:
    future, unknown = ages(at(MONDAY, "11:00"), None, now=at(MONDAY, "10:00"))
    assert future == 0
    assert np.isnan(unknown)


def test_a_market_without_sessions_has_no_ages() -> None:
    assert OpenTime([]).ages(moments([at(MONDAY, "09:58")]), at(MONDAY, "10:00")).tolist() == [0]


def board(answered: list[datetime | None], groups: list[str] | None = None, tiers: list[int] | None = None) -> Symbols:
    count = len(answered)
    return Symbols(
        names=np.array([f"S{n}" for n in range(count)], dtype=object),
        tiers=np.array(tiers or [1] * count),
        groups=np.array(groups or [""] * count, dtype=object),
        events=moments(answered),
        answered=moments(answered),
    )


def judged(symbols: Symbols, *, waited: float = 30) -> tuple[TierAges, ...]:
    hours = {"": HOURS, "new_york": LATER}
    return tier_ages(symbols, hours, now=at(MONDAY, "10:00"), waited_minutes=waited, limit_minutes=5)


def test_a_symbol_is_old_when_no_source_answered_within_the_limit_and_the_oldest_is_named_first() -> None:
    (tier,) = judged(board([at(MONDAY, "09:59"), at(MONDAY, "09:54"), None, at(MONDAY, "09:40")]))
    assert (tier.listed, tier.old, tier.never, tier.old_share) == (4, 3, 1, 0.75)
    assert tier.oldest == ("S2", "S3", "S1")
    assert tier.answer_minutes == (6.0, 20.0, 20.0)
    assert tier.text == "tier 1: 3 of 4 symbols without an answer for 5 open minutes (S2, S3, S1); median age 6.0 min"


def test_nobody_is_old_before_there_was_time_to_ask() -> None:
    (tier,) = judged(board([None, at(FRIDAY, "12:00")]), waited=5)
    assert (tier.old, tier.oldest) == (0, ())


def test_tiers_are_judged_apart() -> None:
    first, second = judged(board([at(MONDAY, "09:59"), None], tiers=[1, 2]))
    assert (first.tier, first.old, second.tier, second.old) == (1, 0, 2, 1)


def test_a_group_keeps_the_hours_of_its_own_exchange() -> None:
    (tier,) = judged(board([at(FRIDAY, "20:00"), at(FRIDAY, "20:00")], groups=["", "new_york"]))
    assert tier.oldest == ("S0",)


def test_ten_thousand_symbols_are_cheap() -> None:
    symbols = board([at(MONDAY, "09:00") + timedelta(seconds=n) for n in range(10_000)])
    judged(symbols)
    began = perf_counter()
    judged(symbols)
    assert perf_counter() - began < 0.25
