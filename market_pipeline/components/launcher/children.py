"""The runs that were forked: who lives, who ended and how, who was asked to stop and has to be killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from market_pipeline.components.launcher import workers
from market_pipeline.components.launcher.workers import Worker

GRACE_SECONDS = 20
"""A run that was asked to stop may wait so long for its last answer, then it is killed: a frozen one holds locks."""


class Children:
    """The living runs of one Dagster home, those of a zygote before us included: their files tell of them."""

    def __init__(self, home: Path, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._home, self._grace_seconds = home, grace_seconds
        self._workers = {worker.run_id: worker for worker in workers.noted_workers(home)}
        self._deadlines: dict[str, float] = {}

    @property
    def count(self) -> int:
        """Return how many have not ended."""
        return len(self._workers)

    def add(self, worker: Worker, *, lives_seconds: float | None = None) -> None:
        """Take note of a run that was just forked, and is killed when it lives longer than it may."""
        self._workers[worker.run_id] = worker
        if lives_seconds is not None:
            self._deadlines[worker.run_id] = time.monotonic() + lives_seconds

    def end(self, run_id: str) -> bool:
        """Ask a run to stop; it is killed when it has not done so in time. Tell whether it lives."""
        self._deadlines[run_id] = time.monotonic() + self._grace_seconds
        return workers.send(self._home, run_id, signal.SIGTERM)

    def end_all(self, number: signal.Signals) -> None:
        """Send a signal to every run."""
        for run_id in self._workers:
            workers.send(self._home, run_id, number)

    def take_ended(self) -> Iterator[tuple[Worker, str | None]]:
        """Forget those that have ended, and yield each with how it ended, None when it ended well."""
        codes = dict(_reaped())
        for worker in list(self._workers.values()):
            if worker.pid in codes or _is_gone(worker.pid):
                del self._workers[worker.run_id]
                self._deadlines.pop(worker.run_id, None)
                workers.forget(self._home, worker.run_id)
                yield worker, _how(worker.pid, codes.get(worker.pid))

    def kill_overdue(self) -> Iterator[str]:
        """Kill those that were asked to stop and have not, or have outlived their time, and yield their runs."""
        for run_id, deadline in list(self._deadlines.items()):
            if time.monotonic() >= deadline:
                del self._deadlines[run_id]
                if workers.send(self._home, run_id, signal.SIGKILL):
                    yield run_id


def _reaped() -> Iterator[tuple[int, int]]:
    """Yield process and exit code of the children that ended; a negative code is a signal's number."""
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            yield found[0], os.waitstatus_to_exitcode(found[1])


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):  # the latter: somebody else's process has its id by now
        return True
    return False


def _how(pid: int, code: int | None) -> str | None:
    if code == 0:
        return None
    if code is None:
        return f"the run's process {pid} ended while nobody watched it"
    if code < 0:
        return f"the run's process {pid} was ended by {signal.Signals(-code).name}"
    return f"the run's process {pid} ended with code {code}; launcher.log in the feed's logs folder has its last words"
