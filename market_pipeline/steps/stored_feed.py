"""Opens the stored tables of a feed for who only reads: needs no clock of the feed, no source, no running process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from market_pipeline.clock import SystemClock
from market_pipeline.errors import UsageError
from market_pipeline.settings import load_settings
from market_pipeline.steps.warehouse_tables import all_tables
from market_pipeline.storage.warehouse import Warehouse


def stored_feed(folder: Path | str | None = None) -> Warehouse:
    """Return the warehouse of a feed's folder, of the feed that the settings name by default.

    Raise UsageError for a folder without one, ConfigurationError for wrong settings.
    """
    path = Path(folder).absolute() if folder is not None else load_settings().feed_folder
    if not (path / "warehouse").is_dir():
        raise UsageError(
            f"looked for stored tables in {path}: there is no folder `warehouse` in it; a retry helps once something "
            "was stored (`make run`, or `market-pipeline cycle MARKET`); else name the feed's folder, like data/live, "
            "or set MARKET_PIPELINE_DATA and MARKET_PIPELINE_FEED"
        )
    return _opened(path)


@lru_cache(maxsize=8)
def _opened(path: Path) -> Warehouse:
    return Warehouse(path, all_tables(), clock=SystemClock())
