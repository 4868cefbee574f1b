"""Completing sessions: history from charts and trades, reconciled with what was seen live, then closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pyarrow.compute as pc
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import UsageError
from market_pipeline.markets.schema import DailyRule
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator
from market_pipeline.steps.backfill import backfill
from market_pipeline.steps.close_session import close_session
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.due import session_due
from market_pipeline.steps.find_gaps import stored_gaps
from market_pipeline.steps.overview import overview
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.steps.conftest import EARLY

WEDNESDAY, THURSDAY = date(2026, 11, 18), date(2026, 11, 19)


def test_a_session_of_crypto_is_whole_though_charts_reach_twelve_hours_only(runtime: Runtime) -> None:
    report = backfill(runtime, "crypto", first=WEDNESDAY, last=WEDNESDAY, with_daily=False)
    bars = runtime.warehouse.read("bars_1m", "crypto", symbols=["BTC-USD"]).sort_by("interval_start")
    assert bars["interval_start"][0].as_py() < datetime(2026, 11, 18, 0, 10, tzinfo=UTC)
    assert set(bars["origin"].to_pylist()) == {"ticks", "chart"}
    assert pc.all(bars["is_final"]).as_py()
    assert report.sessions[0].symbols == 8
    assert runtime.warehouse.is_closed("crypto", WEDNESDAY)
    assert stored_gaps(runtime, runtime.market("crypto")).count("open", "healing", "healed") == 0
    assert overview(runtime)["crypto"].last_session.text == "last session 2026-11-18 complete, 0 gaps"


def test_the_past_of_casablanca_gives_daily_bars_and_says_that_there_are_no_minutes(runtime: Runtime) -> None:
    report = backfill(runtime, "casablanca", first=date(2026, 11, 16), last=WEDNESDAY)
    assert report.notes == ("casablanca has no source with minute history: its past gives daily bars only",)
    assert [session.daily_bars for session in report.sessions] == [16, 16]
    days = runtime.warehouse.latest("bars_1d", "casablanca")["session_date"].unique().to_pylist()
    assert sorted(days) == [date(2026, 11, 16), date(2026, 11, 17)]


def test_sampled_bars_are_replaced_by_the_chart_and_the_old_ones_are_kept(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    clock.at = EARLY + timedelta(seconds=30)
    only_polls = [{"kind": "503", "source": "kraken"}, {"kind": "503", "source": "yahoo", "route": "/v8/finance/*"}]
    exchange.set_faults(FaultPlan.model_validate({"faults": only_polls}))
    for _ in range(3):
        run_cycle(runtime, "crypto")
        clock.advance(timedelta(minutes=1))
    sampled = runtime.warehouse.read("bars_1m", "crypto")
    exchange.set_faults(FaultPlan())
    clock.advance(timedelta(minutes=2))  # the breakers' patience
    report = close_session(runtime, runtime.market("crypto"), THURSDAY)
    replaced = runtime.warehouse.read("bars_1m_replaced", "crypto")
    bars = runtime.warehouse.read("bars_1m", "crypto", since=sampled["interval_start"][0].as_py())
    assert sampled["origin"].unique().to_pylist() == ["sampled"]
    assert report.difference["different"] == replaced.num_rows > 0
    stored = runtime.warehouse.latest("session_differences", "crypto")
    assert sum(stored["different"].to_pylist()) == replaced.num_rows
    assert report.worst[0]["worst_percent"] == max(filter(None, stored["worst_percent"].to_pylist()))
    assert set(bars.filter(pc.equal(bars["revision"], 1))["origin"].to_pylist()) == {"chart"}


def test_a_session_is_due_once_it_has_settled_and_not_again_after_it_was_closed(
    runtime: Runtime, clock: HandClock
) -> None:
    market = runtime.market("casablanca")
    clock.at = datetime(2026, 11, 19, 16, 5, tzinfo=UTC)
    assert session_due(runtime, market).reason == "casablanca: session 2026-11-19 settles until 16:10 UTC"
    clock.at = datetime(2026, 11, 19, 16, 11, tzinfo=UTC)
    assert session_due(runtime, market).session_date == THURSDAY
    close_session(runtime, market, THURSDAY)
    reason = session_due(runtime, market).reason or ""
    assert reason.startswith("casablanca: session 2026-11-19 is complete")


def test_a_market_with_a_window_completes_its_sessions_in_those_local_hours_only(
    runtime: Runtime, clock: HandClock
) -> None:
    plain = runtime.market("india")
    night = plain.file.model_copy(update={"daily": DailyRule(heavy_window=("00:00", "05:00"))})
    market = replace(plain, file=night)
    clock.at = datetime(2026, 11, 19, 17, 0, tzinfo=UTC)
    assert session_due(runtime, plain).session_date == THURSDAY
    waits = "india: session 2026-11-19 waits for the window from 00:00 to 05:00 IST"
    assert session_due(runtime, market).reason == waits
    clock.at = datetime(2026, 11, 19, 18, 30, tzinfo=UTC)  # midnight in Mumbai
    assert session_due(runtime, market).session_date == THURSDAY
    clock.at = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)  # five o'clock
    assert session_due(runtime, market).reason == waits


def test_a_window_may_cross_midnight() -> None:
    rule = DailyRule(heavy_window=("22:00", "05:00"))
    assert [rule.is_open_at(time(hour)) for hour in (21, 22, 0, 4, 5)] == [False, True, True, True, False]


def test_a_failed_history_leaves_the_live_bars_and_says_what_failed(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    clock.at = EARLY
    run_cycle(runtime, "crypto")
    before = runtime.warehouse.read("bars_1m", "crypto").num_rows
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503", "source": "kraken"}]}))
    report = close_session(runtime, runtime.market("crypto"), THURSDAY)
    assert report.rows == before
    assert report.counts["timeout"] == 8


def test_a_session_whose_history_does_not_answer_stays_open_and_is_due_again(
    runtime: Runtime, exchange: RunningSimulator, clock: HandClock
) -> None:
    clock.at = datetime(2026, 11, 18, 23, 58, tzinfo=UTC)
    run_cycle(runtime, "crypto")
    clock.at = datetime(2026, 11, 19, 0, 10, tzinfo=UTC)
    market = runtime.market("crypto")
    exchange.set_faults(FaultPlan.model_validate({"faults": [{"kind": "503", "source": "kraken"}]}))
    report = close_session(runtime, market, WEDNESDAY)
    assert not report.is_closed
    assert report.gaps[("open", "process_down")] > 0
    assert session_due(runtime, market).session_date == WEDNESDAY
    clock.at = datetime(2026, 11, 20, 0, 10, tzinfo=UTC)
    runtime.warehouse.close_session("crypto", THURSDAY)
    assert session_due(runtime, market).session_date == WEDNESDAY


def test_a_source_is_not_asked_for_a_session_that_it_no_longer_serves(
    runtime: Runtime, exchange: RunningSimulator
) -> None:
    long_ago = date(2026, 6, 1)
    report = close_session(runtime, runtime.market("india"), long_ago)
    assert report.counts == {}
    assert report.notes == ("dhan serves the last 2160 hours of minutes; no longer served: 2026-06-01",)


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (THURSDAY, WEDNESDAY, "--from 2026-11-19 lies after --to 2026-11-18"),
        (date(2026, 11, 14), date(2026, 11, 15), "there is none up to 2026-11-19"),
        (date(2027, 1, 4), date(2027, 1, 5), "there is none up to 2026-11-19"),
    ],
)
def test_a_range_without_sessions_is_a_clear_error(runtime: Runtime, first: date, last: date, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        backfill(runtime, "casablanca", first=first, last=last)


def test_a_day_without_session_names_the_reason(runtime: Runtime) -> None:
    with pytest.raises(UsageError, match="Independence"):
        close_session(runtime, runtime.market("casablanca"), WEDNESDAY)
