"""The parts that a supervisor runs: each in a watcher of its own, which starts it again when it ends by itself."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from honcho.manager import KILL_WAIT
from honcho.printer import Message
from honcho.process import Popen, Process

from market_pipeline.clock import SystemClock
from market_pipeline.components.launcher.parent import end_with_parent

ORPHAN_POLL_SECONDS = 0.5
PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
STEADY_SECONDS = 60.0
"""A part that lived so long has no trouble starting: its next end is paused for as the first one."""
REST_SECONDS = 2.0
SYSTEM = "system"
"""The name under which honcho, and a watcher about its part, report."""


@dataclass(frozen=True)
class ProcessSpec:
    """One process: its name, its command as a list of words, and what it needs around it.

    `command_again` gives the command for a start so many seconds after the first, where it is another one.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    folder: Path
    command_again: Callable[[float], Sequence[str]] | None = None


@dataclass(frozen=True)
class Switches:
    """What all watchers look at: whether parts that end are started again, and whether everything is to stop."""

    restarting: Event = field(default_factory=multiprocessing.Event)
    stopping: Event = field(default_factory=multiprocessing.Event)


class Watched(Process):  # type: ignore[misc]  # honcho has no types
    """honcho's process, which starts its part again, and ends it when the supervisor was killed and cannot."""

    spec: ProcessSpec
    switches: Switches
    pauses_seconds: Sequence[float] = PAUSES_SECONDS
    _goes_on = False

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Run the part in a watcher of its own, again and again, until it is to stop."""
        del ignore_signals
        # caught, not ignored: what is ignored stays so in every part that is started from here
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        when_orphaned(self._end_all)
        self._child_ctor = partial(Popen, preexec_fn=partial(end_with_parent, os.getpid()))
        self._events, first, failures = events, time.monotonic(), 0
        while True:
            began = time.monotonic()
            super().run(events, ignore_signals=False)
            if not self._goes_on:
                return
            lived = time.monotonic() - began
            failures = 1 if lived > STEADY_SECONDS else failures + 1
            pause = self.pauses_seconds[min(failures, len(self.pauses_seconds)) - 1]
            self._report(f"{self.name} restarts (rc={self._child.returncode}, lived={lived:.0f}, pause={pause:g})")
            if self.switches.stopping.wait(pause):
                super()._send_message({"returncode": self._child.returncode}, type="stop")
                return
            if self.spec.command_again is not None:
                self.cmd = shell_line(self.spec.command_again(time.monotonic() - first))

    def _send_message(self, data: Any, type: str = "line") -> None:
        if type == "stop":
            self._goes_on = self.switches.restarting.is_set() and not self.switches.stopping.is_set()
            if self._goes_on:
                return
        super()._send_message(data, type=type)
        if type == "start":
            threading.Thread(target=end_the_rest, args=[self._child], name="rest", daemon=True).start()
            if self.switches.stopping.is_set():  # the supervisor asked the one before to stop
                send_to_group(self._child.pid, signal.SIGTERM)

    def _report(self, text: str) -> None:
        if self._events is not None:
            moment = SystemClock().now()
            self._events.put(Message(type="line", data=f"{text}\n", time=moment, name=SYSTEM, colour=None))

    def _end_all(self) -> None:
        child: subprocess.Popen[bytes] | None = self._child
        if child is not None:
            for number in (signal.SIGTERM, signal.SIGKILL):
                send_to_group(child.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    child.wait(KILL_WAIT)
        os._exit(1)


def end_the_rest(part: subprocess.Popen[bytes]) -> None:
    """Once a part has ended, end what it left behind: it would hold ports, locks, and the pipe that we read."""
    part.wait()
    for number in (signal.SIGTERM, signal.SIGKILL):
        send_to_group(part.pid, number)
        time.sleep(REST_SECONDS)


def send_to_group(number_of_group: int, number: signal.Signals) -> None:
    """Send a signal to a group of processes, if there is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(number_of_group, number)


def shell_line(command: Sequence[str]) -> str:
    """Return the line by which honcho's shell becomes the command."""
    return "exec " + shlex.join(command)


def when_orphaned(end: Callable[[], None]) -> None:
    """Call `end` in a thread once the process that started this one is dead."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_POLL_SECONDS)
        end()

    threading.Thread(target=watch, name="orphan", daemon=True).start()
