"""The retention job on SQLite: what is old goes with its files, what is new stays."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

from market_pipeline.clock import SystemClock
from market_pipeline.defs.platform.retention import prune_dagster
from market_pipeline.settings import Settings
from market_pipeline.steps.dagster_home import make_dagster_home, prune_check_results
from market_pipeline_tests.components.dagster_desk import Desk
from market_pipeline_tests.conftest import PROJECT

NOW = SystemClock().now()
DAYS = timedelta(days=1)


@dg.asset(check_specs=[dg.AssetCheckSpec("valid", asset="table")])
def table() -> dg.MaterializeResult:
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="valid", passed=True)])


@pytest.fixture
def home(environment: Path) -> Path:
    return environment / "dagster"


def run_once(desk: Desk) -> str:
    """Leave a finished run with its events, its file, and a folder of captured output."""
    return dg.materialize([table], instance=desk.instance).run_id


def leave(desk: Desk, status: dg.DagsterRunStatus) -> str:
    run = dg.DagsterRun(job_name="casablanca_minute", run_id=str(uuid4()), status=status)
    return desk.instance.add_run(run).run_id


def files_of(home: Path, run_id: str) -> list[str]:
    found = [*(home / "history" / "runs").glob(f"{run_id}.db*"), *(home / "storage").glob(run_id)]
    return sorted(path.relative_to(home).parts[0] for path in found)


def count(home: Path, table_name: str) -> int:
    with closing(sqlite3.connect(home / "history" / "runs" / "index.db")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table_name}").fetchone()[0])  # noqa: S608


def test_an_old_run_goes_with_its_event_file_and_its_logs(kept_desk: Desk, home: Path) -> None:
    run_id = run_once(kept_desk)
    assert set(files_of(home, run_id)) == {"history", "storage"}
    counts = prune_dagster(kept_desk.instance, NOW + 2 * DAYS)
    assert counts["dagster_runs"] == 1
    assert kept_desk.instance.get_run_by_id(run_id) is None
    assert files_of(home, run_id) == []


def test_a_new_run_stays_with_all_its_files(kept_desk: Desk, home: Path) -> None:
    run_id = run_once(kept_desk)
    assert prune_dagster(kept_desk.instance, NOW)["dagster_runs"] == 0
    assert kept_desk.instance.get_run_by_id(run_id) is not None
    assert set(files_of(home, run_id)) == {"history", "storage"}
    assert len(kept_desk.instance.all_logs(run_id)) > 5


@pytest.mark.parametrize(
    ("status", "days", "stays"),
    [
        (dg.DagsterRunStatus.FAILURE, 13, True),
        (dg.DagsterRunStatus.FAILURE, 15, False),
        (dg.DagsterRunStatus.CANCELED, 15, False),
        (dg.DagsterRunStatus.STARTED, 15, True),
    ],
)
def test_failed_runs_stay_for_two_weeks_and_unfinished_ones_for_ever(
    kept_desk: Desk, status: dg.DagsterRunStatus, days: int, stays: bool
) -> None:
    run_id = leave(kept_desk, status)
    prune_dagster(kept_desk.instance, NOW + days * DAYS)
    assert (kept_desk.instance.get_run_by_id(run_id) is not None) is stays


def test_more_runs_than_a_batch_all_go(kept_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market_pipeline.defs.platform.retention.BATCH", 2)
    for _ in range(5):
        leave(kept_desk, dg.DagsterRunStatus.SUCCESS)
    assert prune_dagster(kept_desk.instance, NOW + 2 * DAYS)["dagster_runs"] == 5


def test_of_old_check_results_only_the_newest_stays(kept_desk: Desk, home: Path) -> None:
    for _ in range(3):
        run_once(kept_desk)
    assert count(home, "asset_check_executions") == 3
    assert prune_dagster(kept_desk.instance, NOW)["check_results"] == 0
    assert prune_dagster(kept_desk.instance, NOW + 2 * DAYS)["check_results"] == 2
    key = dg.AssetCheckKey(dg.AssetKey("table"), "valid")
    latest = kept_desk.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])
    assert latest[key].status.value == "SUCCEEDED"


def test_old_reports_of_the_sensor_go_and_the_verdict_stays(kept_desk: Desk, home: Path) -> None:
    key = dg.AssetKey("table")
    for passed in (True, False):
        event = dg.AssetCheckEvaluation(asset_key=key, check_name="fresh", passed=passed)
        kept_desk.instance.report_runless_asset_event(event)
    assert count(home, "event_logs") == 2
    prune_check_results(home, NOW + DAYS)
    assert count(home, "event_logs") == 0
    check = dg.AssetCheckKey(key, "fresh")
    latest = kept_desk.instance.event_log_storage.get_latest_asset_check_execution_by_key([check])
    assert latest[check].status.value == "FAILED"


def test_without_dagsters_files_there_is_nothing_to_prune(tmp_path: Path) -> None:
    assert prune_check_results(tmp_path, NOW) == 0


def test_the_job_prunes_dagster_and_the_warehouse_and_tells_the_counts(kept_desk: Desk) -> None:
    result = (
        kept_desk.definitions.get_repository_def().get_job("retention").execute_in_process(instance=kept_desk.instance)
    )
    counts = result.output_for_node("retain_everything")
    assert {"dagster_runs", "check_results", "payload_days", "swept_files"} <= set(counts)
    assert {"bars_1d_adjusted", "session_differences", "live_ticker_files"} <= set(counts)
    assert {"log_files", "refused_alerts", "staged_backups", "earlier_feeds"} <= set(counts)


def test_dagsters_home_links_the_projects_settings_and_a_moved_project_mends_the_link(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", _env_file=None)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "dagster.yaml").touch()
    make_dagster_home(settings, tmp_path / "elsewhere")
    home = make_dagster_home(settings, PROJECT)
    assert home == tmp_path / "data" / "simulated" / "dagster"
    assert (home / "dagster.yaml").resolve() == PROJECT / "dagster.yaml"
