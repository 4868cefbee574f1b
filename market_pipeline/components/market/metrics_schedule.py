"""The job and schedule of `<market>_metrics`: metrics every ten minutes, and the Sharia screen with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from market_pipeline.components.cadence import run_tags
from market_pipeline.components.market.schedules import FAILED, Job, Ticking, due_schedule, every_five_minutes
from market_pipeline.markets.schema import MarketFile

if TYPE_CHECKING:
    from market_pipeline.steps.runtime import MarketRuntime, Runtime

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

    def reason(context: dg.ScheduleEvaluationContext, runtime: Runtime, market: MarketRuntime) -> str | None:
        from market_pipeline.steps.metrics_due import metrics_skip_reason

        return metrics_skip_reason(runtime, market) or _failed_lately(context, job.name, minutes)

    cron = every_five_minutes(file.market, later=2)
    return due_schedule(file, job, Ticking(cron, f"Every {minutes} minutes while {file.title} is open", reason))


def _failed_lately(context: dg.ScheduleEvaluationContext, job_name: str, minutes: int) -> str | None:
    """Return which run of this turn failed: it left no rows, and must not ask the sources anew at each tick."""
    since = context.scheduled_execution_time - timedelta(minutes=minutes)
    failed = dg.RunsFilter(job_name=job_name, statuses=list(FAILED), created_after=since)
    runs = context.instance.get_runs(filters=failed, limit=1)
    return f"run {runs[0].run_id[:8]} failed; the next try is {minutes} minutes after it" if runs else None
