"""Every table of the warehouse: those of storage/tables/, and indicators_1m as the catalogue makes it.

Dagster shows the columns on each asset's page, so every run comes here: no computing library is imported.
"""

from __future__ import annotations

from functools import cache

import pyarrow as pa

from market_pipeline.indicators.catalogue import TWINS, all_indicators
from market_pipeline.storage.tables import BASE_TABLES, Column, Table, indicators_table

ARROW_TYPES = {"float32": pa.float32(), "float64": pa.float64(), "int16": pa.int16()}


@cache
def indicators_1m() -> Table:
    """Return the table of indicators for the present catalogue."""
    columns = (
        Column(
            name,
            ARROW_TYPES[kind.storage_type],
            indicator.description,
            kind.unit,
            is_continuous=kind.storage_type.startswith("float"),
            same_as=TWINS.get(name, ""),
        )
        for indicator in all_indicators()
        for name, kind in zip(indicator.columns, indicator.kinds, strict=True)
    )
    return indicators_table(columns, dict.fromkeys(indicator.family for indicator in all_indicators()))


def all_tables() -> tuple[Table, ...]:
    """Return every table of the warehouse."""
    return (*BASE_TABLES, indicators_1m())
