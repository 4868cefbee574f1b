"""Files that appear whole or not at all: written under a temporary name, flushed, renamed. Knows nothing of tables."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from market_pipeline.errors import StorageError

TEMPORARY = ".tmp"
ABANDONED_AFTER = timedelta(hours=1)

_REMEDIES = {
    errno.ENOSPC: "the disk is full: make room or set MARKET_PIPELINE_DATA to a larger disk",
    errno.EDQUOT: "the disk quota is used up: make room or set MARKET_PIPELINE_DATA to another disk",
    errno.EFBIG: "the file would pass the size limit of this process: raise it (ulimit -f)",
    errno.EROFS: "the disk is mounted read-only: check it (dmesg) and mount it for writing",
    errno.EACCES: "this user may not write there: give the folder to the user that runs the pipeline",
    errno.EPERM: "this user may not write there: give the folder to the user that runs the pipeline",
}


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return what to raise when writing `path` failed."""
    remedy = _REMEDIES.get(error.errno or 0, "check the disk and what stands at that path")
    return StorageError(
        f"writing {path} failed: {error.strerror or error}; it is as it was before. "
        f"A retry helps only once this is mended: {remedy}."
    )


def publish(files: Mapping[Path, pa.Buffer | bytes]) -> None:
    """Write all files, each atomically and durably. All are flushed before the first one appears.

    Raises StorageError when the disk refuses; no temporary file is left then.
    """
    written: dict[Path, Path] = {}
    path = next(iter(files), Path())
    try:
        for path, content in files.items():
            written[path] = _write_beside(path, content)
        for path, temporary in written.items():
            temporary.replace(path)
        for folder in {path.parent for path in files}:
            flush_folder(folder)
    except OSError as error:
        _remove(written.values())
        raise storage_error(path, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it is flushed and takes the place of `path`.

    Raises StorageError when the disk refuses; the temporary file is removed on any failure.
    """
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        _remove([temporary])


def temporary_beside(path: Path) -> Path:
    """Return a name that no reader looks at and no other process uses."""
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY}")


def flush_folder(folder: Path) -> None:
    """Make renames within `folder` survive a power failure."""
    _flush(folder)


def sweep_temporaries(root: Path, disk_now: datetime) -> int:
    """Delete temporary files that a killed writer left more than an hour ago; return how many."""
    limit = (disk_now - ABANDONED_AFTER).timestamp()
    count = 0
    for path in root.rglob(f".*{TEMPORARY}*"):
        if _modified(path) < limit:
            path.unlink(missing_ok=True)
            count += 1
    return count


def file_state(path: Path) -> tuple[str, int, int, int]:
    """Return what changes when a file is replaced or edited, or goes; its path is part of it."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return str(path), 0, 0, 0
    return str(path), seen.st_ino, seen.st_mtime_ns, seen.st_size


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _write_beside(path: Path, content: pa.Buffer | bytes) -> Path:
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb", buffering=0) as file:
            view = memoryview(content)
            while view.nbytes:  # a raw file may take less than it is given
                view = view[file.write(view) :]
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):  # gone, or never made; the first error is the one to tell
            path.unlink()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
