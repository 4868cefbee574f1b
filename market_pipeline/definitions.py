"""Root of the Dagster project: everything below defs/ is discovered, one folder a market."""

from functools import cache
from pathlib import Path

import dagster as dg

from market_pipeline.components.launcher.quick_storage import quicken_storage
from market_pipeline.markets.zones import check_zone_table


@dg.definitions
@cache  # `dagster job execute` asks for them five times, which would cost each run 0.9 s
def defs() -> dg.Definitions:
    """Load all markets and the platform's own definitions."""
    check_zone_table()
    quicken_storage()  # a code server opens Dagster's storage for each tick of a schedule
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
