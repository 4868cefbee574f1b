"""How much disk a market's tables take: files in force, without what is superseded and about to be swept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from market_pipeline.storage.newest import NewestFiles
from market_pipeline.storage.tables import Table
from market_pipeline.storage.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Size:
    """Files and bytes of one table. A small table is one file a market, whatever its sessions are."""

    table: str
    files: int
    bytes: int
    bytes_in_all: int


def table_sizes(warehouse: Warehouse, market: str, sessions: Sequence[date]) -> list[Size]:
    """Return the size of each table that the market has rows in: of these sessions, and of all."""
    sizes = [_size(warehouse, table, market, sessions) for table in warehouse.tables]
    return [size for size in sizes if size.bytes_in_all]


def _size(warehouse: Warehouse, table: Table, market: str, sessions: Sequence[date]) -> Size:  # noqa: PLR0917
    if table.is_small:
        path = NewestFiles(warehouse.layout.small(table.name)).path(market)
        _, whole = _bytes([path] if path else [])
        return Size(table.name, 1 if whole else 0, whole, whole)
    files, own = _bytes(found.path for found in warehouse.slices(table, market, sessions))
    return Size(table.name, files, own, _bytes(found.path for found in warehouse.slices(table, market))[1])


def _bytes(paths: Iterable[Path]) -> tuple[int, int]:
    """Return how many files there are and their bytes; one that went meanwhile counts for nothing."""
    sizes = []
    for path in paths:
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:
            continue
    return len(sizes), sum(sizes)
