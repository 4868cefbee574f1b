"""Dagster's Celery launcher as a contender: a Redis of its own, and a worker that imports the project before it forks.

Needs `pip install -e '.[bench]'` and a redis-server on the PATH; without them there is no such contender.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.process import free_port, running

MOST_RUNS = 10
"""As many as our queue lets run at once."""


def can_run() -> bool:
    """Tell whether what Celery needs is there."""
    return importlib.util.find_spec("dagster_celery") is not None and shutil.which("redis-server") is not None


def celery_home(home: Path, folder: Path) -> tuple[Path, int]:
    """Return a DAGSTER_HOME like `home`, but with Celery's launcher, and the port that its Redis has to listen on."""
    folder.mkdir()
    port = free_port()
    settings = yaml.safe_load((home / "dagster.yaml").read_text())
    settings["run_launcher"] = {
        "module": "dagster_celery.launcher",
        "class": "CeleryRunLauncher",
        "config": {"broker": f"redis://127.0.0.1:{port}/0", "backend": f"redis://127.0.0.1:{port}/1"},
    }
    (folder / "dagster.yaml").write_text(yaml.safe_dump(settings))
    # found by name, on the worker's path
    (folder / "dagster_celery_config.py").write_text(
        f'broker_url = "redis://127.0.0.1:{port}/0"\n'
        f'result_backend = "redis://127.0.0.1:{port}/1"\n'
        "worker_prefetch_multiplier = 1\n"
    )
    return folder, port


@contextmanager
def celery_processes(
    home: Path, port: int, environment: Mapping[str, str], *, log: int
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run Redis and the worker while the block lasts; yield both."""
    redis = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(home)]
    path = f"{home}:{environment['PYTHONPATH']}"
    worker = [sys.executable, "-m", "celery", "-A", "benchmarks.celery_worker", "worker"]
    options = ["-Q", "dagster", "-c", str(MOST_RUNS), "--without-gossip", "--without-mingle", "-l", "WARNING"]
    with (
        running(redis, dict(environment), log) as broker,
        running([*worker, *options], dict(environment) | {"PYTHONPATH": path}, log) as pool,
    ):
        yield [broker, pool]
