"""Charts in a wrong unit, beside quotes that are right: nothing of them is written, and they are asked for again."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.steps.conftest import ALL_OPEN, EARLY

CHARTS = {"kraken": "/0/public/OHLC", "yahoo": "/v8/finance/chart/*"}


def set_x100(exchange: RunningSimulator, source: str, symbols: list[str]) -> None:
    fault = {"kind": "x100", "source": source, "route": CHARTS[source], "symbols": symbols}
    exchange.set_faults(FaultPlan.model_validate({"faults": [fault]}))


@pytest.mark.parametrize(
    ("market", "at", "source", "symbol"),
    [("crypto", EARLY + timedelta(hours=2), "kraken", "BTC-USD"), ("saudi", ALL_OPEN, "yahoo", "2222")],
    ids=["crypto", "saudi"],
)
def test_a_chart_times_a_hundred_is_set_aside_in_the_first_cycle_and_had_in_the_next_good_one(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock, market: str, at: datetime, source: str, symbol: str
) -> None:
    clock.at = at
    set_x100(exchange, source, [symbol])
    run_cycle(runtime, market)
    origins = Counter(runtime.warehouse.read("bars_1m", market, symbols=[symbol])["origin"].to_pylist())
    reasons = Counter(runtime.warehouse.read("set_aside", market)["reason"].to_pylist())
    assert origins["chart"] == 0
    assert reasons["contradicts_quotes"] > 100
    exchange.set_faults(FaultPlan())
    clock.advance(timedelta(minutes=1))
    run_cycle(runtime, market)
    assert runtime.warehouse.read("bars_1m", market, symbols=[symbol]).num_rows > 100
