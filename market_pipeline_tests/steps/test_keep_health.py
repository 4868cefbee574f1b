"""The table `health`: one row a market and minute, and what becomes of old ones."""

from __future__ import annotations

import json
from datetime import date, timedelta

from market_pipeline.clock import HandClock
from market_pipeline.markets.loader import market_names
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.keep_health import retain_health
from market_pipeline.steps.overview import overall_health, overview
from market_pipeline.steps.retain import retain
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.watch import watch
from market_pipeline_tests.steps.test_watch import ask

MINUTE = timedelta(minutes=1)


def test_each_look_keeps_one_row_a_market_and_one_for_all(runtime: Runtime, clock: HandClock) -> None:
    watch(runtime, {})
    clock.advance(MINUTE / 2)
    watch(runtime, {})
    clock.advance(MINUTE)
    watch(runtime, {})
    rows = runtime.warehouse.query("SELECT market, count(*) AS n FROM health GROUP BY market ORDER BY market")
    assert dict(zip(rows["market"].to_pylist(), rows["n"].to_pylist(), strict=True)) == dict.fromkeys(
        sorted([*market_names(), "all"]), 2
    )


def test_a_row_has_what_is_left_of_each_judged_part_and_why_the_rest_is_lost(
    runtime: Runtime, exchange: RunningSimulator
) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(runtime, "casablanca")
    watch(runtime, {})
    [row] = runtime.warehouse.latest("health", "casablanca").to_pylist()
    assert (row["session_date"], row["is_open"], row["score"]) == (date(2026, 11, 19), True, 75.0)
    assert (row["running"], row["compliance"], row["errors"], row["performance"]) == (30.0, None, 0.0, None)
    [lost] = json.loads(row["lost_points"])
    assert (lost["source"], lost["points"]) == ("casablanca_bourse", 25.0)


def test_market_duckdb_shows_the_newest_minute_without_being_rebuilt(runtime: Runtime, clock: HandClock) -> None:
    import duckdb

    watch(runtime, {})
    path = runtime.warehouse.build_market_duckdb().path
    clock.advance(MINUTE)
    watch(runtime, {})
    with duckdb.connect(path, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM health WHERE market = 'crypto'").fetchone() == (2,)


def test_status_tells_the_same_numbers(runtime: Runtime, exchange: RunningSimulator) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(runtime, "casablanca")
    report = watch(runtime, {})
    shown = overview(runtime)["casablanca"]
    assert shown.score == report.health["casablanca"].score == 75.0
    assert shown.health == report.health["casablanca"].document | {"lost_points": shown.health["lost_points"]}
    assert next(note for note in shown.notes if note.startswith("health: 25 points lost")).endswith(
        "the source refuses us: open its page by hand; keep asking less often, or add another source"
    )
    assert overall_health(runtime)["score"] == report.health["all"].score


def test_minutes_older_than_the_retention_go(runtime: Runtime, clock: HandClock) -> None:
    watch(runtime, {})
    clock.advance(timedelta(days=8))
    watch(runtime, {})
    assert retain_health(runtime) == 0
    clock.advance(timedelta(days=1))
    assert retain(runtime)["health_minutes"] == 8
    assert runtime.warehouse.latest("health", "all").num_rows == 1
