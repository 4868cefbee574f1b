"""Put a backup in place: into a folder beside first, every file compared with its checksum, then by one rename."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from market_pipeline.clock import SystemClock
from market_pipeline.errors import StorageError, UsageError
from market_pipeline.settings import Feed
from market_pipeline.steps.back_up import CONFIG, DATA
from market_pipeline.steps.warehouse_tables import all_tables
from market_pipeline.storage.archive import Header, Progress, extract_archive, read_header
from market_pipeline.storage.files import flush_folder, storage_error
from market_pipeline.storage.layout import names_in
from market_pipeline.storage.warehouse import Warehouse

RESTORED_CONFIG = "restored_config"
NO_DATA = frozenset({"logs", "locks"})
"""What a command leaves in a folder only by being called."""


@dataclass(frozen=True)
class Restored:
    """What was put in place: table → rows, and where an earlier folder was moved to."""

    folder: Path
    header: Header
    rows: dict[str, int]
    moved_to: Path | None


def target_of(path: Path, into: Path, *, force: bool) -> Path:
    """Return the feed's folder that a backup goes to. Raises UsageError when it holds data and `force` is not given."""
    feed = read_header(path).feed
    if feed not in set(Feed):
        raise UsageError(f"{path} is of a feed {feed!r}, which there is not; a retry does not help")
    target = into.absolute() / feed
    if set(names_in(target)) - NO_DATA and not force:
        raise UsageError(
            f"wanted to restore into {target}: it holds data; a retry does not help; name another folder with --into, "
            "or add --force, which moves that folder aside and deletes nothing"
        )
    return target


def restore(
    path: Path,
    target: Path,
    *,
    at: datetime,
    progress: Progress = lambda _done, _total, _what: None,
) -> Restored:
    """Restore a backup as the feed's folder `target`; what stood there is moved aside, named for the time `at`.

    Raises StorageError for a damaged archive or a disk that refuses: then nothing has changed.
    """
    header = read_header(path)
    temporary = target.with_name(f".{target.name}_{secrets.token_hex(4)}.restoring")
    try:
        _require_room(target, header)
        extract_archive(path, temporary, header=header, progress=progress)
        rows = _rows(temporary / DATA)
        moved_to = _put_in_place(temporary, target, at)
    except OSError as error:
        raise storage_error(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    Warehouse(target, all_tables(), clock=SystemClock()).build_market_duckdb()
    return Restored(target, header, rows, moved_to)


def _rows(feed_folder: Path) -> dict[str, int]:
    """Open every table and count its rows: what cannot be read must not take the place of anything."""
    counted: dict[str, int] = {}
    for (table, _), rows in Warehouse(feed_folder, all_tables(), clock=SystemClock()).row_counts().items():
        counted[table] = counted.get(table, 0) + rows
    return counted


def _put_in_place(temporary: Path, target: Path, at: datetime) -> Path | None:
    if (temporary / CONFIG).is_dir():
        (temporary / CONFIG).rename(temporary / DATA / RESTORED_CONFIG)
    moved_to = None
    if target.exists():
        moved_to = target.with_name(f"{target.name}.before_{at:%Y%m%d_%H%M%S}")
        target.rename(moved_to)
    (temporary / DATA).rename(target)
    flush_folder(target.parent)
    return moved_to


def _require_room(target: Path, header: Header) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < header.bytes:
        raise StorageError(
            f"the backup needs {header.bytes / 1e6:,.0f} MB in {target.parent}, and {free / 1e6:,.0f} MB are free; "
            "nothing was changed. A retry helps once there is room, or name a larger disk with --into."
        )
