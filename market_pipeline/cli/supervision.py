"""Starts and stops the processes of one machine through honcho; each process logs to its own file."""

from __future__ import annotations

import shlex
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from honcho.manager import Manager

from market_pipeline.errors import UsageError

LOG_CAP_BYTES = 20_000_000


@dataclass(frozen=True)
class ProcessSpec:
    """One process: its name, its command as a list of words, and what it needs around it."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    folder: Path


class LogPrinter:
    """honcho's printer: writes each process's lines to logs/<name>.log and tells when all have started."""

    def __init__(self, folder: Path, expected: int, when_started: Callable[[], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.width = 0
        self._folder = folder
        self._waiting = expected
        self._when_started = when_started
        self._files: dict[str, IO[bytes]] = {}

    def write(self, message: Any) -> None:
        """Take one line of a process, or of honcho itself (system)."""
        line = message.data if isinstance(message.data, bytes) else str(message.data).encode()
        self._file(message.name or "system").write(line if line.endswith(b"\n") else line + b"\n")
        if message.name == "system" and b" started (pid=" in line:
            self._waiting -= 1
            if self._waiting == 0:
                threading.Thread(target=self._when_started, name="prepare", daemon=True).start()

    def _file(self, name: str) -> IO[bytes]:
        file = self._files.get(name)
        if file is None or file.tell() > LOG_CAP_BYTES:
            path = self._folder / f"{name}.log"
            if path.exists() and path.stat().st_size > LOG_CAP_BYTES:
                path.replace(path.with_suffix(".log.1"))
            file = path.open("ab", buffering=0)
            self._files[name] = file
        return file


def supervise(specs: Sequence[ProcessSpec], *, logs: Path, when_started: Callable[[], None]) -> int:
    """Run all processes until one ends or we are told to stop; then stop the others. Return the exit code.

    `when_started` is called in a thread of its own once all have been started.
    """
    manager = Manager(printer=LogPrinter(logs, len(specs), when_started))
    for spec in specs:
        manager.add_process(spec.name, "exec " + shlex.join(spec.command), env=spec.environment, cwd=str(spec.folder))
    manager.loop()
    return int(manager.returncode or 0)


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
