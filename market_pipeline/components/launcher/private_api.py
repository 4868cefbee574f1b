"""With quick_storage the only door to names that Dagster does not promise to keep.

A contract test pins them; when it fails after an upgrade, mend this module, or take the launcher out of dagster.yaml:
every run then starts the default way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import ConfigurableClassData

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

__all__ = [
    "GRPC_INFO_TAG",
    "CheckRunHealthResult",
    "ConfigurableClassData",
    "DefaultRunLauncher",
    "LaunchRunContext",
    "WorkerStatus",
    "execute_run",
    "report_lost",
    "run_arguments",
]


def run_arguments(run: DagsterRun, instance: DagsterInstance) -> str:
    """Return what `dagster api execute_run` takes on its command line, as text."""
    from dagster._grpc.types import ExecuteRunArgs

    if run.job_code_origin is None:
        raise ValueError(f"run {run.run_id} does not say where its code is")
    arguments = ExecuteRunArgs(run.job_code_origin, run.run_id, instance.get_ref())
    return str(arguments.get_command_args()[-1])


def execute_run(arguments: str) -> None:
    """Do in this process what `dagster api execute_run` does in one of its own; the run's events tell how it went."""
    from dagster._cli.api import execute_run_command

    command = execute_run_command.callback
    if command is None:
        raise TypeError("Dagster's execute_run has no body")
    command(input_json=arguments, compressed_input_json=None)


def report_lost(arguments: str, how: str) -> None:
    """End a run whose process is gone, unless it has ended, or was started the default way after all."""
    from dagster import DagsterInstance, DagsterRunStatus
    from dagster._grpc.types import ExecuteRunArgs
    from dagster._serdes import deserialize_value

    lost = deserialize_value(arguments, ExecuteRunArgs)
    if lost.instance_ref is None:
        return
    with DagsterInstance.from_ref(lost.instance_ref) as instance:
        run = instance.get_run_by_id(lost.run_id)
        if run is None or run.is_finished or GRPC_INFO_TAG in run.tags:
            return
        if run.status is DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, how)
        else:
            instance.report_run_failed(run, how)
