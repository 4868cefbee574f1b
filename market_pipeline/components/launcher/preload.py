"""What every run would import anew: the project, its definitions, calendars, and the libraries that its steps use.

Opens no connection, no log file and no Dagster instance, and starts no thread: nothing of that survives a fork.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import sys
from pathlib import Path

from market_pipeline.components.launcher.quick_storage import quicken_storage
from market_pipeline.errors import ConfigurationError
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.trading_calendar import calendar_for

FORK_SAFE_THREADS = frozenset({"jemalloc_bg_thd"})
"""Arrow's allocator starts one as it is loaded, and takes care of it at a fork."""
PACKAGES = ("model", "markets", "storage", "transforms", "indicators", "quality", "sources", "steps", "alerts")
LIBRARIES = (
    "pandas",
    "talib",
    "duckdb",
    "pyarrow.parquet",
    "pyarrow.compute",
    "pyarrow.dataset",
    "ccxt",
    "lxml.html",
    "exchange_calendars",
    # what Dagster itself imports only once a run executes
    "dagster._cli.api",
    "dagster._core.execution.api",
    "dagster._core.executor.in_process",
    "dagster._core.storage.fs_io_manager",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.instance.factory",
    "dagster._core.workspace.autodiscovery",
    "dagster._core.execution.plan.active",
    "dagster._utils.test.definitions",
    "alembic.command",
    "fsspec.implementations.local",
    "upath.implementations.local",
    "netrc",
)


def preload(module: str) -> None:
    """Import all of it and build the definitions in `module`. Raise ConfigurationError when that started a thread."""
    for name in LIBRARIES:
        importlib.import_module(name)
    quicken_storage()
    for package in PACKAGES:
        root = importlib.import_module(f"market_pipeline.{package}")
        for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            importlib.import_module(found.name)
    for file in load_markets().values():
        calendar_for(file).last_published_day()
    definitions = importlib.import_module(module).defs()
    definitions.get_repository_def().load_all_definitions()
    _refuse_threads(module)
    gc.collect()
    gc.freeze()  # else the first collection in a child would touch, and so copy, every page


def _refuse_threads(module: str) -> None:
    names = sorted((task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir())
    names.remove(Path("/proc/self/comm").read_text().strip())
    if unsafe := [name for name in names if name not in FORK_SAFE_THREADS]:
        raise ConfigurationError(
            f"loaded {module} to fork runs from it and found threads of {', '.join(unsafe)}, which no fork survives; "
            "a retry does not help; have them started where they are used, not at import"
        )


if __name__ == "__main__":  # at set-up: leaves what services, which may not write here, would work out each time
    preload(sys.argv[1])
    os._exit(0)  # what would only clean up after itself says a lot about it
