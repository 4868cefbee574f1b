"""Root of the Dagster project: everything below defs/ is discovered, one folder a market."""

from pathlib import Path

import dagster as dg

from market_pipeline.markets.zones import check_zone_table


@dg.definitions
def defs() -> dg.Definitions:
    """Load all markets and the platform's own definitions."""
    check_zone_table()
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
