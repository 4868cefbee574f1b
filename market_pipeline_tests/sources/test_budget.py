"""Our own limit on requests, in one process and among several."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock, SystemClock
from market_pipeline.errors import BudgetExhausted
from market_pipeline.markets.schema import Budget, SourceRule
from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.budget import Budgets, TokenBucket
from market_pipeline.sources.shared_state import SharedState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Waiting:
    """A hand clock whose sleep moves it."""

    def __init__(self) -> None:
        self.clock = HandClock(NOON)
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(round(seconds, 3))
        self.clock.advance(timedelta(seconds=seconds))


def bucket(folder: Path, waiting: Waiting, per_second: float, burst: int) -> TokenBucket:
    rate, state = Budget(per_second=per_second, burst=burst), SharedState(folder / "budget.json")
    return TokenBucket("dhan/quote", rate, state, waiting.clock, waiting.sleep)


def test_a_burst_goes_at_once_and_the_rest_at_the_rate(tmp_path: Path) -> None:
    waiting = Waiting()
    for _ in range(5):
        bucket(tmp_path, waiting, 4.0, burst=3).acquire(timeout=10)
    assert waiting.pauses == [0.25, 0.25]


def test_a_rate_below_one_a_second_is_kept(tmp_path: Path) -> None:
    waiting = Waiting()
    for _ in range(3):
        bucket(tmp_path, waiting, 0.9, burst=1).acquire(timeout=10)
    assert waiting.pauses == [1.112, 1.112]


def test_unused_turns_come_back_up_to_the_burst(tmp_path: Path) -> None:
    waiting = Waiting()
    for _ in range(2):
        bucket(tmp_path, waiting, 1.0, burst=2).acquire(timeout=10)
    waiting.clock.advance(timedelta(hours=1))
    for _ in range(3):
        bucket(tmp_path, waiting, 1.0, burst=2).acquire(timeout=10)
    assert waiting.pauses == [1.0]


def test_a_turn_that_comes_too_late_is_refused_at_once_and_not_spent(tmp_path: Path) -> None:
    waiting = Waiting()
    one = bucket(tmp_path, waiting, 0.1, burst=1)
    one.acquire(timeout=0)
    with pytest.raises(BudgetExhausted, match=r"the next turn is in 10\.0 s, the caller can wait 9\.0 s") as caught:
        one.acquire(timeout=9)
    one.acquire(timeout=10)
    assert caught.value.retry_after_seconds == 10
    assert waiting.pauses == [10.0]


def test_kinds_have_their_own_budgets_and_the_others_share_the_default(tmp_path: Path) -> None:
    waiting = Waiting()
    slow = Budget(per_second=1)
    rule = SourceRule(name="dhan", terms="test", kind_budgets={"quote": slow, "default": slow})
    budgets = Budgets(rule, tmp_path, waiting.clock, waiting.sleep)
    budgets.acquire(RequestKind.QUOTE, 9)
    budgets.acquire(RequestKind.MINUTE_BARS, 9)
    assert waiting.pauses == []
    budgets.acquire(RequestKind.DAILY_BARS, 9)
    assert waiting.pauses == [1.0]


def test_a_kind_without_any_budget_is_not_limited(tmp_path: Path) -> None:
    waiting = Waiting()
    budgets = Budgets(SourceRule(name="dhan", terms="test"), tmp_path, waiting.clock, waiting.sleep)
    for _ in range(100):
        budgets.acquire(RequestKind.QUOTE, 0)
    assert waiting.pauses == []


def _take(folder: Path, moments: multiprocessing.Queue[float], turns: int) -> None:
    rate, state = Budget(per_second=50, burst=1), SharedState(folder / "budget.json")
    for _ in range(turns):
        TokenBucket("dhan/quote", rate, state, SystemClock(), time.sleep).acquire(timeout=10)
        moments.put(time.monotonic())


def test_parallel_processes_share_one_budget(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    moments: multiprocessing.Queue[float] = context.Queue()
    workers = [context.Process(target=_take, args=(tmp_path, moments, 10)) for _ in range(3)]
    for worker in workers:
        worker.start()
    taken = sorted(moments.get(timeout=30) for _ in range(30))
    for worker in workers:
        worker.join()
    # 30 turns at 50 a second take 0.58 s, with a budget for each process 0.18 s; the first may wake late
    assert taken[-1] - taken[0] > 0.4
