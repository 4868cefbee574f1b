"""The state of the project's files: a zygote that was made from another state must not start runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

SUFFIXES = frozenset({".py", ".yaml", ".csv", ".json"})
"""Code, market files, dated holidays and listings."""
COMPILED = "__pycache__"
"""What any process may add at any time: Python's modules and our calendars as plain text."""


def fingerprint(*folders: Path) -> str:
    """Return a short text that changes when a file below one of `folders` is edited, added, renamed or removed."""
    state = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES):
        if path.parent.name == COMPILED:
            continue
        try:
            seen = path.stat()
        except FileNotFoundError:  # an editor replaces files by renaming
            continue
        state.update(f"{path} {seen.st_mtime_ns} {seen.st_size}\n".encode())
    return state.hexdigest()[:12]
