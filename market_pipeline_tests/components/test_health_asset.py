"""`<market>/health`: the day's score, what cost most, and the plot."""

from __future__ import annotations

import base64
from datetime import timedelta

from market_pipeline.clock import HandClock
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.watch import watch
from market_pipeline_tests.components.dagster_desk import Desk, ask

PNG = b"\x89PNG\r\n"


def test_the_asset_shows_the_days_score_what_cost_most_and_a_plot(
    desk: Desk, runtime: Runtime, clock: HandClock, exchange: RunningSimulator
) -> None:
    ask(runtime, "casablanca")
    watch(runtime, {})
    clock.advance(timedelta(minutes=1))
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "403", "source": "casablanca_bourse"}]}))
    ask(runtime, "casablanca")
    watch(runtime, {})
    run = desk.materialize("casablanca/health")
    shown = run.metadata("casablanca/health")
    assert (shown["dagster/row_count"], shown["mean_score"], shown["least_score"]) == (2, 89.7, 79.4)
    assert "| 1 | 20.6 | requests to casablanca_bourse fail | the source refuses us" in shown["lost"]
    picture = shown["plot"].removeprefix("![health score](data:image/png;base64,").removesuffix(")")
    assert base64.b64decode(picture).startswith(PNG)
    assert run.check("casablanca/health").passed


def test_before_the_first_look_it_says_so(desk: Desk, runtime: Runtime) -> None:
    shown = desk.materialize("saudi/health").metadata("saudi/health")
    assert shown["note"] == "nobody has looked in this session: the health sensor does each minute"
