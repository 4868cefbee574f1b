"""Which runs have a living process: each holds a lock on a file of its own, which the kernel drops when it dies.

A process id alone may come again. Knows nothing of Dagster.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from market_pipeline.components.launcher.protocol import FOLDER

SUFFIX = ".worker"


@dataclass(frozen=True)
class Worker:
    """The process of one run, and the arguments that it was started with."""

    run_id: str
    pid: int
    arguments: str


def worker_file(home: Path, run_id: str) -> Path:
    """Return the file whose lock the process of a run holds."""
    return home / FOLDER / f"{Path(run_id).name}{SUFFIX}"


def become_worker(home: Path, run_id: str, arguments: str) -> int:
    """Make this process the worker of a run; return the descriptor to hold on to. Raise BlockingIOError for a second.

    The descriptor is closed in programs that the worker starts, so that none of them keeps the lock.
    """
    descriptor = os.open(worker_file(home, run_id), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(asdict(Worker(run_id, os.getpid(), arguments))).encode())
    return descriptor


def is_living(home: Path, run_id: str) -> bool:
    """Tell whether the process of a run lives."""
    try:
        descriptor = os.open(worker_file(home, run_id), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def send(home: Path, run_id: str, number: signal.Signals) -> bool:
    """Send a signal to the process of a run; tell whether there was one."""
    if not is_living(home, run_id):
        return False
    worker = Worker(**json.loads(worker_file(home, run_id).read_bytes()))
    with suppress(ProcessLookupError):
        os.kill(worker.pid, number)
    return True


def noted_workers(home: Path) -> Iterator[Worker]:
    """Yield every worker whose file is still there, whether or not it lives."""
    for path in sorted((home / FOLDER).glob(f"*{SUFFIX}")):
        try:
            yield Worker(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            path.unlink(missing_ok=True)  # its process died before it could say who it was


def forget(home: Path, run_id: str) -> None:
    """Remove the file of a run whose process has ended."""
    worker_file(home, run_id).unlink(missing_ok=True)
