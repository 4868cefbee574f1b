"""What a forked child does: make itself at home as a process of its own, do its one job, and never return."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np

from market_pipeline.components.launcher import private_api, workers
from market_pipeline.components.launcher.parent import end_with_parent
from market_pipeline.components.launcher.protocol import GO, say
from market_pipeline.components.launcher.quick_storage import ENGINES


def run_worker(plug: socket.socket, home: Path, started_by: workers.Worker, *, niceness: int = 0) -> NoReturn:
    """Execute a run, if its launcher still waits for it. `started_by` names the run and the zygote."""

    def work() -> None:
        os.nice(niceness)
        lock = workers.become_worker(home, started_by.run_id, started_by.arguments)
        with plug, plug.makefile("rwb") as stream:
            say(stream, {"pid": os.getpid()})
            is_wanted = stream.readline() == GO
        if is_wanted:
            private_api.execute_run(started_by.arguments)
            ENGINES.close()
        os.close(lock)

    _do(work, parent=started_by.pid)


def run_reporter(parent: int, arguments: str, how: str) -> NoReturn:
    """Tell Dagster of a run whose process is gone."""
    _do(lambda: private_api.report_lost(arguments, how), parent=parent)


def _do(job: Callable[[], None], *, parent: int) -> NoReturn:
    """Run `job` and end: with 0, or with 1 after a traceback on stderr."""
    code = 1
    try:
        _become_own_process(parent)
        job()
        code = 0
    except BaseException:  # nothing above us may ever run twice
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _become_own_process(parent: int) -> None:
    """Undo what a child must not share with its siblings: signal handlers and the state of random numbers."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    end_with_parent(parent)
    random.seed()
    np.random.seed()
