"""The job and schedule of `<market>_metrics`: metrics every ten minutes, and the Sharia screen with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from market_pipeline.components.cadence import run_tags
from market_pipeline.components.market.schedules import (
    FAILED,
    Decision,
    Job,
    every_five_minutes,
    let_cycle_begin,
    still_running,
)
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import Transient
from market_pipeline.markets.schema import MarketFile

OWN_WORK_SECONDS = 120
"""Starting up, merging and writing, beside the time that sources are given to answer."""


def metrics_job(file: MarketFile, assets: Sequence[dg.AssetsDefinition]) -> Job:
    """Build `<market>_metrics`, in one process."""
    asking = file.metrics.deadline_seconds + (file.sharia.deadline_seconds if file.sharia else 0)
    return dg.define_asset_job(
        f"{file.market}_metrics",
        selection=dg.AssetSelection.assets(*assets),
        executor_def=dg.in_process_executor,
        tags=run_tags(file.market, "metrics", longest_seconds=asking + OWN_WORK_SECONDS),
        description=f"Valuation, ranges, book and shares of {file.title}" + (", screened." if file.sharia else "."),
    )


def metrics_schedule(file: MarketFile, job: Job) -> dg.ScheduleDefinition:
    """Build the schedule that ticks every five minutes and runs once in every so many of the feed's clock."""
    minutes = file.metrics.every_minutes

    @dg.schedule(
        name=f"{file.market}_metrics",
        job=job,
        cron_schedule=every_five_minutes(file.market, later=2),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every {minutes} minutes while {file.title} is open; says why when it skips.",
    )
    def schedule(context: dg.ScheduleEvaluationContext, runtime: RuntimeResource) -> Decision:
        from market_pipeline.steps.metrics_due import metrics_skip_reason

        try:
            opened = runtime.open()
            reason = metrics_skip_reason(opened, opened.market(file.market))
        except Transient as error:
            return dg.SkipReason(str(error))
        reason = reason or still_running(context.instance, job.name) or _failed_lately(context, job.name, minutes)
        if reason is None:
            let_cycle_begin(context, file.market)
        return dg.SkipReason(reason) if reason else dg.RunRequest()

    return schedule


def _failed_lately(context: dg.ScheduleEvaluationContext, job_name: str, minutes: int) -> str | None:
    """Return which run of this turn failed: it left no rows, and must not ask the sources anew each minute."""
    since = context.scheduled_execution_time - timedelta(minutes=minutes)
    failed = dg.RunsFilter(job_name=job_name, statuses=list(FAILED), created_after=since)
    runs = context.instance.get_runs(filters=failed, limit=1)
    return f"run {runs[0].run_id[:8]} failed; the next try is {minutes} minutes after it" if runs else None
