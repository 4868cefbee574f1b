"""What the launcher relies on in Dagster without a promise; see components/launcher/private_api.py."""

from __future__ import annotations

import inspect

import dagster as dg
from dagster._cli.api import execute_run_command
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import DefaultRunLauncher
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import deserialize_value

from market_pipeline.components.launcher import private_api, quick_storage
from market_pipeline_tests.conftest import PROJECT

MEND = (
    "Dagster changed what the warm launcher stands on: mend market_pipeline/components/launcher/private_api.py and run "
    "market_pipeline_tests/components/test_warm_launcher.py, or take run_launcher out of dagster.yaml"
)


def test_dagster_is_the_minor_version_that_the_launcher_was_tried_on() -> None:
    assert dg.__version__.split(".")[:2] == ["1", "13"], MEND


def test_execute_run_takes_its_arguments_as_json_text() -> None:
    assert execute_run_command.callback is not None, MEND
    names = list(inspect.signature(execute_run_command.callback).parameters)
    assert names == ["input_json", "compressed_input_json"], MEND


def test_the_arguments_of_a_run_name_it_and_the_instance() -> None:
    code = ReconstructableRepository.for_module("market_pipeline.definitions", "defs", str(PROJECT))
    origin = code.get_reconstructable_job("crypto_minute").get_python_origin()
    with dg.instance_for_test() as instance:
        run = dg.DagsterRun(job_name="crypto_minute", run_id="r1", job_code_origin=origin)
        arguments = deserialize_value(private_api.run_arguments(run, instance), ExecuteRunArgs)
        assert arguments.run_id == "r1", MEND
        assert arguments.instance_ref == instance.get_ref(), MEND
        assert arguments.job_origin == origin, MEND


def test_the_default_launcher_has_the_methods_that_the_warm_one_builds_on() -> None:
    for method, names in (("launch_run", ["self", "context"]), ("terminate", ["self", "run_id"])):
        assert list(inspect.signature(getattr(DefaultRunLauncher, method)).parameters) == names, MEND
    assert DefaultRunLauncher()._run_ids == set(), MEND
    assert private_api.LaunchRunContext._fields == ("dagster_run", "workspace"), MEND


def test_the_default_launcher_still_marks_its_runs_with_this_tag() -> None:
    assert private_api.GRPC_INFO_TAG == ".dagster/grpc_info", MEND
    assert "GRPC_INFO_TAG" in inspect.getsource(DefaultRunLauncher.launch_run_from_grpc_client), MEND


def test_run_monitoring_ends_a_run_whose_process_is_not_found() -> None:
    from dagster._daemon.monitoring.run_monitoring import monitor_started_run

    source = inspect.getsource(monitor_started_run)
    assert "check_health_result.status not in [WorkerStatus.RUNNING, WorkerStatus.SUCCESS]" in source, MEND
    assert {"RUNNING", "NOT_FOUND"} <= {status.name for status in private_api.WorkerStatus}, MEND


def test_the_scripts_of_migrations_are_read_once_and_lead_to_the_same_head() -> None:
    from alembic.script import ScriptDirectory
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.sql import get_alembic_config

    config = get_alembic_config(sqlite_run_storage.__file__)
    head = ScriptDirectory(ScriptDirectory.from_config(config).dir).get_current_head()
    quick_storage.quicken_storage()
    again = get_alembic_config(sqlite_run_storage.__file__)
    assert ScriptDirectory.from_config(again) is ScriptDirectory.from_config(config), MEND
    assert ScriptDirectory.from_config(again).as_revision_number("head") == head, MEND
