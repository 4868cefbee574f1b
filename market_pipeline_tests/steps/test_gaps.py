"""Gaps of a running market: found, named, healed from the source's history, and what depends on them computed again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.markets.schema import DailyRule
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.compute_indicators import compute_session_indicators
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.find_gaps import GapsReport, find_market_gaps, stored_gaps
from market_pipeline.steps.heal_gaps import eta_of, heal_gaps, history_requests
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.warehouse_tables import indicators_1m

THURSDAY = date(2026, 11, 19)
START, DOWN = datetime(2026, 11, 19, 0, 20, tzinfo=UTC), timedelta(minutes=30)


def shown(report: GapsReport, *names: str) -> list[tuple[Any, ...]]:
    """Return the gaps that are more than untraded minutes."""
    rows = report.rows.filter(pc.invert(pc.is_in(report.rows["cause"], value_set=pa.array(["not_traded", "halted"]))))
    return list(zip(*(rows[name].to_pylist() for name in names), strict=True))


def outage(exchange: RunningSimulator, *faults: dict[str, Any]) -> None:
    exchange.set_faults(FaultPlan.model_validate({"faults": faults}))


@pytest.fixture
def stopped(runtime: Runtime, clock: HandClock) -> Runtime:
    """A feed on which crypto ran one cycle in its young day, and then half an hour nobody did anything."""
    clock.at = START
    run_cycle(runtime, "crypto")
    clock.advance(DOWN)
    return runtime


def test_half_an_hour_without_a_process_is_one_gap_of_the_whole_market(stopped: Runtime) -> None:
    found = find_market_gaps(stopped, stopped.market("crypto"))
    assert shown(found, "symbol", "first_minute", "last_minute", "cause", "state") == [
        (
            "*",
            datetime(2026, 11, 19, 0, 20, tzinfo=UTC),
            datetime(2026, 11, 19, 0, 47, tzinfo=UTC),
            "process_down",
            "open",
        )
    ]
    assert all(rule.passed for rule in found.rules)


def test_a_gap_is_healed_from_the_charts_and_a_second_run_asks_for_nothing(
    stopped: Runtime, exchange: RunningSimulator
) -> None:
    market = stopped.market("crypto")
    healed = heal_gaps(stopped, market)
    assert {state for (state,) in shown(healed.gaps, "state")} == {"healed"}
    assert (healed.asked, healed.answered, healed.left) == (8, 8, 0)
    bars = stopped.warehouse.read("bars_1m", "crypto", since=START)
    assert bars.num_rows == healed.bars > 0
    again = heal_gaps(stopped, market)
    assert (again.asked, again.bars) == (0, 0)
    assert again.gaps.rows.equals(healed.gaps.rows)


def test_the_indicators_of_healed_minutes_are_those_of_a_session_that_never_had_a_gap(stopped: Runtime) -> None:
    market = stopped.market("crypto")
    report = heal_gaps(stopped, market)
    order = [("symbol", "ascending"), ("interval_start", "ascending")]
    healed = stopped.warehouse.read(indicators_1m(), "crypto").drop(["known_at"]).sort_by(order)
    compute_session_indicators(stopped, market, [THURSDAY])
    whole = stopped.warehouse.read(indicators_1m(), "crypto").drop(["known_at"]).sort_by(order)
    assert report.indicators == report.bars
    assert healed.equals(whole)


def test_an_outage_leaves_the_gap_healing_and_the_next_run_heals_it(
    stopped: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    market = stopped.market("crypto")
    outage(exchange, {"kind": "503", "source": "kraken"})
    failed = heal_gaps(stopped, market)
    assert set(shown(failed.gaps, "state", "attempts")) == {("healing", 1)}
    assert failed.left == 8
    outage(exchange)
    clock.advance(timedelta(minutes=3))
    healed = heal_gaps(stopped, market)
    assert {state for (state,) in shown(healed.gaps, "state")} == {"healed"}


def test_a_run_whose_time_is_over_begins_no_portion_and_leaves_the_rest_to_the_next(stopped: Runtime) -> None:
    report = heal_gaps(stopped, stopped.market("crypto"), deadline_seconds=0)
    assert (report.asked, report.left) == (0, 8)


class Killed(BaseException):
    """What ends a process: nothing catches it."""


def test_a_killed_run_leaves_what_it_stored_and_the_next_one_asks_for_the_rest(
    runtime: Runtime, clock: HandClock
) -> None:
    clock.at = datetime(2026, 11, 19, 3, 50, tzinfo=UTC)
    run_cycle(runtime, "india")
    clock.advance(timedelta(minutes=10))
    market = runtime.market("india")
    wanted = history_requests(runtime, market, find_market_gaps(runtime, market))
    tier_1 = sum(request.instrument.tier == 1 for request in wanted)

    def killed(done: int, total: int, what: str) -> None:
        if done:
            raise Killed

    with pytest.raises(Killed):
        heal_gaps(runtime, market, progress=killed)
    assert heal_gaps(runtime, market).asked == len(wanted) - tier_1
    assert stored_gaps(runtime, market).active.num_rows == 0


def test_minutes_before_the_reach_of_the_charts_are_healed_from_trades(runtime: Runtime, clock: HandClock) -> None:
    clock.at = START
    run_cycle(runtime, "crypto")
    clock.at = datetime(2026, 11, 19, 13, 0, tzinfo=UTC)
    market = runtime.market("crypto")
    heal_gaps(runtime, market)
    bars = runtime.warehouse.read("bars_1m", "crypto", since=START)
    assert {"ticks", "chart"} <= set(bars["origin"].to_pylist())
    assert history_requests(runtime, market, stored_gaps(runtime, market)) == []


def test_the_gaps_of_a_market_without_minute_history_cannot_be_healed_and_say_so(
    runtime: Runtime, clock: HandClock
) -> None:
    run_cycle(runtime, "casablanca")
    clock.advance(timedelta(hours=1))
    report = heal_gaps(runtime, runtime.market("casablanca"))
    assert report.asked == 0
    states = set(shown(report.gaps, "state", "reason"))
    assert states == {
        (
            "unhealable",
            "casablanca has no source with minute history: what was not seen live stays unknown",
        )
    }


def test_india_heals_tier_1_first_and_the_newest_session_before_older_ones(runtime: Runtime, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 18, 9, 58, tzinfo=UTC)
    run_cycle(runtime, "india")
    clock.at = datetime(2026, 11, 19, 5, 0, tzinfo=UTC)
    market = runtime.market("india")
    requests = history_requests(runtime, market, find_market_gaps(runtime, market))
    order = [(request.instrument.tier, request.session_date.day) for request in requests]
    assert order == sorted(order, key=lambda entry: (entry[0], -entry[1]))
    assert {tier for tier, _ in order} == {1, 2}


def test_outside_the_window_for_heavy_work_only_tier_1_is_healed(runtime: Runtime, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 19, 3, 50, tzinfo=UTC)
    run_cycle(runtime, "india")
    clock.advance(timedelta(minutes=10))
    plain = runtime.market("india")
    night = plain.file.model_copy(update={"daily": DailyRule(heavy_window=("20:00", "04:00"))})
    gaps = find_market_gaps(runtime, plain)
    by_day = history_requests(runtime, replace(plain, file=night), gaps)
    assert {request.instrument.tier for request in by_day} == {1}
    assert len(by_day) < len(history_requests(runtime, plain, gaps))


@pytest.mark.parametrize(
    ("requests", "rate", "eta"), [(1200, 4.0, timedelta(minutes=5)), (0, 4.0, timedelta()), (7, None, None)]
)
def test_the_time_that_is_left_follows_from_the_budget(
    requests: int, rate: float | None, eta: timedelta | None
) -> None:
    assert eta_of(requests, rate) == eta
