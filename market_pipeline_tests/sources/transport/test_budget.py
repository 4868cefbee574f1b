"""Our own limit on requests, in one process and among several."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock, SystemClock
from market_pipeline.errors import BudgetExhausted, MarketFileError, RateLimited, SourceTimeout
from market_pipeline.markets.loader import agree_on_budgets, load_markets
from market_pipeline.markets.schema import Budget, SourceRule
from market_pipeline.model.outcome import RequestKind
from market_pipeline.settings import Settings
from market_pipeline.sources.source import Request
from market_pipeline.sources.transport.budget import Budgets, TokenBucket
from market_pipeline.sources.transport.http_transport import HttpTransport
from market_pipeline.sources.transport.shared_state import SharedState, boot_id
from market_pipeline_tests.sources.scripted_server import reply, serving

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


def test_a_host_s_budget_is_shared_by_its_sources_and_a_refused_turn_spends_no_other_budget(tmp_path: Path) -> None:
    waiting, host = Waiting(), Budget(per_second=0.1, burst=1)
    fast = {"default": Budget(per_second=10, burst=1)}
    one, two = (
        Budgets(
            SourceRule(name=name, terms="test", host_budget=host, kind_budgets=fast),
            tmp_path,
            waiting.clock,
            waiting.sleep,
        )
        for name in ("wafa_bourse", "african_markets")
    )
    one.acquire(RequestKind.QUOTE, 9, host="a.example:443")
    with pytest.raises(BudgetExhausted, match=r"budget of a\.example:443 is spent"):
        two.acquire(RequestKind.QUOTE, 9, host="a.example:443")
    assert [(view.host, view.tokens_left) for view in two.views()] == [(None, 1), ("a.example:443", 0)]
    two.acquire(RequestKind.QUOTE, 9, host="b.example")
    two.acquire(RequestKind.QUOTE, 10, host="a.example:443")
    assert waiting.pauses == [10.0]


def test_what_is_left_can_be_seen_by_kind_and_host(tmp_path: Path) -> None:
    waiting, slow = Waiting(), Budget(per_second=2, burst=5)
    rule = SourceRule(name="yahoo", terms="test", kind_budgets={"default": slow}, host_budget=slow)
    budgets = Budgets(rule, tmp_path, waiting.clock, waiting.sleep)
    for _ in range(3):
        budgets.acquire(RequestKind.QUOTE, 9, host="query1.example")
    budgets.refused(RequestKind.QUOTE, RateLimited("HTTP 429"), host="query1.example")
    kind, host = budgets.views()
    assert (kind.kind, kind.host, kind.used_last_minute, kind.rate_per_second) == ("default", None, 3, 1.0)
    assert (host.kind, host.host, host.halved_count, host.is_limited) == ("any", "query1.example", 1, True)
    assert host.tokens_left == 2


def test_only_a_429_slows_a_source_down(tmp_path: Path) -> None:
    waiting = Waiting()
    rule = SourceRule(name="yahoo", terms="test", kind_budgets={"default": Budget(per_second=2)})
    budgets = Budgets(rule, tmp_path, waiting.clock, waiting.sleep)
    budgets.refused(RequestKind.QUOTE, SourceTimeout("slow"))
    assert [view.is_limited for view in budgets.views()] == [False]


def test_a_slowed_rate_outlives_the_process_and_ends_with_the_boot(tmp_path: Path) -> None:
    waiting = Waiting()
    rule = SourceRule(name="yahoo", terms="test", kind_budgets={"default": Budget(per_second=2)})
    Budgets(rule, tmp_path, waiting.clock, waiting.sleep).refused(RequestKind.QUOTE, RateLimited("HTTP 429"))
    later = Budgets(rule, tmp_path, waiting.clock, waiting.sleep)
    assert [view.rate_per_second for view in later.views()] == [1.0]
    path = tmp_path / "budget_yahoo_default.json"
    path.write_text(path.read_text().replace(boot_id(), "another boot"))
    assert [view.rate_per_second for view in later.views()] == [2.0]


def test_markets_that_state_different_budgets_of_one_source_are_refused_by_name() -> None:
    files = load_markets()
    india, dhan = files["india"], files["india"].sources[0]
    other = dhan.model_copy(update={"kind_budgets": {"default": Budget(per_second=9)}})
    twin = india.model_copy(update={"sources": (other,)})
    with pytest.raises(MarketFileError, match="kind_budgets of dhan: india and twin state different ones"):
        agree_on_budgets({"india": india, "twin": twin})
    agree_on_budgets({"india": india, "twin": india})


def _ask(url: str, folder: Path, turns: int) -> None:
    settings = Settings(data=folder, simulator_url=url, _env_file=None)
    rule = SourceRule(
        name="kraken",
        terms="test",
        kind_budgets={"default": Budget(per_second=40, burst=4)},
        host_budget=Budget(per_second=20, burst=2),
    )
    transport = HttpTransport(rule, settings=settings, clock=SystemClock(), keep=lambda _: "")
    for _ in range(turns):
        transport.send(Request("kraken", RequestKind.QUOTE, "https://api.kraken.com/0/public/Time"))


def test_what_parallel_processes_really_send_is_never_above_the_budget_in_any_window(tmp_path: Path) -> None:
    arrived: list[float] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        arrived.append(time.monotonic())
        reply()(handler)

    context = multiprocessing.get_context("spawn")
    with serving([answer]) as server:
        workers = [context.Process(target=_ask, args=(server.url, tmp_path, 15)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=40)
    arrived.sort()
    assert len(arrived) == 45
    # 45 requests take (45 - 2) / 20 = 2.15 s; a process that the machine lets wait may send up to 0.25 s late
    assert arrived[-1] - arrived[0] > 2.15 - 0.25
    for seconds in (0.1, 0.5, 1.0):
        most = max(sum(1 for at in arrived if start <= at < start + seconds) for start in arrived)
        assert most <= 2 + 20 * (seconds + 0.25)
