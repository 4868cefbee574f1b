"""The run launcher that dagster.yaml names: a run starts as a child of the zygote, else the way Dagster starts it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import dagster as dg

from market_pipeline.components.cadence import is_unhurried
from market_pipeline.components.launcher import workers
from market_pipeline.components.launcher.private_api import (
    GRPC_INFO_TAG,
    CheckRunHealthResult,
    ConfigurableClassData,
    DefaultRunLauncher,
    LaunchRunContext,
    WorkerStatus,
    run_arguments,
)
from market_pipeline.components.launcher.protocol import GO, ask, connected
from market_pipeline.components.launcher.quick_storage import quicken_storage
from market_pipeline.errors import ZygoteAbsent

FORGOTTEN_SECONDS = 90
"""Beyond its longest runtime run monitoring needs at most 60 s to give a run up, and the zygote 20 s to kill it."""
UNHURRIED = 5
"""Niceness of runs that nobody waits for: a cycle beside them gets three quarters of a core.

Not more: they hold their market's lock while they write, and a starved holder keeps the cycles waiting."""


def niceness(run: dg.DagsterRun) -> int:
    """Return by how much a run gives way to others: cycles, and what somebody started by hand, do not."""
    return UNHURRIED if is_unhurried(run.tags) else 0


def lives_seconds(run: dg.DagsterRun) -> float | None:
    """Return after how many seconds a run's process is killed whatever Dagster thinks of it; None: never.

    Run monitoring fails a run that hangs before it has begun, and leaves its process: frozen, it stays for ever.
    """
    longest = run.tags.get("dagster/max_runtime")
    return float(longest) + FORGOTTEN_SECONDS if longest else None


class WarmRunLauncher(DefaultRunLauncher):
    """Starts runs warm where a zygote listens in Dagster's home, and leaves all others to its base."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        quicken_storage()  # daemon and webserver, which have a launcher, create the runs

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a run; without a zygote, or with one of older code, the default way."""
        try:
            self._launch_warm(context.dagster_run)
        except ZygoteAbsent:
            super().launch_run(context)

    def terminate(self, run_id: str) -> bool:
        """Ask a run's process to stop. The zygote kills one that does not listen."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or GRPC_INFO_TAG in run.tags:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        try:
            with connected(self._home) as stream:
                return bool(ask(stream, {"end": run_id})["ended"])
        except ZygoteAbsent:
            return workers.send(self._home, run_id, signal.SIGTERM)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask whether a run's process lives."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Tell whether a run's process lives; of those started the default way the code server takes care."""
        if GRPC_INFO_TAG in run.tags or workers.is_living(self._home, run.run_id):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "the run's process has ended without ending the run")

    @property
    def _home(self) -> Path:
        return Path(self._instance.root_directory)

    def _launch_warm(self, run: dg.DagsterRun) -> None:
        request: dict[str, Any] = {"launch": run.run_id, "arguments": run_arguments(run, self._instance)}
        request |= {"niceness": niceness(run), "lives_seconds": lives_seconds(run)}
        with connected(self._home) as stream:
            answer = ask(stream, request)
            if "pid" not in answer:
                raise ZygoteAbsent(f"asked the zygote for run {run.run_id} and it refuses: {answer.get('refused')}")
            stream.write(GO)
        self._run_ids.add(run.run_id)
