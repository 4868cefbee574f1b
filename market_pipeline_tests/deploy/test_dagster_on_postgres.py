"""Dagster's storage in PostgreSQL, by deploy/dagster.postgres.yaml: a job runs, and retention works as on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from market_pipeline.clock import SystemClock
from market_pipeline.defs.platform.retention import prune_dagster
from market_pipeline.errors import ConfigurationError
from market_pipeline.settings import Settings, child_environment, load_settings
from market_pipeline.steps.dagster_home import make_dagster_home
from market_pipeline_tests.conftest import PROJECT
from market_pipeline_tests.postgres_cluster import Cluster

pytest.importorskip("dagster_postgres")
NOW = SystemClock().now()
DAYS = timedelta(days=1)


@dg.asset(check_specs=[dg.AssetCheckSpec("valid", asset="table")])
def table() -> dg.MaterializeResult:
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="valid", passed=True)])


@pytest.fixture
def settings(postgres_server: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a feed whose Dagster keeps its runs in an empty database."""
    postgres_server.rows("DROP DATABASE IF EXISTS dagster WITH (FORCE)")
    postgres_server.rows("CREATE DATABASE dagster")
    dsn = postgres_server.dsn.replace("postgresql://", "postgresql+psycopg2://").replace("/postgres", "/dagster")
    monkeypatch.setenv("MARKET_PIPELINE_DAGSTER_DSN", dsn)
    monkeypatch.setenv("MARKET_PIPELINE_DATA", str(tmp_path / "data"))
    return load_settings()


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    home = make_dagster_home(settings, PROJECT)
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened


def test_a_job_runs_and_its_events_are_in_the_database(
    instance: dg.DagsterInstance, settings: Settings, postgres_server: Cluster
) -> None:
    run_id = dg.materialize([table], instance=instance).run_id
    assert type(instance.run_storage).__name__ == "PostgresRunStorage"
    assert len(instance.all_logs(run_id)) > 5
    assert not (Path(instance.root_directory) / "history").exists()


def test_old_runs_and_check_results_go_and_the_newest_result_stays(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    for _ in range(3):
        dg.materialize([table], instance=instance)
    assert prune_dagster(instance, NOW, dsn=settings.dagster_dsn) == {"dagster_runs": 0, "check_results": 0}
    pruned = prune_dagster(instance, NOW + 2 * DAYS, dsn=settings.dagster_dsn)
    assert pruned == {"dagster_runs": 3, "check_results": 2}
    assert instance.get_runs() == []
    key = dg.AssetCheckKey(dg.AssetKey("table"), "valid")
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])
    assert latest[key].status.value == "SUCCEEDED"


def test_both_settings_of_dagster_are_equal_but_for_the_storage() -> None:
    on_postgres = yaml.safe_load((PROJECT / "deploy" / "dagster.postgres.yaml").read_text())
    assert on_postgres.pop("storage") == {"postgres": {"postgres_url": {"env": "MARKET_PIPELINE_DAGSTER_DSN"}}}
    assert on_postgres == yaml.safe_load((PROJECT / "dagster.yaml").read_text())


def test_an_address_that_sqlalchemy_would_read_as_psycopg_3_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MARKET_PIPELINE_DAGSTER_DSN", "postgresql://dagster:hush@127.0.0.1/dagster")
    with pytest.raises(ConfigurationError, match=r"write it as postgresql\+psycopg2://user:password") as refused:
        load_settings()
    assert "hush" not in str(refused.value)


def test_processes_that_are_started_get_the_address_also_when_it_stands_in_a_file(tmp_path: Path) -> None:
    dsn = "postgresql+psycopg2://dagster:hush@127.0.0.1/dagster"
    environment = child_environment(Settings(data=tmp_path, dagster_dsn=dsn, _env_file=None))
    assert environment["MARKET_PIPELINE_DAGSTER_DSN"] == dsn
