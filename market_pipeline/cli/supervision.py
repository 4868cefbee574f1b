"""Starts, restarts and stops the processes of one machine through honcho; each process logs to its own file."""

from __future__ import annotations

import multiprocessing
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout
from honcho.manager import Manager

from market_pipeline.cli.console import SHOWN, notes
from market_pipeline.cli.parts import SYSTEM, ProcessSpec, Switches, Watched, shell_line
from market_pipeline.cli.parts_record import PARTS_FILE, RESTARTS, PartsRecord
from market_pipeline.errors import UsageError

LOG_CAP_BYTES = 20_000_000
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
STARTED = re.compile(r"started \(pid=(\d+)\)")


class ProcessLogs:
    """honcho's printer: writes each process's lines to logs/<name>.log, and remembers the last one."""

    def __init__(
        self,
        folder: Path,
        on_system_line: Callable[[bytes], None],
        on_line: Callable[[str], None] = lambda _: None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.width = 0
        self.last_lines: dict[str, str] = {}
        self._folder = folder
        self._on_system_line, self._on_line = on_system_line, on_line
        self._files: dict[str, IO[bytes]] = {}

    def write(self, message: Any) -> None:
        """Take one line of a process, or of honcho itself."""
        line = message.data if isinstance(message.data, bytes) else str(message.data).encode()
        name = message.name or SYSTEM
        self._file(name).write(line if line.endswith(b"\n") else line + b"\n")
        if text := COLOURS.sub("", line.decode(errors="replace")).strip():
            self.last_lines[name] = text
        if name == SYSTEM:
            self._on_system_line(line)
        else:
            self._on_line(text)

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


class Supervisor(Manager):  # type: ignore[misc]  # honcho has no types
    """honcho's manager, whose parts start again, and which may be told to stop while they are still being started."""

    def __init__(self, specs: Sequence[ProcessSpec], *, logs: Path, when_started: Callable[[], bool]) -> None:
        self.logs = ProcessLogs(logs, self._on_system_line, self._on_line)
        super().__init__(printer=self.logs)
        self._process_ctor = Watched
        self.is_stopping = False
        self.ended_by_itself: str | None = None
        self.record = PartsRecord(logs.parent / PARTS_FILE)
        self._not_started = len(specs)
        self._when_started = when_started
        self._switches = Switches()
        for spec in specs:
            part = self.add_process(spec.name, shell_line(spec.command), env=spec.environment, cwd=str(spec.folder))
            part.spec, part.switches = spec, self._switches

    def terminate(self) -> None:
        """Ask every process to stop, as soon as all are known."""
        self.is_stopping = True
        self._switches.stopping.set()
        if not self._not_started:
            super().terminate()

    def _on_line(self, text: str) -> None:
        if text.startswith(SHOWN):
            notes.print(text.removeprefix(SHOWN).strip(), markup=False)

    def _on_system_line(self, line: bytes) -> None:
        name, _, rest = line.decode(errors="replace").partition(" ")
        if started := STARTED.match(rest):
            self.record.note_start(name, int(started[1]))
            if self._not_started:
                self._not_started -= 1
                if not self._not_started:
                    self._all_are_started()
        elif restarts := RESTARTS.match(rest):
            text = self.record.note_end(name, restarts, self.logs.last_lines.get(name, "none"))
            notes.print(text, markup=False)
        elif rest.startswith("stopped (rc=") and not self.is_stopping and self.ended_by_itself is None:
            self.ended_by_itself = name

    def _all_are_started(self) -> None:
        if self.is_stopping:
            super().terminate()
        else:
            threading.Thread(target=self._prepare, name="prepare", daemon=True).start()

    def _prepare(self) -> None:
        """Do what is to be done once all have started. What never worked is not started again, but names its fault."""
        if self._when_started():
            self._switches.restarting.set()
            self.record.note_restarting()


def supervise(specs: Sequence[ProcessSpec], *, logs: Path, when_started: Callable[[], bool]) -> str | None:
    """Run all processes until SIGINT, SIGTERM or SIGHUP comes; then stop them.

    `when_started` is called in a thread of its own once all have been started. From when it returns True on, a process
    that ends is started again; before that, its end is everybody's. Return None when we were told to stop, else what
    ended by itself, with its last words.
    """
    supervisor = Supervisor(specs, logs=logs, when_started=when_started)
    signal.signal(signal.SIGHUP, lambda *_: supervisor.terminate())  # a closed terminal must not leave orphans
    supervisor.loop()
    for watcher in multiprocessing.active_children():  # honcho leaves its own, one a process, unreaped
        watcher.join()
    supervisor.record.forget()
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
