"""When a source's turn comes: aligned to its cadence, and once more after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.source_due import Try, span_start, tries_since, why_not_due


def at(minute: int) -> datetime:
    return datetime(2026, 11, 19, 10, minute, 7, tzinfo=UTC)


def tried(minute: int, *statuses: str) -> Try:
    return Try(datetime(2026, 11, 19, 10, minute, tzinfo=UTC), frozenset(statuses))


@pytest.mark.parametrize("minute", [0, 2, 4])
def test_whoever_was_not_asked_in_the_present_span_is_due_whatever_the_minute(minute: int) -> None:
    assert why_not_due([], at(minute), cadence_minutes=5) == ""


def test_after_an_answer_it_is_asked_again_in_the_next_aligned_span() -> None:
    reason = why_not_due([tried(2, "ok", "timeout")], at(3), cadence_minutes=5)
    assert reason == "asked every 5 minutes, next at 10:05 UTC; the quotes of 10:02 are still in use"


@pytest.mark.parametrize("status", ["timeout", "parse_error", "empty"])
def test_a_try_that_brought_nothing_is_repeated_once(status: str) -> None:
    first, second = tried(0, status), tried(1, status)
    assert why_not_due([first], at(1), cadence_minutes=5) == ""
    reason = why_not_due([first, second], at(2), cadence_minutes=5)
    assert reason == f"asked every 5 minutes, next at 10:05 UTC; the try at 10:01 brought {status}"


@pytest.mark.parametrize("status", ["rate_limited", "blocked", "unauthorised"])
def test_who_refused_us_is_not_asked_sooner(status: str) -> None:
    assert "next at 10:05" in why_not_due([tried(0, status, "timeout")], at(1), cadence_minutes=5)


def test_in_five_minutes_it_is_never_asked_more_than_twice() -> None:
    tries: list[Try] = []
    for minute in range(5):
        if not why_not_due(tries, at(minute), cadence_minutes=5):
            tries.append(tried(minute, "timeout"))
    assert [one.as_of.minute for one in tries] == [0, 1]


@pytest.mark.parametrize(("cadence", "minute", "start"), [(5, 9, 5), (5, 5, 5), (15, 44, 30), (60, 59, 0)])
def test_spans_are_aligned_to_the_hour(cadence: int, minute: int, start: int) -> None:
    assert span_start(at(minute), cadence) == datetime(2026, 11, 19, 10, start, tzinfo=UTC)


def test_a_try_is_a_cycle_in_which_requests_were_sent(
    runtime: Runtime, clock: HandClock, exchange: RunningSimulator
) -> None:
    market, began = runtime.market("casablanca", in_cycle=True), clock.at
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503", "source": "african_markets"}]}))
    for _ in range(3):  # its breaker opens after five failed requests, three to a cycle
        fetch_quotes(runtime, market, only={"african_markets"})
        clock.advance(timedelta(seconds=45))
    tries = tries_since(runtime, market, "african_markets", since=began)
    assert tries == [Try(began, frozenset({"timeout"}))]
    assert tries_since(runtime, market, "wafa_bourse", since=began) == []
