"""Write a feed and its configuration to one file, while everything goes on."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from market_pipeline.errors import UsageError
from market_pipeline.markets.loader import market_files
from market_pipeline.settings import Settings, without_secrets
from market_pipeline.steps.stored_feed import stored_feed
from market_pipeline.storage.archive import Header, Progress, codec_of, write_archive
from market_pipeline.storage.files import storage_error
from market_pipeline.storage.staging import OPTIONAL, Staged, staged_feed

DATA, CONFIG = "feed", "config"
"""The two folders of an archive."""


@dataclass(frozen=True)
class Backup:
    """What was backed up."""

    path: Path
    header: Header
    archive_bytes: int


def back_up(
    settings: Settings,
    path: Path,
    *,
    project: Path,
    at: datetime,
    without: Collection[str] = (),
    with_secrets: bool = False,
    progress: Progress = lambda _done, _total, _what: None,
) -> Backup:
    """Write the feed's tables, states and files, the market files, dagster.yaml and .env to `path`.

    `without` leaves out payloads or snapshots. Secrets of .env are left out unless asked for. Raises UsageError for a
    wrong name, WarehouseBusy when a writer keeps its lock, StorageError when the disk refuses.
    """
    codec_of(path)
    if unknown := sorted(set(without) - set(OPTIONAL)):
        raise UsageError(f"cannot leave out {unknown[0]!r}; a retry does not help; there are {', '.join(OPTIONAL)}")
    warehouse = stored_feed(settings.feed_folder)
    with ExitStack() as opened:
        texts = Path(opened.enter_context(TemporaryDirectory(prefix="market_pipeline_")))
        config = _configuration(project, texts, with_secrets=with_secrets)
        feed = opened.enter_context(staged_feed(warehouse, without=without))
        members = [*config, *(Staged(f"{DATA}/{one.name}", one.path, one.size) for one in feed)]
        header = Header(settings.feed.value, at, len(members), sum(one.size for one in members))
        write_archive(path, header, members, progress=progress)
    return Backup(path, header, path.stat().st_size)


def _configuration(project: Path, folder: Path, *, with_secrets: bool) -> list[Staged]:
    """Return the files that say how the feed is run; what is left of .env without its secrets goes to `folder`."""
    sources = {f"defs/{name}/defs.yaml": path for name, path in market_files().items()}
    sources["dagster.yaml"] = project / "dagster.yaml"
    environment = Path(".env")
    if environment.is_file():
        sources["env"] = environment if with_secrets else _harmless(environment, folder / "env")
    return [Staged(f"{CONFIG}/{name}", path, path.stat().st_size) for name, path in sources.items()]


def _harmless(environment: Path, target: Path) -> Path:
    head = "# secrets, and what the project does not know, were left out of the backup"
    try:
        target.write_text("\n".join([head, *without_secrets(environment), ""]))
    except OSError as error:
        raise storage_error(target, error) from error
    return target
