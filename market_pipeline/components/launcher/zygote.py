"""The process that runs are forked from: it has loaded everything, listens, and looks after its children.

A fork takes milliseconds and shares the loaded pages; a fresh process imports for seconds. When the project's files
change, it refuses to start runs and replaces itself in place, and its children go on.

Run: python -m market_pipeline.components.launcher.zygote DAGSTER_HOME MODULE
"""

from __future__ import annotations

import importlib
import os
import select
import signal
import socket
import sys
import time
import warnings
from contextlib import suppress
from datetime import date
from pathlib import Path

import market_pipeline
from market_pipeline.clock import SystemClock
from market_pipeline.components.launcher.child import run_reporter, run_worker
from market_pipeline.components.launcher.children import GRACE_SECONDS, Children
from market_pipeline.components.launcher.fingerprint import fingerprint
from market_pipeline.components.launcher.parent import end_with_parent
from market_pipeline.components.launcher.preload import preload
from market_pipeline.components.launcher.protocol import (
    SOCKET,
    Message,
    Stream,
    launcher_folder,
    read,
    say,
    socket_address,
)
from market_pipeline.components.launcher.workers import Worker

PROJECT = Path(market_pipeline.__file__).parent
LOOK_SECONDS = 1.0
"""How often the project's files are looked at: three milliseconds each."""
REQUEST_SECONDS = 2.0
STOP_STEPS = ((None, 3.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 0.5))
"""What runs are sent at our own end, and the seconds they have after it; `up` allows five."""


class Zygote:
    """Serves one Dagster home."""

    def __init__(self, home: Path, module: str) -> None:
        self.is_stopping = False
        self._home, self._module = home, module
        self._folders = (PROJECT, _package_folder(module))
        self._made_of, self._made_on = fingerprint(*self._folders), _today()
        self._looks_next = 0.0
        self._children = Children(home)
        self._listener = _listener(home)
        self._wakes, self._wake = _signal_pipe()

    def serve(self) -> None:
        """Answer requests and look after children until a signal says stop."""
        note(f"ready, with {self._module} in state {self._made_of}")
        while not self.is_stopping:
            if self._is_asked(LOOK_SECONDS):
                self._answer()
            self._look_after_children()
            if time.monotonic() >= self._looks_next and self._is_outdated():
                self._replace()
        self._stop()

    def _is_asked(self, seconds: float) -> bool:
        """Wait for a request or a signal, and tell whether it was a request."""
        ready, _, _ = select.select([self._listener.fileno(), self._wakes], [], [], seconds)
        if self._wakes in ready:
            os.read(self._wakes, 1_000)
        return self._listener.fileno() in ready

    def _answer(self) -> None:
        plug, _ = self._listener.accept()
        plug.settimeout(REQUEST_SECONDS)
        with plug, suppress(OSError, ValueError), plug.makefile("rwb") as stream:
            request = read(stream)
            if "launch" in request:
                self._launch(plug, stream, request)
            elif "end" in request:
                say(stream, {"ended": self._children.end(str(request["end"]))})
            else:
                say(stream, {"pid": os.getpid(), "runs": self._children.count, "state": self._made_of})

    def _launch(self, plug: socket.socket, stream: Stream, request: Message) -> None:
        """Fork. The child talks on with the launcher; here only the run is noted."""
        if fingerprint(*self._folders) != self._made_of:
            say(stream, {"refused": "the project's files have changed since it was loaded"})
            self._replace()
        run_id, arguments = str(request["launch"]), str(request["arguments"])
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            self._let_go()
            run_worker(plug, self._home, Worker(run_id, parent, arguments), niceness=int(request.get("niceness", 0)))
        self._children.add(Worker(run_id, pid, arguments), lives_seconds=request.get("lives_seconds"))

    def _look_after_children(self) -> None:
        for worker, how in self._children.take_ended():
            if how is not None:
                note(f"run {worker.run_id}: {how}")
                self._report(worker, how)
        for run_id in self._children.kill_overdue():
            note(f"killed the process of run {run_id}: asked to stop {GRACE_SECONDS} s ago, or long after its time")

    def _report(self, worker: Worker, how: str) -> None:
        """Have a child tell Dagster, as we open no connection of our own."""
        parent = os.getpid()
        if os.fork() == 0:
            self._let_go()
            run_reporter(parent, worker.arguments, how)

    def _is_outdated(self) -> bool:
        """Tell whether to start afresh: for new code at once, else once a day, and then only while no run works."""
        self._looks_next = time.monotonic() + LOOK_SECONDS
        return fingerprint(*self._folders) != self._made_of or (_today() != self._made_on and not self._children.count)

    def _replace(self) -> None:
        """Become a zygote of the present code. Children stay ours: their files tell the new one of them."""
        note("replacing myself, as what I was made of is out of date")
        self._stop_listening()
        os.execv(sys.executable, [sys.executable, "-m", __spec__.name, str(self._home), self._module])  # noqa: S606

    def _let_go(self) -> None:
        """Close in a child what belongs to us."""
        signal.set_wakeup_fd(-1)
        self._listener.close()
        os.close(self._wakes)
        os.close(self._wake)

    def _stop_listening(self) -> None:
        self._listener.close()
        (launcher_folder(self._home) / SOCKET).unlink(missing_ok=True)

    def _stop(self) -> None:
        """Wait for the runs, which a signal to our group has reached too; then ask who is left, then kill."""
        self._stop_listening()
        for number, seconds in STOP_STEPS:
            if number is not None:
                self._children.end_all(number)
            ends = time.monotonic() + seconds
            while self._children.count and time.monotonic() < ends:
                select.select([self._wakes], [], [], 0.1)
                self._look_after_children()


def note(text: str) -> None:
    """Write a line for the log that `up` keeps of this process."""
    sys.stderr.write(f"{SystemClock().now():%Y-%m-%d %H:%M:%S} zygote {os.getpid()}: {text}\n")
    sys.stderr.flush()


def main() -> None:
    """Load everything, then serve."""
    end_with_parent(os.getppid())
    home, module = Path(sys.argv[1]), sys.argv[2]
    launcher_folder(home)
    preload(module)
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)  # preload looked at each
    zygote = Zygote(home, module)

    def stop(*_: object) -> None:
        zygote.is_stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    zygote.serve()


def _package_folder(module: str) -> Path:
    """Return the folder of the package that `module` belongs to."""
    return Path(str(importlib.import_module(module.split(".", maxsplit=1)[0]).__file__)).parent


def _listener(home: Path) -> socket.socket:
    (launcher_folder(home) / SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        with socket_address(home) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(64)
    return listener


def _signal_pipe() -> tuple[int, int]:
    """Return a pipe that every signal writes to, so that a child's end is noticed at once."""
    wakes, wake = os.pipe()
    for end in (wakes, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    return wakes, wake


def _today() -> date:
    return SystemClock().now().date()


if __name__ == "__main__":
    main()
