"""Raw payloads as evidence: compressed, addressed by content, one folder a day. Not flushed: a cache, not a ledger.

A file for each of 500 payloads a cycle costs 200–350 ms, most of it in making files, so each process appends to one
pack a day, with an index of "sha256 offset length" lines beside it. A pack is a row of gzip members: zcat reads it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from threading import Lock

from market_pipeline.clock import Clock
from market_pipeline.errors import StorageError, UsageError
from market_pipeline.storage.files import storage_error
from market_pipeline.storage.layout import names_in

LEVEL = 1
"""487 charts a cycle cost 14 ms at level 1 and 37 ms at level 6, which saves 8 %."""
PACK, INDEX = ".pack", ".index"
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class PayloadStore:
    """Keeps each payload once a day and process. Threads and processes may keep at the same time."""

    def __init__(self, folder: Path, *, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = Lock()
        self._pack: Path | None = None
        self._kept: set[str] = set()

    def keep(self, payload: bytes) -> str:
        """Store a payload, unless this process did so today, and return its SHA-256. Raises StorageError."""
        sha = hashlib.sha256(payload).hexdigest()
        with self._lock:
            if sha in self._kept and self._is_of_today():
                return sha
        compressed = gzip.compress(payload, LEVEL, mtime=0)
        with self._lock:
            pack = self._pack_of_today()
            try:
                end = _append(pack, compressed)
                _append(pack.with_suffix(INDEX), f"{sha} {end - len(compressed)} {len(compressed)}\n".encode())
            except OSError as error:
                raise storage_error(pack, error) from error
            self._kept.add(sha)
        return sha

    def get(self, sha: str) -> bytes:
        """Return a payload by its SHA-256, newest day first.

        Raises UsageError when it is not kept (any more) and StorageError when the pack is damaged.
        """
        for day in sorted(self._days(), reverse=True):
            for index in sorted((self._folder / day.isoformat()).glob(f"*{INDEX}")):
                for found, offset, length in _entries(index):
                    if found == sha:
                        return _read(index.with_suffix(PACK), sha, offset=offset, length=length)
        raise UsageError(f"payload {sha} is not kept; payloads are deleted after the market's payload_days")

    def retain(self, days: int = 2) -> int:
        """Keep today's folder and those of so many days before it; return how many folders were deleted."""
        first_kept = self._clock.now().date() - timedelta(days=days)
        old = [day for day in self._days() if day < first_kept]
        for day in old:
            shutil.rmtree(self._folder / day.isoformat(), ignore_errors=True)
        return len(old)

    def _is_of_today(self) -> bool:
        return self._pack is not None and self._pack.parent.name == self._clock.now().date().isoformat()

    def _pack_of_today(self) -> Path:
        if self._pack is None or not self._is_of_today():
            now = self._clock.now()
            self._pack = self._folder / now.date().isoformat() / f"{now:%H%M%S}-{secrets.token_hex(4)}{PACK}"
            self._kept.clear()
        return self._pack

    def _days(self) -> list[date]:
        return [date.fromisoformat(name) for name in names_in(self._folder) if name[:1].isdigit()]


def _append(path: Path, content: bytes) -> int:
    """Append in one write and return the file's end after it; a forked process may append to the same file."""
    try:
        file = os.open(path, APPEND, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, APPEND, 0o644)
    try:
        if os.write(file, content) != len(content):
            raise OSError(None, "the disk took only a part")
        return os.lseek(file, 0, os.SEEK_CUR)
    finally:
        os.close(file)


def _entries(index: Path) -> Iterator[tuple[str, int, int]]:
    for line in index.read_text().splitlines():
        fields = line.split(" ")
        if len(fields) == 3:  # the last line may be cut where its writer was killed
            yield fields[0], int(fields[1]), int(fields[2])


def _read(pack: Path, sha: str, *, offset: int, length: int) -> bytes:
    with pack.open("rb") as file:
        file.seek(offset)
        content = file.read(length)
    try:
        payload = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise _damaged(pack, sha) from error
    if hashlib.sha256(payload).hexdigest() != sha:
        raise _damaged(pack, sha)
    return payload


def _damaged(pack: Path, sha: str) -> StorageError:
    return StorageError(f"payload {sha} in {pack.name} is damaged; a retry cannot help: fetch it again from the source")
