"""Hourly housekeeping: Dagster's own runs, events and files, and the warehouse beyond each market's retention.

Dagster's retention setting covers ticks only.
"""

from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
from pydantic import SecretStr

from market_pipeline.clock import SystemClock
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import Transient
from market_pipeline.steps.dagster_home import prune_check_results, prune_postgres_results, remove_run_files

SUCCESS_HOURS = 24
"""Minute runs leave about 200 KB and a file each; a day of them is what people look at."""
OTHER_DAYS = 14
BATCH = 200
FINISHED_BADLY = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dg.op(description="Delete what is older than its retention, and say how much went.")
def retain_everything(context: dg.OpExecutionContext, runtime: RuntimeResource) -> dict[str, int]:
    """Prune Dagster's storage and the warehouse; return the counts."""
    from market_pipeline.steps.retain import retain

    opened = runtime.open()
    counts = {**prune_dagster(context.instance, SystemClock().now(), dsn=opened.settings.dagster_dsn), **retain(opened)}
    context.add_output_metadata({name: dg.MetadataValue.int(count) for name, count in counts.items()})
    return counts


def prune_dagster(instance: dg.DagsterInstance, now: datetime, *, dsn: SecretStr | None = None) -> dict[str, int]:
    """Delete Dagster's old runs and results of checks, `now` being the machine's time; return how many of each.

    `dsn` names the PostgreSQL of Dagster's storage; without one it is SQLite.
    """
    yesterday, long_ago = now - timedelta(hours=SUCCESS_HOURS), now - timedelta(days=OTHER_DAYS)
    good = prune_runs(instance, before=yesterday, statuses=[dg.DagsterRunStatus.SUCCESS])
    bad = prune_runs(instance, before=long_ago, statuses=FINISHED_BADLY)
    if dsn is not None:
        results = prune_postgres_results(dsn.get_secret_value(), yesterday)
    else:
        results = prune_check_results(Path(instance.root_directory), yesterday)
    return {"dagster_runs": good + bad, "check_results": results}


def prune_runs(instance: dg.DagsterInstance, *, before: datetime, statuses: list[dg.DagsterRunStatus]) -> int:
    """Delete finished runs created before `before`, with their event files and log folders. Return how many."""
    deleted = 0
    filters = dg.RunsFilter(statuses=statuses, created_before=before)
    while records := instance.get_run_records(filters=filters, limit=BATCH):
        for record in records:
            run_id = record.dagster_run.run_id
            instance.delete_run(run_id)
            remove_run_files(Path(instance.root_directory), run_id)
            deleted += 1
    return deleted


@dg.job(
    name="retention",
    executor_def=dg.in_process_executor,
    tags={"market_pipeline/cadence": "retention"},
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
def retention_schedule(runtime: RuntimeResource) -> dg.RunRequest | dg.SkipReason:
    """Run the housekeeping every hour."""
    try:
        runtime.open()
    except Transient as error:
        return dg.SkipReason(str(error))
    return dg.RunRequest()
