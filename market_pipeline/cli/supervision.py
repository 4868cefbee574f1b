"""Starts and stops the processes of one machine through honcho; each process logs to its own file."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout
from honcho.manager import KILL_WAIT, Manager
from honcho.process import Process

from market_pipeline.errors import UsageError

LOG_CAP_BYTES = 20_000_000
ORPHAN_POLL_SECONDS = 0.5
SYSTEM = "system"
"""The name under which honcho itself reports."""


@dataclass(frozen=True)
class ProcessSpec:
    """One process: its name, its command as a list of words, and what it needs around it."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    folder: Path


class ProcessLogs:
    """honcho's printer: writes each process's lines to logs/<name>.log, and remembers the last one."""

    def __init__(self, folder: Path, on_system_line: Callable[[bytes], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.width = 0
        self.last_lines: dict[str, str] = {}
        self._folder = folder
        self._on_system_line = on_system_line
        self._files: dict[str, IO[bytes]] = {}

    def write(self, message: Any) -> None:
        """Take one line of a process, or of honcho itself."""
        line = message.data if isinstance(message.data, bytes) else str(message.data).encode()
        name = message.name or SYSTEM
        self._file(name).write(line if line.endswith(b"\n") else line + b"\n")
        if text := line.decode(errors="replace").strip():
            self.last_lines[name] = text
        if name == SYSTEM:
            self._on_system_line(line)

    def _file(self, name: str) -> IO[bytes]:
        file = self._files.get(name)
        if file is None or file.tell() > LOG_CAP_BYTES:
            path = self._folder / f"{name}.log"
            if file is not None:
                file.close()
            if path.exists() and path.stat().st_size > LOG_CAP_BYTES:
                path.replace(path.with_suffix(".log.1"))
            file = path.open("ab", buffering=0)
            self._files[name] = file
        return file


class Watched(Process):  # type: ignore[misc]  # honcho has no types
    """honcho's process, which ends when the supervisor was killed and could not end it."""

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Run it in a watcher of its own."""
        when_orphaned(self._end_all)
        super().run(events, ignore_signals)

    def _end_all(self) -> None:
        child: subprocess.Popen[bytes] | None = self._child
        if child is not None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    child.wait(KILL_WAIT)
        os._exit(1)


def when_orphaned(end: Callable[[], None]) -> None:
    """Call `end` in a thread once the process that started this one is dead."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_POLL_SECONDS)
        end()

    threading.Thread(target=watch, name="orphan", daemon=True).start()


class Supervisor(Manager):  # type: ignore[misc]  # honcho has no types
    """honcho's manager, which may also be told to stop while its processes are still being started."""

    def __init__(self, specs: Sequence[ProcessSpec], *, logs: Path, when_started: Callable[[], None]) -> None:
        self.logs = ProcessLogs(logs, self._on_system_line)
        super().__init__(printer=self.logs)
        self._process_ctor = Watched
        self.is_stopping = False
        self.ended_by_itself: str | None = None
        self._not_started = len(specs)
        self._when_started = when_started
        for spec in specs:
            command = "exec " + shlex.join(spec.command)
            self.add_process(spec.name, command, env=spec.environment, cwd=str(spec.folder))

    def terminate(self) -> None:
        """Ask every process to stop, as soon as all are known."""
        self.is_stopping = True
        if not self._not_started:
            super().terminate()

    def _on_system_line(self, line: bytes) -> None:
        if b" started (pid=" in line:
            self._not_started -= 1
            if not self._not_started:
                self._all_are_started()
        elif b" stopped (rc=" in line and not self.is_stopping and self.ended_by_itself is None:
            self.ended_by_itself = line.split(b" ", 1)[0].decode()

    def _all_are_started(self) -> None:
        if self.is_stopping:
            super().terminate()
        else:
            threading.Thread(target=self._when_started, name="prepare", daemon=True).start()


def supervise(specs: Sequence[ProcessSpec], *, logs: Path, when_started: Callable[[], None]) -> str | None:
    """Run all processes until one ends or SIGINT, SIGTERM or SIGHUP comes; then stop the others.

    `when_started` is called in a thread of its own once all have been started. Return None when we were told to
    stop, else what ended by itself, with its last words.
    """
    supervisor = Supervisor(specs, logs=logs, when_started=when_started)
    signal.signal(signal.SIGHUP, lambda *_: supervisor.terminate())  # a closed terminal must not leave orphans
    supervisor.loop()
    for watcher in multiprocessing.active_children():  # honcho leaves its own, one a process, unreaped
        watcher.join()
    name = supervisor.ended_by_itself
    if name is None:
        return None
    return f"{name} ended by itself; its last words: {supervisor.logs.last_lines.get(name, 'none')}"


def executable(name: str) -> str:
    """Return the path of a console script of this environment."""
    return str(Path(sys.executable).with_name(name))


def require_free_port(port: int, *, what: str, setting: str) -> None:
    """Raise UsageError when something already listens on the port."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise UsageError(
                f"wanted port {port} for {what} and something already listens there, perhaps an earlier `make run`; "
                f"stop it, or set {setting} to another port and try again"
            )


@contextmanager
def only_one(feed_folder: Path) -> Iterator[None]:
    """Hold the feed's folder for one supervisor. Raise UsageError while another one runs on it."""
    path = feed_folder / "locks" / "up.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path).acquire(timeout=0):
            yield
    except Timeout:
        raise UsageError(
            f"another `market-pipeline up` (or `make run`) already works on {feed_folder}, and two would write the "
            "same minutes; stop it, or set MARKET_PIPELINE_DATA to another folder"
        ) from None
