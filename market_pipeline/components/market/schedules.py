"""Jobs and schedules of one market: cycles tick each minute, the rest every five; the clock of the feed decides.

Dagster's scheduled time is the machine's; the simulated exchange may live on another day.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import TYPE_CHECKING

import dagster as dg

from market_pipeline.components.cadence import PROMPT_CADENCE, run_tags
from market_pipeline.components.runtime_resource import TIER_TAG, RuntimeResource
from market_pipeline.errors import Transient
from market_pipeline.markets.schema import MarketFile

if TYPE_CHECKING:
    from market_pipeline.steps.runtime import MarketRuntime, Runtime

MINUTE_MAX_RUNTIME_SECONDS = 55
SWEEP_MAX_RUNTIME_SECONDS = 170
"""It may last longer than a minute; the next one begins with the first full minute after it."""
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
"""Not CANCELING: a frozen process stays in it for a minute; the warehouse's locks keep it apart from the next run."""
BEGUN = [status for status in dg.DagsterRunStatus if status not in UNFINISHED[:2]]
TICK_TAG = ".dagster/scheduled_execution_time"
LOOKS, LOOK_SECONDS = 12, 0.25
"""For how long a schedule waits for its tick's cycle to begin. dagster.yaml has threads for as many as may wait."""
FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
type Job = dg.UnresolvedAssetJobDefinition
type Decision = dg.RunRequest | dg.SkipReason


def minute_job(
    file: MarketFile, assets: Sequence[dg.AssetsDefinition], left_out: Sequence[dg.AssetChecksDefinition]
) -> Job:
    """Build `<market>_minute`: the whole way of the data, in one process, without the checks that the sensor makes."""
    tags = run_tags(file.market, PROMPT_CADENCE, longest_seconds=MINUTE_MAX_RUNTIME_SECONDS)
    if file.sweep:
        tags[TIER_TAG] = "1"
    return dg.define_asset_job(
        f"{file.market}_minute",
        selection=dg.AssetSelection.assets(*assets) - dg.AssetSelection.checks(*left_out),
        executor_def=dg.in_process_executor,
        tags=tags,
        description=f"One minute of {file.title}: quotes, live tickers, bars, indicators, levels.",
    )


def sweep_job(
    file: MarketFile, assets: Sequence[dg.AssetsDefinition], left_out: Sequence[dg.AssetChecksDefinition]
) -> Job:
    """Build `<market>_sweep`: the same way of the data for tier 2, beside tier 1's minute and behind it."""
    tags = run_tags(file.market, "sweep", longest_seconds=SWEEP_MAX_RUNTIME_SECONDS)
    return dg.define_asset_job(
        f"{file.market}_sweep",
        selection=dg.AssetSelection.assets(*assets) - dg.AssetSelection.checks(*left_out),
        executor_def=dg.in_process_executor,
        tags=tags | {TIER_TAG: "2"},
        description=f"Tier 2 of {file.title}, as far as the budget allows: quotes, live tickers, bars, indicators.",
    )


def daily_job(
    file: MarketFile, assets: Sequence[dg.AssetsDefinition], left_out: Sequence[dg.AssetChecksDefinition]
) -> Job:
    """Build `<market>_daily`: instruments, and the session that ended, reconciled with the sources' history."""
    return dg.define_asset_job(
        f"{file.market}_daily",
        selection=dg.AssetSelection.assets(*assets) - dg.AssetSelection.checks(*left_out),
        executor_def=dg.in_process_executor,
        tags=run_tags(file.market, "daily"),
        description=f"Close a session of {file.title}: refetch, reconcile, recompute, compact.",
    )


@dataclass(frozen=True)
class Ticking:
    """When a schedule ticks, and what may keep it from asking for a run then."""

    cron: str
    description: str
    skip_reason: Callable[[dg.ScheduleEvaluationContext, Runtime, MarketRuntime], str | None]
    follows_cycle: bool = True


