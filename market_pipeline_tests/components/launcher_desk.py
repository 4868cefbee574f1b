"""A zygote with its keeper over a small project of its own, and runs launched through a real Dagster instance."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from market_pipeline.components.launcher.protocol import ask, connected
from market_pipeline.components.launcher.workers import worker_file
from market_pipeline.errors import ZygoteAbsent
from market_pipeline_tests.conftest import PROJECT

PROBE = """
import os, random, time
import dagster as dg
import numpy as np

@dg.op
def says(context):
    print("hello from the run", flush=True)
    with open(context.run.tags["out"], "w") as out:
        out.write(f"{os.getppid()} {random.random()} {np.random.random()} WORD {os.nice(0)}")

@dg.op
def waits(context): waits_with(context)

@dg.op
def hangs(context):
    # for ever in the middle of what a cycle writes
    from market_pipeline.settings import load_settings
    from market_pipeline.steps.runtime import stored_warehouse
    with stored_warehouse(load_settings())._writing("crypto"):
        waits_with(context)

def waits_with(context):
    open(context.run.tags["out"], "w").close()
    time.sleep(300)

@dg.op
def fails():
    raise RuntimeError("as it should")

@dg.job(executor_def=dg.in_process_executor)
def quick(): says()

@dg.job(executor_def=dg.in_process_executor)
def waiting(): waits()

@dg.job(executor_def=dg.in_process_executor)
def hanging(): hangs()

@dg.job(executor_def=dg.in_process_executor)
def failing(): fails()

@dg.definitions
def defs(): return dg.Definitions(jobs=[quick, waiting, hanging, failing])
"""
PATIENCE_SECONDS = 60


def wait_until[Result](attempt: Callable[[], Result]) -> Result:
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        if result := attempt():
            return result
        assert time.monotonic() < ends, f"waited {PATIENCE_SECONDS} s in vain"
        time.sleep(0.05)


@dataclass
class WarmDesk:
    """The folder of a project called warm_probe, Dagster's home, the instance, and the keeper's process."""

    folder: Path
    instance: dg.DagsterInstance
    keeper: subprocess.Popen[bytes]

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def probe(self) -> Path:
        return self.folder / "warm_probe" / "__init__.py"

    def zygote(self) -> dict[str, Any] | None:
        """Return what the zygote says of itself; None while there is none."""
        with suppress(ZygoteAbsent), connected(self.home) as stream:
            return ask(stream, {})
        return None

    def create(self, job: str, more: dict[str, str] | None = None, **origin_of_location: Any) -> dg.DagsterRun:
        import warm_probe  # type: ignore[import-not-found]

        code = ReconstructableRepository.for_module("warm_probe", "defs", str(self.folder))
        origin = code.get_reconstructable_job(job).get_python_origin()
        tags = {"out": str(self.folder / f"{job}.out"), **(more or {})}
        definition = getattr(warm_probe, job)
        return self.instance.create_run_for_job(definition, job_code_origin=origin, tags=tags, **origin_of_location)

    def launch(self, job: str, **more: str) -> str:
        run = self.create(job, {f"market_pipeline/{name}": value for name, value in more.items()})
        self.instance.launch_run(run.run_id, None)  # type: ignore[arg-type]  # a warm start needs no workspace
        return run.run_id

    def submit(self, job: str, tags: dict[str, str] | None = None) -> str:
        """Hand a run over as schedules and the UI do."""
        place = GrpcServerCodeLocationOrigin("localhost", port=1)  # only named: nothing asks there
        origin = RemoteJobOrigin(RemoteRepositoryOrigin(place, "__repository__"), job)
        run = self.create(job, tags, remote_job_origin=origin)
        self.instance.submit_run(run.run_id, None)  # type: ignore[arg-type]  # a warm start needs no workspace
        return run.run_id

    def launch_waiting(self, tags: dict[str, str] | None = None) -> str:
        """Launch the job that waits, and return once it does."""
        run = self.create("waiting", tags)
        self.instance.launch_run(run.run_id, None)  # type: ignore[arg-type]  # a warm start needs no workspace
        run_id = run.run_id
        wait_until((self.folder / "waiting.out").exists)
        return run_id

    def output(self, job: str) -> str:
        return (self.folder / f"{job}.out").read_text()

    def status(self, run_id: str) -> str:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status.value

    def end_of(self, run_id: str) -> str:
        """Return the status that a run ends with."""
        return wait_until(lambda: self.status(run_id) in {"SUCCESS", "FAILURE", "CANCELED"} and self.status(run_id))

    def messages(self, run_id: str) -> list[str]:
        return [event.message for event in self.instance.all_logs(run_id)]

    def process(self, run_id: str) -> psutil.Process:
        return psutil.Process(json.loads(worker_file(self.home, run_id).read_text())["pid"])


@contextmanager
def warm_desk(folder: Path) -> Iterator[WarmDesk]:
    """Run keeper and zygote while the block lasts; begin once the zygote answers."""
    (folder / "warm_probe").mkdir()
    (folder / "warm_probe" / "__init__.py").write_text(PROBE)
    home = folder / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": str(folder),
        "MARKET_PIPELINE_DATA": str(folder / "data"),
    }
    command = [sys.executable, "-m", "market_pipeline.components.launcher.keeper", str(home), "warm_probe"]
    with (folder / "launcher.log").open("ab") as log, dg.DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs(limit=1)  # makes the tables before two processes race for it
        keeper = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        desk = WarmDesk(folder, instance, keeper)
        sys.path.insert(0, str(folder))
        try:
            wait_until(desk.zygote)
            yield desk
        finally:
            sys.path.remove(str(folder))
            sys.modules.pop("warm_probe", None)
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(keeper.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    keeper.wait(10)
