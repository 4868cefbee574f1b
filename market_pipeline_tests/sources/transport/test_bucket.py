"""How a rate gives way to refusals and comes back; all times written out."""

from __future__ import annotations

import pytest

from market_pipeline.markets.schema import Budget
from market_pipeline.sources.transport.bucket import (
    BucketState,
    after_refusal,
    current_rate,
    reserved,
    seconds_to_turn,
    tokens_left,
    used_in_last_minute,
)

TWO_A_SECOND = Budget(per_second=2, burst=5)


def taken(state: BucketState, turns: int, now: float, budget: Budget = TWO_A_SECOND) -> BucketState:
    for _ in range(turns):
        state = reserved(state, budget, now, wait=seconds_to_turn(state, budget, now))
    return state


def test_a_refusal_halves_the_rate() -> None:
    assert current_rate(after_refusal(BucketState(), TWO_A_SECOND, 100.0), TWO_A_SECOND, 100.0) == 1.0


def test_refusals_within_ten_seconds_are_one_message() -> None:
    state = BucketState()
    for now in (100.0, 101.0, 109.9):
        state = after_refusal(state, TWO_A_SECOND, now)
    assert state.halved == 1
    assert after_refusal(state, TWO_A_SECOND, 110.0).halved == 2


def test_the_rate_never_falls_below_an_eighth() -> None:
    state = BucketState()
    for now in range(100, 200, 10):
        state = after_refusal(state, TWO_A_SECOND, float(now))
    assert current_rate(state, TWO_A_SECOND, 190.0) == 0.25


def test_it_recovers_by_a_twentieth_of_the_configured_rate_a_minute_up_to_all_of_it() -> None:
    state = after_refusal(BucketState(), TWO_A_SECOND, 100.0)
    rates = [current_rate(state, TWO_A_SECOND, 100.0 + 60 * minute) for minute in (0, 1, 5, 10, 11)]
    assert rates == pytest.approx([1.0, 1.1, 1.5, 2.0, 2.0])


def test_halving_gives_back_nothing_that_is_spent() -> None:
    state = taken(BucketState(), 5, 100.0)
    assert tokens_left(state, TWO_A_SECOND, 100.0) == 0
    halved = after_refusal(state, TWO_A_SECOND, 100.0)
    assert tokens_left(halved, TWO_A_SECOND, 100.0) == 0
    assert seconds_to_turn(halved, TWO_A_SECOND, 100.0) == 1.0


def test_a_pause_lets_one_turn_go_when_it_is_over_and_the_next_at_the_slower_rate() -> None:
    state = after_refusal(BucketState(), TWO_A_SECOND, 100.0, pause=7.0)
    assert seconds_to_turn(state, TWO_A_SECOND, 100.0) == 7.0
    after = taken(state, 1, 107.0)
    assert seconds_to_turn(after, TWO_A_SECOND, 107.0) == pytest.approx(1.0, abs=0.05)


def test_a_refusal_that_is_no_news_still_prolongs_the_pause() -> None:
    state = after_refusal(after_refusal(BucketState(), TWO_A_SECOND, 100.0), TWO_A_SECOND, 103.0, pause=5.0)
    assert state.halved == 1
    assert seconds_to_turn(state, TWO_A_SECOND, 103.0) == pytest.approx(5.0, abs=0.1)


def test_turns_are_counted_in_the_minute_in_which_they_go() -> None:
    state = taken(BucketState(), 7, 100.0)
    assert [used_in_last_minute(state, now) for now in (100.0, 101.0, 159.0, 161.0, 400.0)] == [7, 7, 7, 0, 0]
    late = reserved(BucketState(), TWO_A_SECOND, 100.0, wait=30.0)
    assert [used_in_last_minute(late, now) for now in (100.0, 130.0)] == [0, 1]


def test_a_turn_before_its_time_is_refused() -> None:
    with pytest.raises(ValueError, match="500 ms before it is due"):
        reserved(taken(BucketState(), 5, 100.0), TWO_A_SECOND, 100.0, wait=0.0)
