"""What became of each part that a supervisor runs, in a small file that the watchdog reads."""

from __future__ import annotations

import re
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

from market_pipeline.alerts.message import duration
from market_pipeline.clock import SystemClock
from market_pipeline.steps.watch_platform import PARTS_FILE
from market_pipeline.storage.state_file import write_state

__all__ = ["PARTS_FILE", "RESTARTS", "PartsRecord"]
KEPT = 10
RESTARTS = re.compile(r"restarts \(rc=(-?\d+), lived=(\d+), pause=([\d.]+)\)")
"""How a watcher reports that its part has ended; see parts.py."""


class PartsRecord:
    """Part → its process, how often it was started, and how it ended last. Times are the machine's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: dict[str, dict[str, Any]] = {}
        self._restarts = False

    def note_start(self, name: str, pid: int) -> None:
        """Note that a part runs."""
        part = self._parts.setdefault(name, {"starts": 0, "ends": [], "ended_by": "", "last_words": ""})
        part |= {"pid": pid, "started": _now(), "starts": part["starts"] + 1}
        self._write()

    def note_end(self, name: str, seen: re.Match[str], last_words: str) -> str:
        """Note that a part has ended and is started again; return that as one line for people."""
        code, lived, pause = int(seen[1]), int(seen[2]), float(seen[3])
        how = ended_by(code)
        part = self._parts[name]
        part |= {"pid": None, "ends": [*part["ends"], _now()][-KEPT:], "ended_by": how, "last_words": last_words}
        self._write()
        return (
            f"{name} ended ({how}) after {duration(timedelta(seconds=lived))} and is started again in {pause:g} s; "
            f"its last words: {last_words}"
        )

    def note_restarting(self) -> None:
        """Note that a part which ends is started again from now on: before, its end is everybody's."""
        self._restarts = True
        self._write()

    def forget(self) -> None:
        """Remove the file: nothing is supervised any more."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        write_state(self._path, {"restarts": self._restarts, "parts": self._parts})


def ended_by(code: int) -> str:
    """Return how a process ended, in words: "code 1" or "SIGKILL"."""
    try:
        return f"code {code}" if code >= 0 else signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _now() -> str:
    return SystemClock().now().isoformat()
