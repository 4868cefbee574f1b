"""When a schedule runs and what it says when it does not."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import dagster as dg
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import ConfigurationError
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.turns import session_turn
from market_pipeline_tests.components.dagster_desk import WEEKEND, Desk

EVENING = datetime(2026, 11, 19, 17, 0, tzinfo=UTC)


@pytest.fixture
def desk(kept_desk: Desk) -> Desk:
    """A tick opens the instance anew by its reference, so it has to be on disk."""
    return kept_desk


def tick(desk: Desk, schedule: str) -> dg.RunRequest | str:
    """Evaluate a schedule as the daemon does: the request of a run, or why there is none."""
    repository = desk.definitions.get_repository_def()
    machines_time = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with dg.build_schedule_context(
        instance=desk.instance,
        scheduled_execution_time=machines_time,
        resources={"runtime": RuntimeResource()},
        repository_def=repository,
    ) as context:
        data = repository.get_schedule_def(schedule).evaluate_tick(context)
    [answer] = data.run_requests or [data.skip_message]
    return answer


def reason(desk: Desk, schedule: str) -> str:
    answer = tick(desk, schedule)
    assert isinstance(answer, str), answer
    return answer


def leave_run(desk: Desk, job: str, status: dg.DagsterRunStatus, **tags: str) -> dg.DagsterRun:
    """Put a run into the instance without running it."""
    return desk.instance.add_run(dg.DagsterRun(job_name=job, run_id=str(uuid4()), status=status, tags=tags))


@pytest.mark.parametrize("market", ["casablanca", "india", "crypto", "saudi", "nairobi", "global"])
def test_an_open_market_has_a_run_each_minute(desk: Desk, market: str) -> None:
    answer = tick(desk, f"{market}_minute")
    assert isinstance(answer, dg.RunRequest)
    assert answer.run_key is None


def test_a_market_before_its_opening_has_no_run(desk: Desk) -> None:
    assert reason(desk, "us_minute") == "us is in pre-open: pre market; opens Thu 09:30 -05:00"


def test_a_closed_market_says_why_and_when_it_opens(desk: Desk, clock: HandClock) -> None:
    clock.at = WEEKEND
    assert reason(desk, "casablanca_minute") == "casablanca is closed: weekend; opens Mon 09:30 +00:00"
    assert reason(desk, "india_minute") == "india is closed: weekend; opens Mon 09:15 +05:30"


def test_a_holiday_has_its_name(desk: Desk, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
    assert reason(desk, "casablanca_minute").startswith("casablanca is closed: Independence Day; opens")


def test_crypto_never_closes(desk: Desk, clock: HandClock) -> None:
    clock.at = WEEKEND
    assert isinstance(tick(desk, "crypto_minute"), dg.RunRequest)


def test_the_cycles_go_on_after_the_close_for_as_long_as_the_sources_lag(desk: Desk, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 19, 16, 11, tzinfo=UTC)  # 15:55 + the sources' 15 minutes + 1
    assert isinstance(tick(desk, "casablanca_minute"), dg.RunRequest)
    clock.advance(timedelta(minutes=2))
    assert reason(desk, "casablanca_minute").startswith("casablanca is closed: after hours; opens")


@pytest.mark.parametrize("schedule", ["crypto_minute", "casablanca_daily", "retention"])
def test_without_the_simulated_exchange_a_tick_names_the_command_that_starts_it(
    desk: Desk, schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_SIMULATOR_URL", "http://127.0.0.1:9")
    said = reason(desk, schedule)
    assert said.startswith("asked the simulated exchange at http://127.0.0.1:9 for its clock and got no answer")
    assert "start it with `market-pipeline simulate` (or everything with `make run`)" in said


def test_a_wrong_setting_is_a_failed_tick_and_no_silent_skip(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_FEED", "lively")
    with pytest.raises(dg.DagsterError) as caught:
        tick(desk, "crypto_minute")
    assert isinstance(caught.value.__cause__, ConfigurationError)
    assert "MARKET_PIPELINE_FEED: Input should be 'simulated' or 'live' (seen: 'lively')" in str(caught.value.__cause__)


def test_a_market_whose_sources_are_all_off_says_what_to_set(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_FEED", "live")
    monkeypatch.setenv("MARKET_PIPELINE_BUDGETS", "on")
    expected = "india has no source: dhan is off: set DHAN_CLIENT_ID and DHAN_API_TOKEN, in .env or the environment"
    assert reason(desk, "india_minute") == expected
    assert reason(desk, "india_daily") == expected


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
def test_a_run_that_is_not_over_keeps_the_next_one_away(desk: Desk, status: dg.DagsterRunStatus) -> None:
    run = leave_run(desk, "crypto_minute", status)
    assert reason(desk, "crypto_minute") == f"the previous run {run.run_id[:8]} is still {status.value.lower()}"


def test_a_run_of_another_market_keeps_nobody_away(desk: Desk) -> None:
    leave_run(desk, "india_minute", dg.DagsterRunStatus.STARTED)
    assert isinstance(tick(desk, "crypto_minute"), dg.RunRequest)


def test_an_ended_session_is_closed_once_it_has_settled(desk: Desk, clock: HandClock) -> None:
    clock.at = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)
    assert reason(desk, "casablanca_daily") == "casablanca: session 2026-11-19 settles until 16:10 UTC"
    clock.advance(timedelta(minutes=10))
    request = tick(desk, "casablanca_daily")
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-11-19"
    assert request.run_key == "casablanca:2026-11-19:2026-11-19T16"


def test_a_try_is_made_each_hour_until_the_session_is_closed(desk: Desk, clock: HandClock) -> None:
    keys = []
    for moment in (EVENING, EVENING + timedelta(minutes=1), EVENING + timedelta(hours=1)):
        clock.at = moment
        request = tick(desk, "casablanca_daily")
        assert isinstance(request, dg.RunRequest)
        keys.append(request.run_key)
    assert keys == [f"casablanca:2026-11-19:2026-11-19T{hour}" for hour in (17, 17, 18)]


def test_a_closed_session_is_left_alone_and_the_next_one_named(desk: Desk, clock: HandClock, runtime: Runtime) -> None:
    clock.at = EVENING
    runtime.warehouse.close_session("casablanca", EVENING.date())
    said = "casablanca: session 2026-11-19 is complete; that of 2026-11-20 settles 2026-11-20 16:10 UTC"
    assert reason(desk, "casablanca_daily") == said


def test_a_closed_session_whose_last_run_failed_is_tried_again(desk: Desk, clock: HandClock, runtime: Runtime) -> None:
    clock.at = EVENING
    runtime.warehouse.close_session("casablanca", EVENING.date())
    leave_run(desk, "casablanca_daily", dg.DagsterRunStatus.FAILURE, **{"dagster/partition": "2026-11-19"})
    assert isinstance(tick(desk, "casablanca_daily"), dg.RunRequest)
    leave_run(desk, "casablanca_daily", dg.DagsterRunStatus.SUCCESS, **{"dagster/partition": "2026-11-19"})
    assert "is complete" in reason(desk, "casablanca_daily")


def test_a_session_that_somebody_else_completes_is_left_to_them(desk: Desk, clock: HandClock, runtime: Runtime) -> None:
    clock.at = EVENING
    with session_turn(runtime, runtime.market("casablanca")):
        said = reason(desk, "casablanca_daily")
    assert said == "casablanca: session 2026-11-19 is being completed by another process"


def test_a_session_in_this_machines_future_is_left_to_the_command_line(desk: Desk, clock: HandClock) -> None:
    clock.at = datetime(2027, 6, 1, 17, 0, tzinfo=UTC)
    said = reason(desk, "crypto_daily")
    assert "session 2027-05-31 is over on the feed's clock, but lies in this machine's future" in said
    assert said.endswith("market-pipeline backfill crypto --from 2027-05-31 --to 2027-05-31")


def test_the_retention_runs_while_the_feed_is_there(desk: Desk) -> None:
    assert isinstance(tick(desk, "retention"), dg.RunRequest)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("us_sweep", ["cycle", "us_sweep"]),
        ("us_metrics", ["cycle", "us_metrics"]),
        ("crypto_minute", ["crypto_minute", "cycle"]),  # a cycle waits for nothing
    ],
)
def test_what_nobody_waits_for_is_asked_for_once_its_ticks_cycle_has_begun(
    desk: Desk, clock: HandClock, schedule: str, expected: list[str]
) -> None:
    clock.at = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
    tick_tag = {".dagster/scheduled_execution_time": "2026-11-20T12:00:00+00:00"}
    leave_run(desk, "us_minute", dg.DagsterRunStatus.SUCCESS)  # of another tick
    cycle = leave_run(desk, "us_minute", dg.DagsterRunStatus.NOT_STARTED, **tick_tag)
    order = []

    def begin() -> None:
        order.append("cycle")
        started = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, "us_minute")
        desk.instance.report_dagster_event(started, run_id=cycle.run_id)

    timer = threading.Timer(0.6, begin)
    timer.start()
    answer = tick(desk, schedule)
    order.append(schedule)
    timer.join()
    assert isinstance(answer, dg.RunRequest), answer
    assert order == expected


def test_cycles_tick_each_minute_and_the_rest_in_minutes_of_its_own(desk: Desk) -> None:
    schedules = {one.name: one.cron_schedule for one in desk.definitions.get_repository_def().schedule_defs}
    assert schedules["india_minute"] == schedules["us_sweep"] == "* * * * *"
    rest = [schedules[f"india_{name}"] for name in ("heal", "metrics", "daily")]
    assert rest == ["3-59/5 * * * *", "0-59/5 * * * *", "2-59/5 * * * *"]
