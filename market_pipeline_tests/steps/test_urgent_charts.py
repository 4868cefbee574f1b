"""Whose charts are asked for while somebody waits."""

from __future__ import annotations

import pyarrow.compute as pc

from market_pipeline.markets.loader import load_market
from market_pipeline.model.instrument import Instrument
from market_pipeline.steps.build_bars import build_bars
from market_pipeline.steps.fetch_charts import urgent
from market_pipeline.steps.runtime import Runtime


def instruments(count: int) -> list[Instrument]:
    return [Instrument("us", f"SIM{number:04d}", "Simulated", tier=1 if number < 2 else 2) for number in range(count)]


def test_a_small_market_is_charted_whole() -> None:
    assert len(urgent(instruments(1000))) == 1000


def test_of_a_market_with_thousands_only_tier_one_is_charted() -> None:
    assert [one.symbol for one in urgent(instruments(1001))] == ["SIM0000", "SIM0001"]


def test_an_index_is_not_asked_for_minutes_while_its_exchange_is_closed(runtime: Runtime) -> None:
    build_bars(runtime, runtime.market("global", in_cycle=True))
    outcomes = runtime.warehouse.latest("fetch_outcomes", "global")
    asked = set(outcomes.filter(pc.equal(outcomes["kind"], "minute_bars"))["symbol"].to_pylist())
    closed = {rule.symbol for rule in load_market("global").symbols if rule.group == "new_york"}
    assert closed == {"SPX", "DJI", "IXIC", "NDX", "RUT", "VIX"}
    assert not asked & closed
    assert {"FTSE", "N225", "EURUSD", "HSBA.L"} <= asked
