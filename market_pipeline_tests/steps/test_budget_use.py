"""Budgets and breakers that people can see: after a cycle, for every source, with when everything was asked for."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import RateLimited
from market_pipeline.markets.loader import load_market
from market_pipeline.model.outcome import RequestKind
from market_pipeline.settings import Settings
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.sources.transport.breaker import Breaker, BreakerRule
from market_pipeline.sources.transport.budget import Budgets
from market_pipeline.sources.transport.shared_state import SharedState
from market_pipeline.steps.budget_use import BudgetUse, all_budgets, full_sweeps
from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.runtime import Runtime

ALL_OPEN = datetime(2026, 11, 19, 9, 50, tzinfo=UTC)
DOWN = FaultPlan.model_validate({"faults": [{"kind": "503", "source": "kraken"}]})


@pytest.fixture
def limited(exchange: RunningSimulator, clock: HandClock, tmp_path: Path) -> Runtime:
    return Runtime(Settings(data=tmp_path, simulator_url=exchange.url, _env_file=None), clock)


def refuse(runtime: Runtime) -> None:
    rule = load_market("crypto").source("kraken")
    budgets = Budgets(rule, runtime.folder / "limits", runtime.clock, time.sleep)
    budgets.refused(RequestKind.QUOTE, RateLimited("HTTP 429"))


def kept(runtime: Runtime, source: str = "kraken") -> list[dict[str, Any]]:
    rows = runtime.warehouse.latest("budgets", "crypto").to_pylist()
    return [row for row in rows if row["source"] == source]


def test_a_cycle_keeps_what_it_left_of_each_budget(limited: Runtime) -> None:
    report = fetch_quotes(limited, limited.market("crypto", in_cycle=True))
    (row,) = kept(limited)
    seen = {name: row[name] for name in ("source", "kind", "host", "limit_per_second", "burst", "used_last_minute")}
    assert seen == {
        "source": "kraken",
        "kind": "default",
        "host": None,
        "limit_per_second": 1.0,
        "burst": 2,
        "used_last_minute": 1,
    }
    assert (row["tokens_left"], row["breaker"], row["next_probe"], row["as_of"]) == (1, "closed", None, ALL_OPEN)
    assert row["full_sweep_at"] == ALL_OPEN
    assert [use.text for use in report.by_source["kraken"].budgets] == [
        "default: 1 of 60 a minute used, 1 left at once"
    ]


def test_a_rate_that_refusals_halved_is_shown_beside_its_limit(limited: Runtime) -> None:
    refuse(limited)
    fetch_quotes(limited, limited.market("crypto", in_cycle=True))
    (row,) = kept(limited)
    assert (row["limit_per_second"], row["rate_per_second"], row["halved_count"]) == (1.0, 0.5, 1)
    (use,) = [use for use in all_budgets(limited) if use.source == "kraken"]
    assert use.text == "default: 1 of 60 a minute used, 1 left at once; slowed to 30 a minute"


def test_an_open_breaker_says_why_and_when_the_next_probe_goes(
    runtime: Runtime, clock: HandClock, exchange: RunningSimulator
) -> None:
    exchange.set_faults(DOWN)
    for _ in range(2):  # three tries, and two more
        fetch_quotes(runtime, runtime.market("crypto", in_cycle=True))
        clock.advance(timedelta(seconds=20))
    (row,) = runtime.warehouse.latest("budgets", "crypto").to_pylist()
    assert (row["kind"], row["host"], row["limit_per_second"]) == ("any", "api.kraken.com", None)
    assert (row["breaker"], row["breaker_cause"]) == ("open", "SourceUnreachable")
    assert row["next_probe"] == ALL_OPEN + timedelta(seconds=80)
    (use,) = all_budgets(runtime)
    assert use.text == ("any at api.kraken.com: breaker open, next probe 09:51:20 UTC (SourceUnreachable)")


def test_a_probe_that_is_out_is_told_from_a_breaker_that_waits(
    runtime: Runtime, clock: HandClock, exchange: RunningSimulator
) -> None:
    exchange.set_faults(DOWN)
    for _ in range(2):
        fetch_quotes(runtime, runtime.market("crypto", in_cycle=True))
    clock.advance(timedelta(seconds=61))
    state = SharedState(runtime.folder / "limits" / "breaker_kraken_api.kraken.com.json")
    assert Breaker("kraken", BreakerRule(), state, clock).ask()
    assert [use.breaker for use in all_budgets(runtime)] == ["probing"]


def test_with_budgets_off_no_bucket_is_honoured_and_none_is_shown(runtime: Runtime, exchange: RunningSimulator) -> None:
    market = runtime.market("casablanca", in_cycle=True)
    for _ in range(3):  # on a standing clock even the second would have to wait for its budget
        fetch_quotes(runtime, market, only={"african_markets"})
    arrived = {route: count.requests for route, count in exchange.simulation.counts.items() if count.requests}
    assert list(arrived.values()) == [3]
    assert all_budgets(runtime) == []
    assert not list((runtime.folder / "limits").glob("budget_*.json"))


def test_every_source_that_is_on_is_listed_once_and_sweeps_are_told_by_market(limited: Runtime) -> None:
    fetch_quotes(limited, limited.market("crypto", in_cycle=True))
    uses = [(use.source, use.kind, use.host) for use in all_budgets(limited)]
    assert len(uses) == len(set(uses))
    assert {"kraken", "wafa_bourse", "dhan"} <= {source for source, _, _ in uses}
    assert full_sweeps(limited) == {"kraken": {"crypto": ALL_OPEN}, "yahoo": {"crypto": ALL_OPEN}}


def test_the_budgets_of_a_session_outlive_its_close(limited: Runtime) -> None:
    fetch_quotes(limited, limited.market("crypto", in_cycle=True))
    limited.warehouse.close_session("crypto", date(2026, 11, 19))
    rows = limited.warehouse.query("SELECT source, kind, host FROM budgets WHERE source = 'kraken'").to_pylist()
    assert rows == [{"source": "kraken", "kind": "default", "host": None}]


def test_a_budget_of_a_host_is_named_with_it() -> None:
    use = BudgetUse("yahoo", "any", "query1.example", 2.0, 5, 2.0, 7, 4, 0.0, 0)
    assert use.text == "any at query1.example: 7 of 120 a minute used, 4 left at once"
