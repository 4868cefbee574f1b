"""Runs of our jobs as production starts them: forked from a zygote that has loaded everything."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository

from benchmarks.feed import PROJECT, SimulatedFeed
from benchmarks.process import running
from benchmarks.stack import wait_for_zygote
from market_pipeline.cli.processes import DEFINITIONS, launcher
from market_pipeline.cli.supervision import executable
from market_pipeline.definitions import defs
from market_pipeline.steps.dagster_home import make_dagster_home

RUN_SECONDS = 120


@dataclass(frozen=True)
class WarmRun:
    """When a run was asked for (seconds since 1970), and how long its steps took from the first to the last."""

    launched: float
    ended: float
    work_seconds: float


@contextmanager
def warm_runs(feed: SimulatedFeed) -> Iterator[Callable[[str], WarmRun]]:
    """Keep a zygote on this feed while the block lasts; yield what runs a job from it and waits for its end."""
    home = make_dagster_home(feed.settings, PROJECT)
    environment = feed.environment | {"DAGSTER_HOME": str(home)}
    subprocess.run([executable("dagster"), "instance", "migrate"], env=environment, capture_output=True, check=True)
    [zygote] = launcher(home, environment)
    with (home / "stack.log").open("ab") as log, running(list(zygote.command), zygote.environment, log.fileno()):
        wait_for_zygote(home)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield lambda job: _run(instance, job)


def _run(instance: dg.DagsterInstance, job: str) -> WarmRun:
    code = ReconstructableRepository.for_module(DEFINITIONS, "defs", str(PROJECT))
    origin = code.get_reconstructable_job(job).get_python_origin()
    run = instance.create_run_for_job(defs().resolve_job_def(job), job_code_origin=origin)
    launched = time.time()
    instance.launch_run(run.run_id, None)  # type: ignore[arg-type]  # a warm start needs no workspace
    while not (found := instance.get_run_by_id(run.run_id)) or not found.is_finished:
        if time.time() - launched > RUN_SECONDS:
            raise RuntimeError(f"{job} has not ended after {RUN_SECONDS} s; see {instance.root_directory}/stack.log")
        time.sleep(0.1)
    if found.status is not dg.DagsterRunStatus.SUCCESS:
        raise RuntimeError(f"{job} ended with {found.status.value}; see {instance.root_directory}/stack.log")
    steps = instance.get_run_step_stats(run.run_id)
    began, ended = min(s.start_time or 0.0 for s in steps), max(s.end_time or 0.0 for s in steps)
    return WarmRun(launched, ended, ended - began)
