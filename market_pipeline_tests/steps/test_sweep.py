"""Where tier 2 has cycles of its own: each job works on its tier, and both together give what one cycle gives."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.markets.loader import load_market
from market_pipeline.markets.schema import MarketFile, SweepRule
from market_pipeline.settings import Settings
from market_pipeline.steps.build_bars import build_bars
from market_pipeline.steps.compute_indicators import compute_indicators
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.measure_coverage import stored_coverage
from market_pipeline.steps.merge_tickers import merge_tickers
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline_tests.steps.conftest import EARLY
from market_pipeline_tests.steps.test_cadence import MINUTE

TABLES = ("raw_quotes", "live_tickers", "bars_1m", "indicators_1m")


@pytest.fixture
def clock() -> HandClock:
    return HandClock(EARLY)


@pytest.fixture
def file() -> MarketFile:
    """Crypto with three symbols in tier 1, and a sweep for the others."""
    crypto = load_market("crypto")
    symbols = [rule.model_copy(update={"tier": 1 if n < 3 else 2}) for n, rule in enumerate(crypto.symbols)]
    return crypto.model_copy(update={"symbols": tuple(symbols), "sweep": SweepRule(cycle_deadline_seconds=50)})


def market_of(runtime: Runtime, file: MarketFile, tier: int | None) -> MarketRuntime:
    return replace(runtime, tier=tier).wired(file, in_cycle=True)


def work(runtime: Runtime, market: MarketRuntime) -> None:
    fetch_quotes(runtime, market)
    merge_tickers(runtime, market)
    build_bars(runtime, market)
    compute_indicators(runtime, market)


def symbols_in(runtime: Runtime, table: str) -> set[str]:
    return set(runtime.warehouse.read(table, "crypto")["symbol"].to_pylist())


def tier(file: MarketFile, number: int) -> set[str]:
    return {rule.symbol for rule in file.symbols if rule.tier == number}


@pytest.mark.parametrize("number", [1, 2])
def test_a_job_works_on_its_own_tier_only(runtime: Runtime, file: MarketFile, number: int) -> None:
    work(runtime, market_of(runtime, file, number))
    found = {table: symbols_in(runtime, table) for table in TABLES}
    assert found["raw_quotes"] == found["live_tickers"] == tier(file, number)
    assert found["bars_1m"] <= tier(file, number)
    assert found["bars_1m"]
    assert found["indicators_1m"] == found["bars_1m"]


def test_both_jobs_together_write_what_one_cycle_writes(
    runtime: Runtime, settings: Settings, file: MarketFile, clock: HandClock
) -> None:
    whole = Runtime(settings.model_copy(update={"data": settings.data / "whole"}), clock)
    for _ in range(2):
        work(whole, market_of(whole, file, None))
        for number in (1, 2):
            work(runtime, market_of(runtime, file, number))
        clock.advance(MINUTE)
    for table in TABLES:
        order = [(name, "ascending") for name in (*whole.table(table).key, whole.table(table).minute_column)]
        left_out = ["payload_sha", "provenance"]
        ours, theirs = (
            one.warehouse.read(table, "crypto")
            .sort_by(order)
            .drop_columns([name for name in left_out if name in one.table(table).schema.names])
            for one in (runtime, whole)
        )
        assert ours.num_rows
        assert ours.equals(theirs), table


def test_a_sweep_takes_no_price_of_tier_1_back(runtime: Runtime, file: MarketFile, clock: HandClock) -> None:
    work(runtime, market_of(runtime, file, 1))
    before = runtime.warehouse.latest("live_tickers", "crypto")
    clock.advance(MINUTE)
    work(runtime, market_of(runtime, file, 2))
    after = runtime.warehouse.latest("live_tickers", "crypto")
    kept = after.filter(pc.is_in(after["symbol"], before["symbol"].combine_chunks()))
    assert kept.sort_by("symbol").equals(before.sort_by("symbol"))
    assert after.num_rows == len(file.symbols)


def test_the_coverage_of_each_tier_is_that_of_its_own_newest_cycle(
    runtime: Runtime, file: MarketFile, clock: HandClock
) -> None:
    work(runtime, market_of(runtime, file, 2))
    clock.advance(MINUTE)
    work(runtime, market_of(runtime, file, 1))
    found = stored_coverage(runtime, market_of(runtime, file, None))
    assert [(one.tier, one.listed) for one in found] == [(1, 3), (2, len(file.symbols) - 3)]


def test_the_minute_has_its_own_deadline_and_everything_else_that_of_the_sweep(
    runtime: Runtime, file: MarketFile
) -> None:
    minute = file.cycle_deadline_seconds
    assert market_of(runtime, file, 1).cycle.deadline_seconds == minute
    assert market_of(runtime, file, 2).cycle.deadline_seconds == 50
    assert market_of(runtime, file, None).cycle.deadline_seconds == 50


def test_a_market_without_a_sweep_knows_no_tiers(runtime: Runtime) -> None:
    market = replace(runtime, tier=1).wired(load_market("crypto"))
    assert market.tier is None
