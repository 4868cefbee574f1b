"""Which process holds a lock while it is stopped: it writes nothing and lets nobody else write. Linux only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

LOCKS = Path("/proc/locks")
STOPPED = frozenset("Tt")
"""States of proc(5): stopped by a signal, or by who traces it."""


def frozen_holders(feed_folder: Path) -> dict[str, int]:
    """Return market → the stopped process that holds its lock; nothing where the system does not tell."""
    folder = feed_folder / "warehouse" / "locks"
    holders = dict(_holders())
    found = {}
    for path in sorted(folder.glob("*.lock")):
        pid = holders.get(_identity(path))
        if pid is not None and _state(pid) in STOPPED:
            found[path.stem] = pid
    return found


def _holders() -> Iterator[tuple[str, int]]:
    """Yield device and inode of each locked file, and its holder; who waits has an arrow in its line."""
    try:
        lines = LOCKS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split()
        if len(words) >= 6 and words[1] == "FLOCK" and "->" not in words:
            yield words[5], int(words[4])


def _identity(path: Path) -> str:
    seen = path.stat()
    return f"{os.major(seen.st_dev):02x}:{os.minor(seen.st_dev):02x}:{seen.st_ino}"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
