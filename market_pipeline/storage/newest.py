"""One current file a market, replaced by a numbered successor: a reader that listed the old one still finds it.

Used for latest/, small/ and closed/. The highest number wins; older files go a minute after they were superseded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from market_pipeline.clock import SystemClock
from market_pipeline.storage.files import publish
from market_pipeline.storage.layout import NO_MARKET, SUFFIX, names_in
from market_pipeline.storage.parquet import read_columns, read_part, read_whole

SUPERSEDED_FOR = timedelta(minutes=1)
ATTEMPTS = 5


class NewestFiles:
    """The numbered files of one folder. Writers hold the market's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[str, tuple[Path, pa.Table]] = {}

    @property
    def pattern(self) -> Path:
        """Return the glob that matches the files of all markets, superseded ones included."""
        return self.folder / f"*{SUFFIX}"

    def path(self, market: str) -> Path | None:
        """Return the newest file of `market`, or None before the first."""
        names = self._names(market)
        return self.folder / names[-1] if names else None

    def markets(self) -> list[str]:
        """Return the markets that have a file."""
        names = {name.split(".")[0] for name in names_in(self.folder) if name.endswith(SUFFIX)}
        return sorted(name for name in names if name not in ("", NO_MARKET))

    def read(self, market: str) -> pa.Table | None:
        """Return the newest rows of `market`, or None before the first. Files never change, so reads are remembered."""
        return self._load(market, lambda path: self._whole(market, path))

    def read_part(self, market: str, columns: Sequence[str], condition: pc.Expression | None = None) -> pa.Table | None:
        """Read those of `columns` that the newest file has, of rows that meet a condition; the rest is not loaded."""
        return self._load(market, lambda path: read_part(path, columns, condition))

    def read_columns(self, market: str, columns: Sequence[str]) -> pa.Table | None:
        """Read those of `columns` that the newest file has; the rest is not loaded."""
        return self._load(market, lambda path: read_columns(path, columns))

    def _load(self, market: str, load: Callable[[Path], pa.Table]) -> pa.Table | None:
        for attempt in range(ATTEMPTS):
            path = self.path(market)
            if path is None:
                return None
            try:
                return load(path)
            except FileNotFoundError:  # superseded more than a minute ago, between listing and opening
                if attempt == ATTEMPTS - 1:
                    raise
        return None

    def _whole(self, market: str, path: Path) -> pa.Table:
        known = self._read.get(market)
        if known and known[0] == path:
            return known[1]
        rows = read_whole(path)
        self._read[market] = (path, rows)
        return rows

    def write(self, market: str, content: pa.Buffer) -> Path:
        """Publish `content` as the newest file of `market` and delete those that were superseded a while ago."""
        names = self._names(market)
        number = int(names[-1].split(".")[1]) + 1 if names else 1
        path = self.folder / f"{market}.{number:09d}{SUFFIX}"
        publish({path: content})
        self._expire(names)
        return path

    def set_aside(self, path: Path, suffix: str) -> None:
        """Rename an unreadable file, so that its predecessor, or nothing, is the newest."""
        path.rename(path.with_name(path.name + suffix))

    def seed(self, schema: pa.Schema) -> None:
        """Make sure that a zero-row file with `schema` is there, so that views bind before the first rows."""
        path = self.folder / f"{NO_MARKET}.{0:09d}{SUFFIX}"
        if path.exists() and pq.read_schema(path).names == schema.names:
            return
        sink = pa.BufferOutputStream()
        pq.write_table(schema.empty_table(), sink, store_schema=False)
        publish({path: sink.getvalue()})

    def _names(self, market: str) -> list[str]:
        return sorted(n for n in names_in(self.folder) if n.startswith(f"{market}.") and n.endswith(SUFFIX))

    def _expire(self, names: Iterable[str]) -> None:
        """Delete predecessors whose successor is older than a minute; the present successor is brand new."""
        limit = (SystemClock().now() - SUPERSEDED_FOR).timestamp()
        for name, successor in pairwise(names):
            if (self.folder / successor).stat().st_mtime < limit:
                (self.folder / name).unlink(missing_ok=True)
