"""A report's figures, computed by hand on a small warehouse."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from market_pipeline.errors import UsageError
from market_pipeline.reports.figures import BudgetFigures, Move
from market_pipeline.reports.report import ErrorRate, GapCount, Percentiles, Period, Report, SymbolTrouble, TierCoverage
from market_pipeline.steps.report import report
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.reports.desk import DAY, MINUTE, NAME, OPENING, fill, open_feed


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return open_feed(tmp_path)


@pytest.fixture
def daily(runtime: Runtime) -> Report:
    fill(runtime)
    return report(runtime, runtime.market("casablanca"), Period.DAILY)


def test_without_a_date_it_is_about_the_last_session_that_ended(daily: Report) -> None:
    assert (daily.heading.first, daily.sessions) == (DAY, (DAY,))


def test_a_minute_is_up_when_its_cycle_ended_with_a_fresh_price(daily: Report) -> None:
    assert daily.uptime is not None
    [day] = daily.uptime
    assert (day.open_minutes, day.cycle_minutes, day.up_minutes) == (350, 8, 7)
    assert (day.first_cycle, day.last_cycle) == (OPENING, OPENING + 9 * MINUTE)
    assert day.down == ((OPENING + 10 * MINUTE, 340), (OPENING + 3 * MINUTE, 2), (OPENING + 6 * MINUTE, 1))


def test_coverage_is_the_mean_over_cycles_with_the_worst_one_and_why(daily: Report) -> None:
    assert daily.coverage == (TierCoverage(1, 2, 8, 0.875, 0.0, OPENING + 6 * MINUTE, {"timeout": 2}),)


def test_ages_count_open_minutes_across_a_holiday(daily: Report) -> None:
    assert daily.ages is not None
    # ATW is a minute old eight times (0 at the opening); IAM 5, 6, 7, 10, 11, 12, 13 and 14 open minutes
    assert daily.ages.minutes == Percentiles(16, 1.0, 13.0, 14.0, 14.0)
    assert daily.ages.without_price == 8
    assert [(point.p50, point.p90) for point in daily.ages.points[:2]] == [(0.0, 5.0), (1.0, 6.0)]


def test_errors_are_counted_by_source_and_kind(daily: Report) -> None:
    timed = Percentiles(8, 250.0, 250.0, 250.0, 250.0)
    assert daily.errors == (ErrorRate("wafa_bourse", "quote", 15, 1, 0, 0.0625, {"timeout": 1}, timed),)


def test_gaps_are_counted_by_cause_and_what_became_of_them(daily: Report) -> None:
    assert daily.gaps == (
        GapCount("timeout", 1, 4, healed=0, open=1, unhealable=0, is_quiet=False),
        GapCount("process_down", 1, 2, healed=1, open=0, unhealable=0, is_quiet=False),
        GapCount("not_traded", 1, 9, healed=0, open=0, unhealable=1, is_quiet=True),
    )


def test_a_price_of_an_earlier_day_is_no_move(daily: Report) -> None:
    assert daily.movers is not None
    assert daily.movers.rose == (Move("ATW", NAME, 700.5, 1.25),)
    assert (daily.movers.fell, daily.movers.known, daily.movers.unknown) == ((), 1, 0)


def test_a_symbol_is_as_unreliable_as_its_failures_records_set_aside_and_missing_minutes(daily: Report) -> None:
    assert daily.unreliable == (SymbolTrouble("ATW", 1, 1, 4),)


def test_a_budget_s_requests_are_added_up_over_the_cycles(daily: Report) -> None:
    assert daily.budgets == (BudgetFigures("wafa_bourse", "any", None, 24, 3, 8, 30.0, 1, 0),)


def test_the_slowest_cycles_are_told_from_their_minute_s_start(daily: Report) -> None:
    assert daily.cycle_times is not None
    assert daily.cycle_times.seconds == Percentiles(8, 5.0, 5.0, 5.0, 5.0)
    assert daily.cycle_times.slowest[0] == (OPENING, 5.0)


def test_the_steps_of_the_cycles_are_timed_each_and_a_source_s_part_of_the_fetching(daily: Report) -> None:
    assert daily.steps is not None
    found = {(step.step, step.source): step.milliseconds.p50 for step in daily.steps}
    assert found == {("fetch", None): 2000, ("fetch", "wafa_bourse"): 1500, ("merge", None): 400, ("write", None): 100}
    assert {step.milliseconds.count for step in daily.steps} == {8}


def test_storage_names_each_table_with_rows(daily: Report) -> None:
    assert daily.storage is not None
    files = {size.table: size.files for size in daily.storage}
    every_cycle = dict.fromkeys(("fetch_outcomes", "live_tickers", "coverage", "budgets", "step_times"), 8)
    assert files == every_cycle | {"set_aside": 1, "gaps": 1}
    assert all(0 < size.bytes <= size.bytes_in_all for size in daily.storage)


def test_a_week_is_the_sum_of_its_sessions_and_knows_how_many_are_to_come(runtime: Runtime) -> None:
    fill(runtime)
    week = report(runtime, runtime.market("casablanca"), Period.WEEKLY)
    assert week.sessions == (date(2026, 11, 16), date(2026, 11, 17), DAY)
    assert (week.heading.sessions_expected, week.heading.last) == (4, date(2026, 11, 20))
    assert week.uptime is not None
    assert [(day.session_date, day.up_minutes) for day in week.uptime] == [(DAY, 7)]
    assert week.movers is not None
    assert [(move.symbol, move.change_percent) for move in week.movers.rose] == [("ATW", pytest.approx(1.25))]


def test_of_a_session_in_progress_only_the_minutes_that_have_passed_count(runtime: Runtime) -> None:
    fill(runtime)
    runtime.clock.at = OPENING + timedelta(minutes=10)  # type: ignore[attr-defined]
    found = report(runtime, runtime.market("casablanca"), Period.DAILY, day=DAY)
    assert found.uptime is not None
    assert (found.uptime[0].open_minutes, found.uptime[0].up_minutes) == (10, 7)


def test_where_nothing_is_stored_every_part_is_unknown_and_none_is_zero(runtime: Runtime) -> None:
    found = report(runtime, runtime.market("nairobi"), Period.DAILY)
    parts = ("uptime", "coverage", "ages", "errors", "gaps", "cycle_times", "movers", "unreliable", "budgets", "steps")
    assert [name for name in (*parts, "storage", "level") if getattr(found, name) is not None] == []


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 18), r"it has no session \(Independence Day\); a retry does not help"),
        (date(2026, 11, 20), "which has not begun; a retry helps once it has"),
    ],
)
def test_a_day_without_session_is_refused_with_the_reason(runtime: Runtime, day: date, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        report(runtime, runtime.market("casablanca"), Period.DAILY, day=day)


def test_moments_of_the_report_are_aware(daily: Report) -> None:
    assert isinstance(daily.heading.moment, datetime)
    assert daily.heading.moment.tzinfo is not None
