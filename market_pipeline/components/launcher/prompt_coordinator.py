"""The run coordinator that dagster.yaml names: cycles start at once, all other runs wait in Dagster's queue."""

from __future__ import annotations

import dagster as dg

from market_pipeline.components.cadence import is_prompt

BACKFILL_TAG = "dagster/backfill"
"""Dagster sets it on every run of a backfill: those wait for their turn, whatever they run."""


class PromptRunCoordinator(dg.QueuedRunCoordinator[dg.DagsterInstance]):
    """Starts a cycle where it was asked for, in the scheduler's thread or the UI; the queue would cost it 3 s.

    A market has one cycle at a time, which its schedule sees to, so their number needs no limit. They count against
    the queue's limit on runs, so that others wait while many cycles are on their way.
    """

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Start a cycle, or put any other run into the queue."""
        run = context.dagster_run
        is_new = run.status is dg.DagsterRunStatus.NOT_STARTED
        if is_new and is_prompt(run.tags) and BACKFILL_TAG not in run.tags:
            return self._instance.launch_run(run.run_id, context.workspace)
        return super().submit_run(context)
