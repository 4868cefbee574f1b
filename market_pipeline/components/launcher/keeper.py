"""Keeps one zygote alive: starts another when it dies, and ends with it when told to stop. Imports next to nothing.

Run: python -m market_pipeline.components.launcher.keeper DAGSTER_HOME MODULE
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

PAUSES_SECONDS = (0.5, 1, 2, 5, 10, 30)
STEADY_SECONDS = 60
"""A zygote that lived so long had no trouble starting."""


class Keeper:
    """Runs `command` again and again, with longer pauses the more often in a row it ends soon."""

    def __init__(self, command: list[str], pauses_seconds: Sequence[float] = PAUSES_SECONDS) -> None:
        self._command, self._pauses_seconds = command, pauses_seconds
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Start it, wait for its end, pause, until `stop`."""
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command
            if self._stopping.is_set():
                self._process.terminate()
            code = self._process.wait()
            if self._stopping.is_set():
                return
            failures = 1 if time.monotonic() - started > STEADY_SECONDS else failures + 1
            pause = self._pauses_seconds[min(failures, len(self._pauses_seconds)) - 1]
            sys.stderr.write(f"the zygote ended with code {code}; runs start the default way until another is ready\n")
            self._stopping.wait(pause)

    def stop(self, *_: object) -> None:
        """Have the zygote end, and start no other."""
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()


def main() -> None:
    """Keep a zygote until SIGTERM or SIGINT."""
    keeper = Keeper([sys.executable, "-m", "market_pipeline.components.launcher.zygote", *sys.argv[1:]])
    signal.signal(signal.SIGTERM, keeper.stop)
    signal.signal(signal.SIGINT, keeper.stop)
    keeper.keep()


if __name__ == "__main__":
    main()
