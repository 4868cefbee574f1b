"""A feed's files as they stood at one moment, in a folder of links beside them, while writers go on.

Slices never change once they are there (a new one takes the name), so a link keeps what it shows. Each market's lock
is held only while its files are linked.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from market_pipeline.storage.files import storage_error
from market_pipeline.storage.layout import names_in
from market_pipeline.storage.locks import MarketLocks
from market_pipeline.storage.warehouse import Warehouse

FOLDER = "staging"
ABANDONED_AFTER = timedelta(days=1)
LOCK_SECONDS = 120.0
"""A close compacts a session under the lock: seconds to a minute."""
OPTIONAL = {"payloads": "payloads", "snapshots": "live_tickers"}
"""What may be left out of a backup → its folder."""
NOT_TAKEN = frozenset(
    {FOLDER, "warehouse", "dagster", "logs", "locks", "limits", "cache", "sources", "earlier", "restored_config"}
)
"""The warehouse goes market by market; the rest is made anew (sources keep session tokens), or had been set aside."""
MADE_ANEW = (".duckdb", ".wal")


@dataclass(frozen=True)
class Staged:
    """One file: its path below the feed's folder, where it is staged, and how many of its bytes count.

    A file that is only appended to may have grown since.
    """

    name: str
    path: Path
    size: int


@contextmanager
def staged_feed(warehouse: Warehouse, *, without: Collection[str] = ()) -> Iterator[list[Staged]]:
    """Yield the feed's files as they stand now, for as long as the body runs.

    Raises WarehouseBusy when a writer keeps a market's lock, StorageError when the disk refuses.
    """
    feed = warehouse.layout.feed_folder
    folder = feed / FOLDER / secrets.token_hex(6)
    try:
        folder.mkdir(parents=True)
        staged = [*_warehouse_files(warehouse, folder), *_other_files(feed, folder, without=without)]
        yield staged
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_staging(feed_folder: Path, disk_now: datetime) -> int:
    """Delete what killed backups staged more than a day ago; return how many folders."""
    limit = (disk_now - ABANDONED_AFTER).timestamp()
    old = [folder for folder in (feed_folder / FOLDER).glob("*") if folder.stat().st_mtime < limit]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _warehouse_files(warehouse: Warehouse, folder: Path) -> Iterator[Staged]:
    feed = warehouse.layout.feed_folder
    locks = MarketLocks(warehouse.layout, LOCK_SECONDS)
    for market in warehouse.layout.every_market():
        with locks.hold(market):
            linked = [_link(feed, path, folder) for path in warehouse.layout.files_of(market)]
        yield from (staged for staged in linked if staged is not None)


def _other_files(feed: Path, folder: Path, *, without: Collection[str]) -> Iterator[Staged]:
    left_out = NOT_TAKEN | {OPTIONAL[name] for name in without}
    for name in sorted(names_in(feed)):
        if name in left_out or name.startswith(".") or name.endswith(MADE_ANEW):
            continue
        top = feed / name
        for path in sorted(top.rglob("*"), key=_indexes_first) if top.is_dir() else [top]:
            if path.is_file() and not path.name.startswith(".") and not _is_journal(path):
                staged = _copy_database(feed, path, folder) if path.suffix == ".sqlite" else _link(feed, path, folder)
                if staged is not None:
                    yield staged


def _indexes_first(path: Path) -> tuple[bool, str]:
    """Order payload indexes before their packs, which are written first: every line of an index then has its bytes."""
    return path.suffix != ".index", str(path)


def _is_journal(path: Path) -> bool:
    return path.name.endswith((".sqlite-wal", ".sqlite-shm", ".sqlite-journal"))


def _link(feed: Path, path: Path, folder: Path) -> Staged | None:
    """Link one file; None when it went meanwhile, as old files do. Copies where the disk knows no links."""
    name = str(path.relative_to(feed))
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileNotFoundError:
        return None
    except OSError:
        shutil.copy2(path, target)
    return Staged(name, target, target.stat().st_size)


def _copy_database(feed: Path, path: Path, folder: Path) -> Staged:
    """Copy an SQLite file through SQLite, which sees what its journal still holds."""
    name = str(path.relative_to(feed))
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        raise storage_error(path, OSError(None, f"SQLite says: {error}")) from error
    return Staged(name, target, target.stat().st_size)
