"""Jobs and schedules of one market. A schedule ticks each minute and decides with the clock of the feed.

Dagster's scheduled time is the machine's; the simulated exchange may live on another day.
"""

from collections.abc import Sequence

import dagster as dg

from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import MarketPipelineError
from market_pipeline.markets.schema import MarketFile
from market_pipeline.steps.due import session_due, skip_reason

MINUTE_MAX_RUNTIME_SECONDS = 55
MARKET_TAG, CADENCE_TAG = "market_pipeline/market", "market_pipeline/cadence"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
type Job = dg.UnresolvedAssetJobDefinition


def minute_job(
    file: MarketFile, assets: Sequence[dg.AssetsDefinition], left_out: Sequence[dg.AssetChecksDefinition]
) -> Job:
    """Build `<market>_minute`: the whole way of the data, in one process, without the checks that the sensor makes."""
    tags = {MARKET_TAG: file.market, CADENCE_TAG: "minute", "dagster/max_runtime": str(MINUTE_MAX_RUNTIME_SECONDS)}
    return dg.define_asset_job(
        f"{file.market}_minute",
        selection=dg.AssetSelection.assets(*assets) - dg.AssetSelection.checks(*left_out),
        executor_def=dg.in_process_executor,
        tags=tags,
        description=f"One minute of {file.title}: quotes, live tickers, bars, indicators.",
    )


def daily_job(file: MarketFile, assets: Sequence[dg.AssetsDefinition]) -> Job:
    """Build `<market>_daily`: instruments, and the session that ended, reconciled with the sources' history."""
    return dg.define_asset_job(
        f"{file.market}_daily",
        selection=dg.AssetSelection.assets(*assets),
        executor_def=dg.in_process_executor,
        tags={MARKET_TAG: file.market, CADENCE_TAG: "daily"},
        description=f"Close a session of {file.title}: refetch, reconcile, recompute, compact.",
    )


def minute_schedule(file: MarketFile, job: Job) -> dg.ScheduleDefinition:
    """Build the schedule that runs a cycle each minute while the market has work."""

    @dg.schedule(
        name=f"{file.market}_minute",
        job=job,
        cron_schedule="* * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every minute while {file.title} is open; says why when it skips.",
    )
    def schedule(context: dg.ScheduleEvaluationContext, runtime: RuntimeResource) -> dg.RunRequest | dg.SkipReason:
        try:
            opened = runtime.open()
        except MarketPipelineError as error:
            return dg.SkipReason(str(error))
        reason = skip_reason(opened.market(file.market), opened.clock.now()) or _still_running(context, job.name)
        return dg.SkipReason(reason) if reason else dg.RunRequest()

    return schedule


def daily_schedule(file: MarketFile, job: Job) -> dg.ScheduleDefinition:
    """Build the schedule that closes a session once its last phase has ended and settled."""

    @dg.schedule(
        name=f"{file.market}_daily",
        job=job,
        cron_schedule="* * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Once a session of {file.title} has ended and settled; tries again each hour until it is closed.",
    )
    def schedule(context: dg.ScheduleEvaluationContext, runtime: RuntimeResource) -> dg.RunRequest | dg.SkipReason:
        try:
            opened = runtime.open()
        except MarketPipelineError as error:
            return dg.SkipReason(str(error))
        due = session_due(opened, opened.market(file.market))
        reason = due.reason or _still_running(context, job.name)
        if reason or due.session_date is None:
            return dg.SkipReason(reason)
        key = f"{file.market}:{due.session_date}:{opened.clock.now():%Y-%m-%dT%H}"
        return dg.RunRequest(run_key=key, partition_key=due.session_date.isoformat())

    return schedule


def _still_running(context: dg.ScheduleEvaluationContext, job_name: str) -> str | None:
    runs = context.instance.get_runs(filters=dg.RunsFilter(job_name=job_name, statuses=UNFINISHED), limit=1)
    if not runs:
        return None
    return f"the previous run {runs[0].run_id[:8]} is still {runs[0].status.value.lower()}"
