"""Where everything of a warehouse lies. The only module that composes its paths.

live/<table>/v=<version>/market=<m>/session_date=<d>/<minute>.parquet
session/<table>/v=<version>/market=<m>/session_date=<d>/edition=<n>/session.parquet
latest/<table>/<market>.<n>.parquet    small/<table>/<market>.<n>.parquet    closed/<market>.<n>.parquet
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from market_pipeline.storage.tables import Table

Tier = Literal["live", "session"]
SUFFIX = ".parquet"
UNREADABLE = ".unreadable"
NO_MARKET = "_"
"""The market of the zero-row files that let views bind before the first rows; it sorts before every real one."""
SEED_DATE = date(1970, 1, 1)
MINUTE_FORMAT = "%Y%m%dT%H%M"


@dataclass(frozen=True)
class Slice:
    """One Parquet file of one table and session. `minute` (UTC) is None in the session tier."""

    tier: Tier
    table: str
    version: str
    market: str
    session_date: date
    path: Path
    minute: datetime | None = None


@dataclass(frozen=True)
class Layout:
    """The paths below one feed's folder."""

    feed_folder: Path

    @property
    def root(self) -> Path:
        """Return the warehouse's folder."""
        return self.feed_folder / "warehouse"

    @property
    def market_duckdb(self) -> Path:
        """Return the file that people open."""
        return self.feed_folder / "market.duckdb"

    @property
    def closed(self) -> Path:
        """Return the folder of the lists of closed sessions."""
        return self.root / "closed"

    def lock(self, market: str) -> Path:
        """Return the file that a writer of `market` holds locked."""
        return self.root / "locks" / f"{market}.lock"

    def latest(self, table: str) -> Path:
        """Return the folder with each market's newest rows of `table`."""
        return self.root / "latest" / table

    def small(self, table: str) -> Path:
        """Return the folder with each market's whole small `table`."""
        return self.root / "small" / table

    def version_folder(self, tier: Tier, table: str, version: str) -> Path:
        """Return the folder of all slices of one schema version."""
        return self.root / tier / table / f"v={version}"

    def session_folder(self, tier: Tier, table: Table, market: str, *, session_date: date, version: str = "") -> Path:
        """Return the folder of one session's slices, in the table's present version unless another is named."""
        folder = self.version_folder(tier, table.name, version or table.version)
        return folder / f"market={market}" / f"session_date={session_date}"

    def minute_slice(self, table: Table, market: str, *, session_date: date, minute: datetime) -> Path:
        """Return the live slice of one minute."""
        folder = self.session_folder("live", table, market, session_date=session_date)
        return folder / f"{minute:{MINUTE_FORMAT}}{SUFFIX}"

    def edition(self, folder: Path, number: int) -> Path:
        """Return the session file with this number: a session file is never replaced, a newer one follows."""
        return folder / f"edition={number}" / f"session{SUFFIX}"

    def seed(self, tier: Tier, table: Table, version: str = "") -> Path:
        """Return the zero-row file of a version, which carries its schema."""
        folder = self.session_folder(tier, table, NO_MARKET, session_date=SEED_DATE, version=version)
        return self.edition(folder, 0) if tier == "session" else folder / f"seed{SUFFIX}"

    def versions(self, tier: Tier, table: Table) -> list[str]:
        """Return the schema versions on disk, oldest first; the present one is last, also when it is not there yet."""
        folder = self.root / tier / table.name
        names = [name.removeprefix("v=") for name in names_in(folder) if name.startswith("v=")]
        seeds = {name: self.seed(tier, table, name) for name in names if name != table.version}
        ages = {name: path.stat().st_mtime for name, path in seeds.items() if path.exists()}
        return [*sorted(ages, key=lambda name: ages[name]), table.version]

    def sessions(self, tier: Tier, table: Table, market: str) -> set[date]:
        """Return the session dates that have a folder in `tier`, in any version."""
        found: set[date] = set()
        for version in self.versions(tier, table):
            folder = self.version_folder(tier, table.name, version) / f"market={market}"
            found |= {date.fromisoformat(name.removeprefix("session_date=")) for name in names_in(folder)}
        return found

    def live_slices(
        self, table: Table, market: str, session_date: date, *, since: datetime | None = None
    ) -> list[Slice]:
        """Return a session's live slices in the order of their minutes, from that of `since` on.

        A minute that a newer version rewrote is listed once: its file there carries the older one's rows. Versions
        are listed oldest first, so a minute that moves meanwhile is seen in one of them.
        """
        found: dict[str, Slice] = {}
        first = "" if since is None else f"{since:{MINUTE_FORMAT}}"
        for version in self.versions("live", table):
            folder = self.session_folder("live", table, market, session_date=session_date, version=version)
            for name in names_in(folder):
                if name.endswith(SUFFIX) and not name.startswith(".") and name >= first:
                    minute = _minute_of(name)
                    found[name] = Slice("live", table.name, version, market, session_date, folder / name, minute)
        return [found[name] for name in sorted(found)]

    def markets(self) -> list[str]:
        """Return the markets that have any slice."""
        folders = (*self.root.glob("live/*/v=*/market=*"), *self.root.glob("session/*/v=*/market=*"))
        return sorted({folder.name.removeprefix("market=") for folder in folders} - {NO_MARKET})

    def every_market(self) -> list[str]:
        """Return all markets that have any file, also those with small tables only; NO_MARKET, of the seeds, first."""
        whole = (*self.root.glob(f"latest/*/*{SUFFIX}"), *self.root.glob(f"small/*/*{SUFFIX}"))
        return [NO_MARKET, *sorted({*self.markets(), *(path.name.split(".")[0] for path in whole)} - {NO_MARKET})]

    def files_of(self, market: str) -> Iterator[Path]:
        """Yield every file of a market, whatever its table and version; no temporary ones."""
        for pattern in (f"live/*/v=*/market={market}", f"session/*/v=*/market={market}"):
            for folder in self.root.glob(pattern):
                yield from (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        for pattern in (f"latest/*/{market}.*", f"small/*/{market}.*", f"closed/{market}.*"):
            yield from self.root.glob(pattern)

    def relative(self, path: Path) -> str:
        """Return a path as people should see it: relative to the feed's folder."""
        return str(path.relative_to(self.feed_folder))


def names_in(folder: Path) -> Iterator[str]:
    """Yield the names in a folder, in no particular order; nothing when it is not there."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name
    except FileNotFoundError:
        return


def _minute_of(name: str) -> datetime:
    # strptime takes ten times as long, and a look at a market reads the names of thousands of slices
    year, month, day, hour, minute = name[:4], name[4:6], name[6:8], name[9:11], name[11:13]
    return datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC)
