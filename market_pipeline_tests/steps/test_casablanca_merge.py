"""Three sources that disagree: what wins, and what the provenance says about the losers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.runtime import Runtime


def ticker(runtime: Runtime, symbol: str) -> dict[str, Any]:
    rows = runtime.warehouse.latest("live_tickers", "casablanca").to_pylist()
    return next(row for row in rows if row["symbol"] == symbol)


def last_provenance(row: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(row["provenance"])["last"])


def test_a_price_a_hundred_times_too_high_loses_and_the_provenance_says_why(
    runtime: Runtime, exchange: RunningSimulator
) -> None:
    exchange.set_faults(
        FaultPlan.model_validate({"faults": [{"kind": "x100", "source": "casablanca_bourse", "symbols": ["ATW"]}]})
    )
    run_cycle(runtime, "casablanca")
    row = ticker(runtime, "ATW")
    true_price = exchange.exchange("casablanca")
    assert row["price"] < 2000, true_price
    assert row["source"] != "casablanca_bourse"
    assert "outside_band" in json.dumps(last_provenance(row)["losers"])


def test_the_neighbours_of_a_wrong_price_keep_their_best_source(runtime: Runtime, exchange: RunningSimulator) -> None:
    exchange.set_faults(
        FaultPlan.model_validate({"faults": [{"kind": "x100", "source": "casablanca_bourse", "symbols": ["ATW"]}]})
    )
    run_cycle(runtime, "casablanca")
    assert ticker(runtime, "IAM")["source"] in {"casablanca_bourse", "wafa_bourse"}


@pytest.mark.parametrize("kind", ["429", "403", "500", "html", "empty", "truncated", "wrong_encoding"])
def test_whatever_one_source_sends_the_others_carry_the_tickers(
    runtime: Runtime, exchange: RunningSimulator, kind: str
) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": kind, "source": "casablanca_bourse"}]}))
    report = run_cycle(runtime, "casablanca")
    assert report.quotes.by_source["casablanca_bourse"].rows == 0
    assert sum(report.quotes.counts["casablanca_bourse"].values()) == 16
    assert ticker(runtime, "ATW")["source"] == "wafa_bourse"


@pytest.mark.parametrize("kind", ["nulls", "nan", "future", "duplicate", "stale"])
def test_damaged_fields_never_become_a_wrong_price(runtime: Runtime, exchange: RunningSimulator, kind: str) -> None:
    run_cycle(runtime, "casablanca")
    good = {row["symbol"]: row["price"] for row in runtime.warehouse.latest("live_tickers", "casablanca").to_pylist()}
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": kind}]}))
    report = run_cycle(runtime, "casablanca")
    for row in report.tickers.documents:
        assert row["price"] is None or abs(row["price"] / good[row["symbol"]] - 1) < 0.05
    assert all(sum(counts.values()) == 16 for counts in report.quotes.counts.values())


def test_with_every_source_down_the_old_price_stays_and_says_that_it_is_old(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    run_cycle(runtime, "casablanca")
    price = ticker(runtime, "ATW")["price"]
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503"}]}))
    clock.advance(timedelta(minutes=45))
    report = run_cycle(runtime, "casablanca")
    row = ticker(runtime, "ATW")
    assert row["price"] == price
    assert "stale" in row["flags"]
    assert report.coverage == 0.0
