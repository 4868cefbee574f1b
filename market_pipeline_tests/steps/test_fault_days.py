"""Days of random faults: nothing wrong is believed, nobody is left out. `make soak` lives through a hundred."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.fault_days import FaultReport, fault_days
from benchmarks.fault_plans import draw_day
from market_pipeline.clock import HandClock
from market_pipeline.drills.truth import Truth
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime

DAYS = (1, 7, 9)
EARLY = datetime(2026, 11, 19, 0, 25, 10, tzinfo=UTC)
"""Few charts to fetch."""


@pytest.fixture(scope="module")
def report() -> FaultReport:
    return fault_days(DAYS)


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_three_days_of_random_faults_bring_no_wrong_price_and_leave_nobody_out(report: FaultReport) -> None:
    assert report.days == 3
    assert report.tickers > 300
    assert report.outcomes > report.tickers
    assert report.violations == []


@pytest.fixture
def truth(runtime: Runtime, exchange: RunningSimulator, clock: HandClock) -> Truth:
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    return Truth(runtime, runtime.market("crypto"), exchange.exchange("crypto"))


def test_the_drill_finds_a_price_that_the_exchange_never_had(truth: Truth) -> None:
    ticker = next(row for row in truth.tickers() if row["symbol"] == "BTC-USD")
    assert list(truth.wrong_tickers([ticker])) == []
    (found,) = truth.wrong_tickers([{**ticker, "price": 100 * ticker["price"]}])
    assert found.startswith("kraken BTC-USD price ")


def test_the_drill_finds_a_price_that_came_minutes_later(truth: Truth) -> None:
    ticker = next(row for row in truth.tickers() if row["symbol"] == "BTC-USD")
    earlier = {**ticker, "event_time": ticker["event_time"] - timedelta(minutes=7)}
    assert len(list(truth.wrong_tickers([earlier]))) == 1


def test_the_drill_finds_what_no_merge_can_tell_all_sources_in_a_wrong_unit_before_anything_is_known(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    clock.at = EARLY
    plan = FaultPlan.model_validate({"faults": [{"kind": "x100", "symbols": ["BTC-USD"]}]})
    exchange.set_faults(plan)
    run_cycle(runtime, "crypto")
    truth = Truth(runtime, runtime.market("crypto"), exchange.exchange("crypto"), plan)
    wrong = list(truth.wrong_tickers(truth.tickers()))
    assert wrong[0].startswith("kraken BTC-USD price ")
    assert [text.split(":")[0] for text in truth.vanished(truth.tickers())] == ["kraken BTC-USD"]


def test_a_day_is_the_same_whenever_it_is_drawn() -> None:
    symbols = {name: ["A", "B", "C"] for name in ("casablanca", "crypto", "global", "india", "nairobi", "saudi", "us")}
    assert draw_day(17, seed=3, symbols=symbols) == draw_day(17, seed=3, symbols=symbols)
    assert draw_day(17, seed=3, symbols=symbols) != draw_day(17, seed=4, symbols=symbols)
