"""When a source is left alone, for how long, and how it is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import Blocked, BreakerOpen, RateLimited, SourceTimeout, SourceUnreachable
from market_pipeline.sources.transport.breaker import (
    Breaker,
    BreakerRule,
    BreakerState,
    after_failure,
    after_success,
    breaker_views,
    forget_breakers,
    may_ask,
)
from market_pipeline.sources.transport.shared_state import SharedState

DOWN = SourceUnreachable("HTTP 503")
RULE = BreakerRule()


def state_after(pattern: str, now: float = 0.0) -> BreakerState:
    """Replay `x` as a failure and `.` as an answer."""
    state = BreakerState()
    for mark in pattern:
        state = after_failure(state, RULE, DOWN, now=now) if mark == "x" else after_success(state, RULE)
    return state


def test_four_failures_in_a_row_leave_it_closed_and_a_fifth_opens_it_for_a_minute() -> None:
    assert state_after("xxxx").open_until is None
    assert state_after("xxxxx", now=100.0).open_until == 160.0


def test_an_answer_in_between_starts_the_row_anew() -> None:
    assert state_after("xxxx.xxxx").open_until is None


def test_a_row_of_429s_opens_it_later_because_the_budget_gives_way_first() -> None:
    state = state_after("xxxx")
    for _ in range(3):
        state = after_failure(state, RULE, RateLimited("HTTP 429"), now=0.0)
    assert state.open_until is None
    assert after_failure(state, RULE, RateLimited("HTTP 429"), now=0.0).open_until == 60.0


def test_429s_among_answers_never_open_it() -> None:
    state = BreakerState()
    for _ in range(20):
        state = after_failure(state, RULE, RateLimited("HTTP 429"), now=0.0)
        state = after_success(state, RULE)
    assert state.open_until is None


def test_half_of_twenty_failures_open_it_too() -> None:
    assert state_after("x." * 9 + "x").open_until is None
    assert state_after("x." * 9 + "xx").open_until == 60.0


def test_less_than_half_of_twenty_leave_it_closed() -> None:
    assert state_after("x.." * 20).open_until is None


def test_nothing_is_remembered_when_a_window_had_no_failure() -> None:
    assert state_after("x" + "." * 20) == BreakerState()


def test_a_failed_probe_lengthens_the_time_but_never_beyond_what_every_second_minute_allows() -> None:
    state, lengths, now = state_after("xxxxx"), [], 60.0
    for _ in range(3):
        state = after_failure(state, RULE, DOWN, now=now)
        assert state.open_until is not None
        lengths.append(state.open_until - now)
        now = state.open_until
    assert lengths == [90, 90, 90]


def test_a_good_probe_closes_it_and_forgets_the_past() -> None:
    assert after_success(state_after("xxxxx"), RULE) == BreakerState()


def test_what_was_under_way_when_it_opened_does_not_prolong_it() -> None:
    assert state_after("xxxxxxxx").open_until == 60.0


def test_a_retry_after_opens_it_at_once_for_as_long_as_the_source_says() -> None:
    told = RateLimited("HTTP 429", retry_after_seconds=300)
    assert after_failure(BreakerState(), RULE, told, now=10.0).open_until == 310.0


def test_a_try_that_another_one_follows_counts_but_waits_for_itself() -> None:
    told = RateLimited("HTTP 429", retry_after_seconds=5)
    state = after_failure(BreakerState(), RULE, told, now=10.0, has_retry=True)
    assert (state.recent, state.open_until) == ((2,), None)


def test_a_refusal_of_a_scraped_site_opens_it_for_the_time_of_the_rule() -> None:
    rule = BreakerRule(refusal_seconds=1800)
    assert after_failure(BreakerState(), rule, Blocked("HTTP 403"), now=0.0).open_until == 1800.0
    assert after_failure(BreakerState(), rule, DOWN, now=0.0).open_until is None


def test_one_probe_goes_when_the_time_is_up_and_another_if_it_never_reports() -> None:
    state = BreakerState(open_until=60.0, probe_until=None)
    assert not may_ask(state, 59.9)
    assert may_ask(state, 60.0)
    probed = BreakerState(open_until=60.0, probe_until=120.0)
    assert not may_ask(probed, 119.9)
    assert may_ask(probed, 120.0)


class Shared:
    """Two breakers over one file, as two processes have them."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
        self.one, self.other = (
            Breaker("dhan at api.dhan.co", RULE, SharedState(folder / "breaker.json"), self.clock) for _ in range(2)
        )

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


def test_processes_share_the_breaker_and_only_one_of_them_probes(tmp_path: Path) -> None:
    shared = Shared(tmp_path)
    for _ in range(5):
        shared.one.failed(SourceTimeout("slow"))
    with pytest.raises(BreakerOpen, match=r"left alone for another 60 s because of SourceTimeout") as caught:
        shared.other.ask()
    assert (caught.value.cause, caught.value.retry_after_seconds, caught.value.attempts) == (SourceTimeout, 60, 0)
    shared.wait(61)
    assert shared.one.ask()
    with pytest.raises(BreakerOpen):
        shared.other.ask()
    shared.one.succeeded()
    assert not shared.other.ask()


def test_the_try_that_opens_it_says_that_no_other_one_may_follow(tmp_path: Path) -> None:
    shared = Shared(tmp_path)
    assert [shared.one.stumbled(DOWN) for _ in range(5)] == [False, False, False, False, True]


def test_answers_of_a_healthy_source_write_nothing(tmp_path: Path) -> None:
    shared = Shared(tmp_path)
    shared.one.ask()
    shared.one.succeeded()
    assert list(tmp_path.iterdir()) == []


def test_the_breakers_of_a_source_can_be_seen_by_host(tmp_path: Path) -> None:
    clock = HandClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
    state = SharedState(tmp_path / "breaker_dhan_api.dhan.co.json")
    Breaker("dhan at api.dhan.co", RULE, state, clock).failed(RateLimited("HTTP 429", retry_after_seconds=300))
    assert {host: view.open_until for host, view in breaker_views(tmp_path, "dhan", clock).items()} == {
        "api.dhan.co": 300.0
    }


def test_all_breakers_of_a_folder_can_be_forgotten(tmp_path: Path) -> None:
    breaker = SharedState(tmp_path / "breaker_dhan_api.dhan.co.json")
    clock = HandClock(datetime(2026, 11, 20, 12, tzinfo=UTC))
    one = Breaker("dhan at api.dhan.co", RULE, breaker, clock)
    one.failed(RateLimited("HTTP 429", retry_after_seconds=300))
    assert forget_breakers(tmp_path) == 1
    one.ask()
