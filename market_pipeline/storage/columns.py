"""Columns from objects, and values from JSON text: what all records are made with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from market_pipeline.storage.tables import Table


def fill(table: Table, items: Sequence[object], **constants: object) -> pa.Table:
    """Return one row an item: each column from the item's attribute of its name, or from a constant for all rows."""
    arrays = []
    for column in table.columns:
        if column.name in constants:
            arrays.append(pa.repeat(pa.scalar(constants[column.name], column.type), len(items)))
        else:
            arrays.append(pa.array([getattr(item, column.name) for item in items], column.type))
    return pa.Table.from_arrays(arrays, schema=table.schema)


def as_json(value: Any) -> str:
    """Return compact JSON; times as ISO 8601 in UTC."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=lambda moment: moment.isoformat())
