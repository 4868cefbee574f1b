"""Kraken's ticker has no time: when it repeats itself or lags, its prices grow old all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market_pipeline.alerts.condition import Key
from market_pipeline.clock import HandClock
from market_pipeline.drills.truth import Truth
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.watch import watch

MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 19, 1, 10, 2, tzinfo=UTC)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(START)


def newest(runtime: Runtime, source: str = "kraken") -> Mapping[str, Any]:
    rows = runtime.warehouse.latest("raw_quotes", "crypto").to_pylist()
    return next(row for row in rows if (row["source"], row["symbol"]) == (source, "BTC-USD"))


def ticker(runtime: Runtime) -> Mapping[str, Any]:
    rows = runtime.warehouse.latest("live_tickers", "crypto").to_pylist()
    return next(row for row in rows if row["symbol"] == "BTC-USD")


def plan(seconds: float, *others: Mapping[str, str]) -> FaultPlan:
    stale = {"kind": "stale", "source": "kraken", "seconds": seconds}
    return FaultPlan.model_validate({"faults": [stale, *others]})


def test_a_price_that_moves_is_of_the_moment_of_its_answer(runtime: Runtime, clock: HandClock) -> None:
    run_cycle(runtime, "crypto")
    clock.at += MINUTE
    run_cycle(runtime, "crypto")
    assert newest(runtime)["event_time"] == START + MINUTE
    assert (newest(runtime)["is_undated"], newest(runtime, "yahoo")["is_undated"]) == (True, False)


def hang(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock, *, minute: int, others: Sequence[Any] = ()
) -> None:
    """Let Kraken repeat, some minutes after the start, what it said at the start."""
    clock.at = START + minute * MINUTE
    exchange.set_faults(plan(60.0 * minute, *others))
    run_cycle(runtime, "crypto")


def test_a_source_that_repeats_itself_grows_old_and_the_next_one_is_taken(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    run_cycle(runtime, "crypto")
    hang(runtime, exchange, clock, minute=3)
    assert (newest(runtime)["event_time"], newest(runtime)["received_time"]) == (START, START + 3 * MINUTE)
    assert ticker(runtime)["source"] == "kraken"
    hang(runtime, exchange, clock, minute=7)
    assert newest(runtime)["event_time"] == START
    found = ticker(runtime)
    assert (found["source"], "stale" in found["flags"]) == ("yahoo", False)
    assert found["event_time"] > START + 6 * MINUTE
    assert found["bid"] != newest(runtime)["bid"]


def test_without_a_second_source_the_price_is_flagged_and_told(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    run_cycle(runtime, "crypto")
    watch(runtime, {}, markets=["crypto"])
    for minute in (4, 7):
        hang(runtime, exchange, clock, minute=minute, others=[{"kind": "503", "source": "yahoo"}])
    found = ticker(runtime)
    assert (found["event_time"], found["source"], "stale" in found["flags"]) == (START, "kraken", True)
    watch(runtime, {}, markets=["crypto"])
    assert Key.STALE_DATA in {row["key"] for row in runtime.warehouse.latest("alerts", "crypto").to_pylist()}


def test_a_source_that_lags_an_hour_is_never_believed(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    truth = Truth(runtime, runtime.market("crypto"), exchange.exchange("crypto"))
    run_cycle(runtime, "crypto")
    exchange.set_faults(plan(3600.0))
    for _ in range(2):
        clock.at += MINUTE
        run_cycle(runtime, "crypto")
        assert list(truth.wrong_tickers(truth.tickers())) == []
    midnight = START.replace(hour=0, minute=0, second=0)
    seconds = (START - midnight).total_seconds()
    assert (newest(runtime)["event_time"], newest(runtime)["event_precision_seconds"]) == (midnight, seconds)
    assert ticker(runtime)["source"] == "yahoo"
    exchange.set_faults(FaultPlan())
    clock.at += MINUTE
    run_cycle(runtime, "crypto")
    assert newest(runtime)["event_time"] == clock.now()
    assert ticker(runtime)["source"] == "kraken"


def test_a_poll_without_a_time_makes_no_bar_of_a_minute_that_it_cannot_name(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    charts = [{"kind": "503", "source": "kraken", "route": "/0/public/OHLC"}, {"kind": "503", "source": "yahoo"}]
    exchange.set_faults(FaultPlan.model_validate({"faults": charts}))
    for _ in range(3):
        run_cycle(runtime, "crypto")
        clock.at += MINUTE
    assert ticker(runtime)["source"] == "kraken"
    assert runtime.warehouse.read("bars_1m", "crypto").num_rows == 0
