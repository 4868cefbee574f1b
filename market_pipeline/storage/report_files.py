"""Reports as files of the feed: reports/<market>/daily_YYYY-MM-DD.html, weekly_YYYY-Www.html, and the same as .md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from market_pipeline.storage.files import publish
from market_pipeline.storage.layout import names_in

SUFFIXES = (".html", ".md")


def report_folder(feed_folder: Path, market: str) -> Path:
    """Return the folder of a market's reports."""
    return feed_folder / "reports" / market


def write_report_files(texts: Mapping[Path, str]) -> None:
    """Write the forms of a report together. Raises StorageError when the disk refuses."""
    for folder in {path.parent for path in texts}:
        folder.mkdir(parents=True, exist_ok=True)
    publish({path: text.encode() for path, text in texts.items()})


def retain_report_files(feed_folder: Path, market: str, *, keep: Mapping[str, int]) -> int:
    """Delete all but the newest so many reports of each kind (daily, weekly); return how many files were deleted."""
    folder = report_folder(feed_folder, market)
    deleted = 0
    for kind, newest in keep.items():
        names = [name for name in names_in(folder) if name.startswith(f"{kind}_") and name.endswith(SUFFIXES)]
        stems = sorted({name.rpartition(".")[0] for name in names})
        old = set(stems[:-newest])
        for name in (name for name in names if name.rpartition(".")[0] in old):
            (folder / name).unlink(missing_ok=True)
            deleted += 1
    return deleted
