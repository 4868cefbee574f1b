"""Who is asked in a cycle, in which order, until when; and what becomes of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.schema import Budget, MarketFile
from market_pipeline.settings import Settings
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.build_bars import build_bars
from market_pipeline.steps.fetch_quotes import SourceReport, fetch_quotes
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline_tests.sources.scripted_server import reply, serving

ALL_OPEN = datetime(2026, 11, 19, 9, 50, tzinfo=UTC)
SAMPLED = datetime(2026, 11, 20, 13, 58, tzinfo=UTC)
"""Shortly after the recorded answer."""
MINUTE = timedelta(minutes=1)
WAFA = "wafa_bourse"


def casablanca(**wafa: object) -> MarketFile:
    """Casablanca with two shares in tier 1, fourteen in tier 2, and changes to its source of one share a request."""
    file = load_market("casablanca")
    symbols = [rule.model_copy(update={"tier": 1 if n < 2 else 2}) for n, rule in enumerate(file.symbols)]
    sources = [rule.model_copy(update=wafa if rule.name == WAFA else {}) for rule in file.sources]
    return file.model_copy(update={"symbols": tuple(symbols), "sources": tuple(sources)})


@pytest.fixture
def limited(exchange: RunningSimulator, clock: HandClock, tmp_path: Path) -> Runtime:
    return Runtime(Settings(data=tmp_path, simulator_url=exchange.url, _env_file=None), clock)


@pytest.fixture
def six_a_minute(limited: Runtime) -> MarketRuntime:
    """The seventh request would have to wait ten seconds, of the five that a cycle has for this source."""
    budget = {"default": Budget(per_second=0.1, burst=6)}
    return limited.wired(casablanca(kind_budgets=budget, deadline_seconds=5), in_cycle=True)


def ask(runtime: Runtime, market: MarketRuntime) -> SourceReport:
    return fetch_quotes(runtime, market, only={WAFA}).by_source[WAFA]


def outcomes(runtime: Runtime, as_of: datetime) -> Mapping[str, Mapping[str, object]]:
    """Return symbol → its outcome in one cycle."""
    rows = runtime.warehouse.read("fetch_outcomes", "casablanca", since=as_of, until=as_of + MINUTE)
    return {row["symbol"]: row for row in rows.to_pylist()}


def asked(runtime: Runtime, as_of: datetime) -> set[str]:
    return {symbol for symbol, row in outcomes(runtime, as_of).items() if row["attempts"]}


def test_what_the_budget_leaves_out_is_deferred_with_the_reason(limited: Runtime, six_a_minute: MarketRuntime) -> None:
    report = ask(limited, six_a_minute)
    assert report.counts["deferred"] == 10
    assert report.rows == 6
    reason = outcomes(limited, ALL_OPEN)["TQM"]["reason"]
    assert str(reason).startswith("budget of wafa_bourse/default is spent (0.1 a second, 6 at once): the next turn is")


def test_tier_1_is_asked_in_every_cycle_and_tier_2_in_turn(
    limited: Runtime, six_a_minute: MarketRuntime, clock: HandClock
) -> None:
    cycles = []
    for _ in range(4):
        ask(limited, six_a_minute)
        cycles.append(asked(limited, clock.at))
        clock.advance(MINUTE)
    assert cycles == [
        {"ATW", "IAM", "BCP", "BOA", "CIH", "WAA"},
        {"ATW", "IAM", "SAH", "ADH", "LBV", "LES"},
        {"ATW", "IAM", "CMA", "LHM", "MSA", "TMA"},
        {"ATW", "IAM", "MNG", "TQM", "BCP", "BOA"},
    ]


def test_the_next_full_sweep_is_told_from_the_pace_of_the_cycle(limited: Runtime, six_a_minute: MarketRuntime) -> None:
    # ten are left, four of tier 2 a minute
    assert ask(limited, six_a_minute).full_sweep_at == ALL_OPEN + 3 * MINUTE


def test_a_source_that_reaches_everything_has_swept_and_keeps_no_turns(runtime: Runtime) -> None:
    report = ask(runtime, runtime.wired(casablanca(), in_cycle=True))
    assert report.full_sweep_at == ALL_OPEN
    assert not (runtime.folder / "rotation").exists()


def test_shares_of_a_source_that_fails_are_not_first_for_ever(
    limited: Runtime, six_a_minute: MarketRuntime, clock: HandClock, exchange: RunningSimulator
) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "truncated"}]}))
    cycles = []
    for _ in range(2):
        ask(limited, six_a_minute)
        cycles.append({symbol for symbol in asked(limited, clock.at) if symbol not in {"ATW", "IAM"}})
        clock.advance(MINUTE)
    assert cycles[0]
    assert cycles[0].isdisjoint(cycles[1])


@pytest.fixture
def stuck(samples: Path, tmp_path: Path, clock: HandClock) -> Iterator[Runtime]:
    """A site that answers for the first share and holds every later request until the test is over."""
    over = Event()
    clock.at = SAMPLED

    def hold(handler: BaseHTTPRequestHandler) -> None:
        over.wait(30)
        reply(503)(handler)

    body = (samples / WAFA / "indicators_normal.json").read_bytes()
    with serving([reply(body=body), hold]) as server:
        settings = Settings(data=tmp_path, simulator_url=server.url, budgets=False, _env_file=None)
        try:
            yield Runtime(settings, clock)
        finally:
            over.set()


def test_a_source_that_is_cut_off_keeps_what_came_in_time_and_the_rest_is_a_timeout(stuck: Runtime) -> None:
    report = ask(stuck, stuck.wired(casablanca(deadline_seconds=1), in_cycle=True))
    assert report.counts == {"ok": 1, "timeout": 15}
    assert stuck.warehouse.latest("raw_quotes", "casablanca")["symbol"].to_pylist() == ["ATW"]
    reason = "no answer within 1 s of the cycle's start; what came before that counts"
    assert outcomes(stuck, SAMPLED)["IAM"]["reason"] == reason


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(39.5, "its cycle's time is used up (0.5 s are left)"), (41, "not begun: the cycle had 0 s left for charts")],
)
def test_charts_get_what_the_quotes_left_of_the_cycle(
    runtime: Runtime, clock: HandClock, seconds: float, words: str
) -> None:
    market = runtime.market("crypto", in_cycle=True)
    fetch_quotes(runtime, market)
    clock.advance(timedelta(seconds=seconds))
    assert build_bars(runtime, market).chart_counts == {"deferred": 8}
    rows = runtime.warehouse.latest("fetch_outcomes", "crypto")
    reasons = rows.filter(pc.equal(rows["kind"], "minute_bars"))["reason"].unique().to_pylist()
    assert len(reasons) == 1
    assert words in reasons[0]


def test_the_next_cycle_of_the_same_process_has_its_whole_time_again(runtime: Runtime, clock: HandClock) -> None:
    market = runtime.market("crypto", in_cycle=True)
    fetch_quotes(runtime, market)
    clock.advance(MINUTE)
    assert fetch_quotes(runtime, market).counts["kraken"] == {"ok": 8}
    assert build_bars(runtime, market).chart_counts == {"ok": 8}
