"""Hourly housekeeping: Dagster's own runs, events and files, and the warehouse beyond each market's retention.

Dagster's retention setting covers ticks only; deleting a run on SQLite leaves its event file and its logs behind.
"""

import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg

from market_pipeline.clock import SystemClock
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.steps.retain import retain

SUCCESS_HOURS = 24
"""Minute runs leave about 200 KB and a file each; a day of them is what people look at."""
OTHER_DAYS = 14
BATCH = 200
FINISHED_BADLY = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dg.op(description="Delete what is older than its retention, and say how much went.")
def retain_everything(context: dg.OpExecutionContext, runtime: RuntimeResource) -> dict[str, int]:
    """Prune Dagster's storage and the warehouse; return the counts."""
    now = SystemClock().now()
    runs = prune_runs(
        context.instance, before=now - timedelta(hours=SUCCESS_HOURS), statuses=[dg.DagsterRunStatus.SUCCESS]
    )
    runs += prune_runs(context.instance, before=now - timedelta(days=OTHER_DAYS), statuses=FINISHED_BADLY)
    counts = {"dagster_runs": runs, **retain(runtime.open())}
    context.add_output_metadata({name: dg.MetadataValue.int(count) for name, count in counts.items()})
    return counts


def prune_runs(instance: dg.DagsterInstance, *, before: datetime, statuses: list[dg.DagsterRunStatus]) -> int:
    """Delete finished runs created before `before`, with their event files and log folders. Return how many."""
    deleted = 0
    filters = dg.RunsFilter(statuses=statuses, created_before=before)
    while records := instance.get_run_records(filters=filters, limit=BATCH):
        for record in records:
            run_id = record.dagster_run.run_id
            instance.delete_run(run_id)
            _remove(_leftovers(Path(instance.root_directory), run_id))
            deleted += 1
    return deleted


def _leftovers(home: Path, run_id: str) -> Iterable[Path]:
    yield from (home / "history" / "runs").glob(f"{run_id}.db*")
    yield home / "storage" / run_id


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@dg.job(
    name="retention",
    executor_def=dg.in_process_executor,
    tags={"market_pipeline/cadence": "daily"},
    description="Delete what is older than its retention: Dagster's runs and files, slices, payloads, snapshot files.",
)
def retention_job() -> None:
    """Prune everything once."""
    retain_everything()


@dg.schedule(
    name="retention",
    job=retention_job,
    cron_schedule="17 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def retention_schedule() -> dg.RunRequest:
    """Run the housekeeping every hour."""
    return dg.RunRequest(run_key=None)
