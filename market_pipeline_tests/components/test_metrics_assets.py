"""Metrics and the Sharia screen in Dagster: what a run materializes, checks and tells, and when one is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.components.market import Market, metrics, sharia_screen
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.loader import load_market
from market_pipeline.steps.metrics_due import turn_at
from market_pipeline.steps.refresh_metrics import refresh_metrics
from market_pipeline.steps.runtime import Runtime
from market_pipeline_tests.components.dagster_desk import OPEN, WEEKEND, Desk, ask
from market_pipeline_tests.components.test_schedules import leave_run, reason, tick
from market_pipeline_tests.steps.saudi_desk import SaudiDesk, saudi_desk

CASABLANCA = load_market("casablanca")
MINUTE = timedelta(minutes=1)


def test_a_run_materializes_the_metrics_with_their_check(desk: Desk, runtime: Runtime) -> None:
    ask(runtime, "casablanca")
    run = desk.run("casablanca_metrics")
    assert run.success, run.failures()
    assert run.materialized() == ["casablanca/metrics"]
    assert run.check("casablanca/metrics").passed
    assert run.metadata_bytes() < 5000


def test_the_metadata_tell_the_share_and_source_of_each_field(desk: Desk, runtime: Runtime) -> None:
    ask(runtime, "casablanca")
    metadata = desk.run("casablanca_metrics").metadata("casablanca/metrics")
    assert (metadata["dagster/row_count"], metadata["set_aside"]) == (16, 0)
    assert metadata["outcomes"] == "nothing asked: no source offers this"
    lines = metadata["fields"].splitlines()
    assert lines[0] == "| field | known | from | oldest, UTC |"
    assert "| pe_ratio | 0% |  |  |" in lines
    assert any(line.startswith("| shares_outstanding | 100% | 16 instruments | 11-19 ") for line in lines)
    assert metadata["oldest_field"].endswith(" UTC")


def test_without_anything_to_work_on_the_rows_say_what_the_market_file_knows(desk: Desk) -> None:
    run = desk.materialize("casablanca/metrics")
    assert run.success
    assert run.metadata("casablanca/metrics")["dagster/row_count"] == 16


def test_on_a_closed_market_a_forced_materialization_runs(desk: Desk, clock: HandClock) -> None:
    clock.at = WEEKEND
    assert desk.materialize("casablanca/metrics").success


def test_only_a_market_with_thresholds_has_a_screen(definitions: dg.Definitions) -> None:
    keys = {key.to_user_string() for key in definitions.get_repository_def().assets_defs_by_key}
    assert [key for key in keys if key.endswith("sharia_screen")] == ["saudi/sharia_screen"]


def due(desk: Desk) -> bool:
    return isinstance(tick(desk, "casablanca_metrics"), dg.RunRequest)


def test_an_open_market_is_due_once_in_ten_minutes_of_the_feeds_clock(
    kept_desk: Desk, runtime: Runtime, clock: HandClock
) -> None:
    assert due(kept_desk)
    refresh_metrics(runtime, runtime.market("casablanca"))
    clock.advance(9 * MINUTE)
    said = "casablanca: metrics of 09:50 UTC are there; the next ones are due at 10:00 UTC"
    assert reason(kept_desk, "casablanca_metrics") == said
    clock.advance(MINUTE)
    assert due(kept_desk)


def test_a_turn_that_was_missed_is_made_up_for(kept_desk: Desk, runtime: Runtime, clock: HandClock) -> None:
    refresh_metrics(runtime, runtime.market("casablanca"))
    clock.advance(13 * MINUTE)
    assert due(kept_desk)
    refresh_metrics(runtime, runtime.market("casablanca"))
    assert "the next ones are due at 10:10 UTC" in reason(kept_desk, "casablanca_metrics")


def test_a_closed_market_says_why(kept_desk: Desk, clock: HandClock) -> None:
    clock.at = WEEKEND
    assert reason(kept_desk, "casablanca_metrics") == "casablanca is closed: weekend; opens Mon 09:30 +00:00"


def test_a_run_that_is_not_over_keeps_the_next_one_away(kept_desk: Desk) -> None:
    run = leave_run(kept_desk, "casablanca_metrics", dg.DagsterRunStatus.STARTED)
    assert reason(kept_desk, "casablanca_metrics") == f"the previous run {run.run_id[:8]} is still started"


def test_a_run_that_failed_is_not_repeated_each_minute(kept_desk: Desk) -> None:
    run = leave_run(kept_desk, "casablanca_metrics", dg.DagsterRunStatus.FAILURE)
    said = f"run {run.run_id[:8]} failed; the next try is 10 minutes after it"
    assert reason(kept_desk, "casablanca_metrics") == said


def test_without_the_simulated_exchange_a_tick_names_the_command(
    kept_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_SIMULATOR_URL", "http://127.0.0.1:9")
    assert "start it with `market-pipeline simulate`" in reason(kept_desk, "casablanca_metrics")


@pytest.mark.parametrize(
    ("at", "minutes", "turn"),
    [("10:09", 10, "10:00"), ("10:10", 10, "10:10"), ("23:59", 7, "23:55"), ("00:00", 7, "00:00")],
)
def test_turns_begin_at_midnight(at: str, minutes: int, turn: str) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-19T{text}:00+00:00")

    assert turn_at(moment(at), minutes) == moment(turn)


@pytest.fixture
def saudi(tmp_path: Path) -> Iterator[SaudiDesk]:
    with saudi_desk(tmp_path, HandClock(OPEN)) as found:
        found.site.metrics = {"2222": {"market_cap": 100.0, "dividend_yield": 4.9}}
        found.site.fundamentals = {"1180": {"sector": "Banks—Regional"}, "2222": {"total_debt": -1.0}}
        yield found


def materialized(saudi: SaudiDesk) -> dg.ExecuteInProcessResult:
    """Materialize what the component builds for the metrics job of a market that has no file in defs/ here."""
    feed = Runtime(saudi.runtime.settings, saudi.clock, _markets={("saudi", False): saudi.market})

    class WiredResource(RuntimeResource):
        def open(self) -> Runtime:
            return feed

    assets = [metrics.asset(saudi.market.file), *sharia_screen.assets(saudi.market.file)]
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(assets, resources={"runtime": WiredResource()}, instance=instance)


def test_the_screen_runs_after_the_metrics_and_tells_its_verdicts(saudi: SaudiDesk) -> None:
    result = materialized(saudi)
    assert result.success
    events = [event.asset_key.to_user_string() for event in result.get_asset_materialization_events()]
    assert events == ["saudi/metrics", "saudi/sharia_screen"]
    [shown] = [m.metadata for m in result.asset_materializations_for_node("saudi__sharia_screen")]
    assert shown["verdicts"].value == "1 not_compliant, 4 unknown"
    assert shown["statements_asked"].value == "board: 3 empty, 2 ok"
    assert "| 1180 | not_compliant | 'Banks—Regional' is an excluded line of business" in str(shown["screen"].value)
    assert "| board | 2222 | total_debt -1 is negative |" in str(shown["refused"].value)
    assert "5 total_revenue" in str(shown["missing"].value)


def test_refused_metrics_are_shown_with_their_reason(saudi: SaudiDesk) -> None:
    [shown] = [m.metadata for m in materialized(saudi).asset_materializations_for_node("saudi__metrics")]
    assert (shown["set_aside"].value, shown["outcomes"].value) == (1, "board: 4 empty, 1 ok")
    assert "| board | 2222 | dividend_yield 4.9 is above 1" in str(shown["refused"].value)
    assert shown["notes"].value == "second: off: not wired"


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # silent where Dagster loads the component itself
def test_a_market_with_thresholds_has_the_screen_in_its_metrics_job_and_time_for_the_statements(
    saudi: SaudiDesk, environment: Path
) -> None:
    file = CASABLANCA.model_copy(update={"sharia": saudi.market.file.sharia})
    built = Market(file).build_defs(None)  # type: ignore[arg-type]
    defined = dg.Definitions.merge(built, dg.Definitions(resources={"runtime": RuntimeResource()}))
    job = defined.resolve_job_def("casablanca_metrics")
    names = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert names == {"casablanca/metrics", "casablanca/sharia_screen"}
    assert job.tags["dagster/max_runtime"] == "540"
