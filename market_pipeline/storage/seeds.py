"""Zero-row files that carry each version's schema, so that views bind before the first rows are written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from market_pipeline.storage.files import publish
from market_pipeline.storage.layout import SUFFIX, Layout
from market_pipeline.storage.locks import MarketLocks
from market_pipeline.storage.parquet import encode
from market_pipeline.storage.tables import Table


def make_seeds(layout: Layout, tables: Iterable[Table], locks: MarketLocks) -> bool:
    """Make sure that every table's present version has its zero-row files; tell whether a version is new here."""
    has_new_version = False
    missing: dict[Path, pa.Buffer] = {}
    for table in tables:
        seeds = {layout.seed("live", table), layout.seed("session", table)}
        absent = {path for path in seeds if not path.exists()}
        if absent:
            missing |= dict.fromkeys(absent, encode(table, table.schema.empty_table()))
        else:
            has_new_version |= _return_to_version(layout, table, locks)
    publish(missing)
    return has_new_version or bool(missing)


def _return_to_version(layout: Layout, table: Table, locks: MarketLocks) -> bool:
    """Make the present version the newest again after an excursion to another one; tell whether there was one.

    Minutes that the other version rewrote are whole there, so the older copies in the present version are deleted.
    """
    seed = layout.seed("live", table)
    others = [layout.seed("live", table, version) for version in layout.versions("live", table)[:-1]]
    newer = [other for other in others if other.stat().st_mtime_ns > seed.stat().st_mtime_ns]
    if not newer:
        return False
    present = seed.parents[2]
    for market in layout.markets():
        with locks.hold(market):
            for other in newer:
                for path in other.parents[2].glob(f"market={market}/*/*{SUFFIX}"):
                    (present / path.relative_to(other.parents[2])).unlink(missing_ok=True)
    seed.touch()
    return True
