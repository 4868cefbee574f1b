"""A small JSON record that all processes of a feed read and change: what budgets and breakers remember.

Its times are the system's monotonic seconds, which the processes of one boot share and no clock step moves. They
mean nothing after a reboot, so a record carries the boot it belongs to and one of another boot counts as absent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from market_pipeline.errors import StorageError

Record = dict[str, Any]

RECORD_BYTES = 1024
LOCK_SECONDS = 5.0
AHEAD_SECONDS = 2 * LOCK_SECONDS
"""Who waited for a lock finds what was written meanwhile, so later than its own `now`; only beyond is another boot."""
POLL_SECONDS = 0.002
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class SharedState:
    """One record in one file. Reading needs no lock; changing it does."""

    path: Path

    def read(self, now: float) -> Record:
        """Return the record, or {} where there is none, it is of another boot, or it lies far ahead of `now`.

        Raise StorageError when the file is there and cannot be read.
        """
        try:
            record: Record = json.loads(self.path.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        except OSError as error:
            raise self._refused(error) from error
        return record if record.get("boot") == boot_id() and record.get("at", 0.0) <= now + AHEAD_SECONDS else {}

    @contextmanager
    def changing(self, now: float) -> Iterator[Record]:
        """Lock the record, hand it out, and write back what became of it.

        Raise StorageError when the folder cannot be written, or another process sits on the lock.
        """
        try:
            with self._lock.acquire(timeout=LOCK_SECONDS, poll_interval=POLL_SECONDS):
                record = self.read(now)
                before = dict(record)
                yield record
                if record != before:
                    self._write({**record, "boot": boot_id(), "at": now})
        except (OSError, Timeout) as error:
            raise self._refused(error) from error

    @cached_property
    def _lock(self) -> FileLock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self.path}.lock")

    def _refused(self, error: Exception) -> StorageError:
        return StorageError(
            f"tried to use {self.path} and got {type(error).__name__}: a retry helps only if another process "
            "was holding its lock; check that the folder is writable and the disk is not full"
        )

    def _write(self, record: Record) -> None:
        # one write of a fixed size: whoever reads meanwhile, or after a kill, sees the old record or the new one
        text = json.dumps(record, separators=(",", ":")).encode().ljust(RECORD_BYTES)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.write(handle, text)
        finally:
            os.close(handle)


@cache
def boot_id() -> str:
    """Return what names this boot of the machine; "" where the system does not say (then only `at` guards)."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