def due_schedule(file: MarketFile, job: Job, ticking: Ticking) -> dg.ScheduleDefinition:
    """Build the schedule that runs a job when it is due, one run at a time, and says why when it skips."""

    @dg.schedule(
        name=job.name,
        job=job,
        cron_schedule=ticking.cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"{ticking.description}; says why when it skips.",
    )
    def schedule(context: dg.ScheduleEvaluationContext, runtime: RuntimeResource) -> Decision:
        try:
            opened = runtime.open()
            reason = ticking.skip_reason(context, opened, opened.market(file.market))
        except Transient as error:
            return dg.SkipReason(str(error))
        if reason := reason or still_running(context.instance, job.name):
            return dg.SkipReason(reason)
        if ticking.follows_cycle:
            let_cycle_begin(context, file.market)
        return dg.RunRequest()

    return schedule


def minute_schedule(file: MarketFile, job: Job, *, is_sweep: bool = False) -> dg.ScheduleDefinition:
    """Build the schedule that runs a cycle, or a sweep after it, each minute while the market has work."""

    def reason(_: dg.ScheduleEvaluationContext, runtime: Runtime, market: MarketRuntime) -> str | None:
        from market_pipeline.steps.due import skip_reason

        return skip_reason(market, runtime.clock.now())

    return due_schedule(
        file, job, Ticking("* * * * *", f"Every minute while {file.title} is open", reason, follows_cycle=is_sweep)
    )


def let_cycle_begin(context: dg.ScheduleEvaluationContext, market: str) -> None:
    """Wait a little until this tick's cycle has begun: what is queued before it would not wait for its end."""
    tick = {TICK_TAG: context.scheduled_execution_time.astimezone(UTC).isoformat()}
    filters = dg.RunsFilter(job_name=f"{market}_minute", tags=tick, statuses=BEGUN)
    for _ in range(LOOKS):
        if context.instance.get_runs(filters=filters, limit=1):
            return
        time.sleep(LOOK_SECONDS)


def daily_schedule(file: MarketFile, job: Job, partitions: dg.PartitionsDefinition) -> dg.ScheduleDefinition:
    """Build the schedule that closes a session once its last phase has ended and settled."""

    @dg.schedule(
        name=f"{file.market}_daily",
        job=job,
        cron_schedule=every_five_minutes(file.market, later=4),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Once a session of {file.title} has ended and settled; tries again each hour until that succeeds.",
    )
    def schedule(context: dg.ScheduleEvaluationContext, runtime: RuntimeResource) -> Decision:
        from market_pipeline.steps.due import session_due

        try:
            opened = runtime.open()
            due = session_due(
                opened,
                opened.market(file.market),
                has_failed=lambda day: _has_failed(context.instance, job.name, day),
            )
        except Transient as error:
            return dg.SkipReason(str(error))
        reason = due.reason or still_running(context.instance, job.name)
        if reason or due.session_date is None:
            return dg.SkipReason(reason)
        return _session_run(file, due.session_date, partitions, hour=f"{opened.clock.now():%Y-%m-%dT%H}")

    return schedule


def _session_run(file: MarketFile, day: date, partitions: dg.PartitionsDefinition, *, hour: str) -> Decision:
    if not partitions.has_partition_key(day.isoformat()):
        return dg.SkipReason(
            f"{file.market}: session {day} is over on the feed's clock, but lies in this machine's future, where "
            f"Dagster has no partitions; close it with: market-pipeline backfill {file.market} --from {day} --to {day}"
        )
    return dg.RunRequest(run_key=f"{file.market}:{day}:{hour}", partition_key=day.isoformat())


def every_five_minutes(market: str, *, later: int) -> str:
    """Return a cron line of minutes of the market's own: what nobody waits for keeps out of the others' cycles.

    Jobs of one market that are so many minutes `later` than each other never begin in the same minute.
    """
    return f"{(zlib.crc32(market.encode()) + later) % 5}-59/5 * * * *"


def still_running(instance: dg.DagsterInstance, job_name: str) -> str | None:
    """Return which run of the job is not over yet, in words for people; None when there is none."""
    runs = instance.get_runs(filters=dg.RunsFilter(job_name=job_name, statuses=UNFINISHED), limit=1)
    if not runs:
        return None
    return f"the previous run {runs[0].run_id[:8]} is still {runs[0].status.value.lower()}"


def _has_failed(instance: dg.DagsterInstance, job_name: str, day: date) -> bool:
    """Tell whether the newest run of this session ended badly: a session may be closed and yet lack its history."""
    newest = dg.RunsFilter(job_name=job_name, tags={"dagster/partition": day.isoformat()})
    runs = instance.get_runs(filters=newest, limit=1)
    return bool(runs) and runs[0].status in FAILED
