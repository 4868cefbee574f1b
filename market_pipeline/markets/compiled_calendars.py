"""Calendars as plain text beside Python's own compiled modules: reading one costs a millisecond.

The calendar library brings pandas, half a second for every command and every run. What it says of a year cannot
change while the library, the zone table and our own calendars stay as they are, so it is worked out once.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

MADE_FROM = ("exchange_calendars", "tzdata")
HERE = Path(__file__).parent


def compiled(name: str, part: str, work_out: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return `part` of a calendar from its file, or work it out and leave the file for the next process.

    Where Python may not keep compiled modules (a read-only folder, PYTHONDONTWRITEBYTECODE) nothing is kept.
    """
    stem = f"calendar_{name.replace('/', '_')}_{part}"
    path = _folder() / f"{stem}.{_edition()}.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict):
            return document
    except (OSError, ValueError):  # not there yet, or damaged: made anew
        pass
    document = work_out()
    if not sys.dont_write_bytecode:
        _keep(path, stem, document)
    return document


def _keep(path: Path, stem: str, document: dict[str, Any]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(document), encoding="utf-8")
        temporary.replace(path)
        for older in path.parent.glob(f"{stem}.*.json"):
            if older != path:
                older.unlink(missing_ok=True)
    except OSError:  # a folder that is not ours to write: the next process works it out again
        with suppress(OSError):  # on a read-only file system even what is not there cannot be removed
            temporary.unlink()


def _folder() -> Path:
    return Path(importlib.util.cache_from_source(__file__)).parent


@cache
def _edition() -> str:
    """Return a short name of all that calendars are made from."""
    versions = [importlib.metadata.version(package) for package in MADE_FROM]
    sources = sorted([HERE / "published_calendar.py", *HERE.glob("calendars/*.*")])
    stamps = [f"{path.name}:{path.stat().st_mtime_ns}:{path.stat().st_size}" for path in sources]
    return hashlib.sha256(";".join([*versions, *stamps]).encode()).hexdigest()[:12]
