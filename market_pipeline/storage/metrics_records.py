"""Merged metrics, statements and verdicts as rows, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from market_pipeline.model.metrics import METRIC_FIELDS, FieldOrigin, Fundamentals, InstrumentMetrics
from market_pipeline.model.sharia import ShariaVerdict
from market_pipeline.storage.columns import fill
from market_pipeline.storage.tables import FUNDAMENTALS, METRICS, SHARIA_SCREEN


def metrics_table(
    rows: Sequence[InstrumentMetrics], *, session_date: date, as_of: datetime, known_at: datetime
) -> pa.Table:
    """Return merged metrics as rows of metrics."""
    columns: dict[str, list[Any]] = {
        "market": [row.market for row in rows],
        "symbol": [row.symbol for row in rows],
        "currency": [row.currency for row in rows],
        "session_date": [session_date] * len(rows),
        "as_of": [as_of] * len(rows),
        "known_at": [known_at] * len(rows),
    }
    for name in METRIC_FIELDS:
        origins = [row.origins.get(name) for row in rows]
        columns[name] = [row.values.get(name) for row in rows]
        columns[f"{name}_source"] = [origin.source if origin else None for origin in origins]
        columns[f"{name}_as_of"] = [origin.as_of if origin else None for origin in origins]
    return pa.table({c.name: pa.array(columns[c.name], c.type) for c in METRICS.columns}, schema=METRICS.schema)


def metrics_from_table(rows: pa.Table) -> list[InstrumentMetrics]:
    """Return rows of metrics as merged metrics."""
    known = {name: rows[name].to_pylist() for name in METRIC_FIELDS}
    sources = {name: _repeated(rows[f"{name}_source"]) for name in METRIC_FIELDS}
    times = {name: _repeated(rows[f"{name}_as_of"]) for name in METRIC_FIELDS}
    identities = zip(*(rows[name].to_pylist() for name in ("market", "symbol", "currency")), strict=True)
    found = []
    for number, (market, symbol, currency) in enumerate(identities):
        names = [name for name in METRIC_FIELDS if known[name][number] is not None]
        values = {name: known[name][number] for name in names}
        origins = {name: FieldOrigin(sources[name][number], times[name][number]) for name in names}
        found.append(InstrumentMetrics(market, symbol, currency, values, origins))
    return found


def _repeated(column: pa.ChunkedArray) -> list[Any]:
    """Return a column's values, each distinct one converted once: few sources, few moments, many instruments."""
    encoded = column.combine_chunks().dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    return [None if index is None else distinct[index] for index in encoded.indices.to_pylist()]


def fundamentals_table(statements: Sequence[Fundamentals], *, known_at: datetime) -> pa.Table:
    """Return statements as rows of fundamentals."""
    return fill(FUNDAMENTALS, statements, known_at=known_at)


def verdicts_table(
    verdicts: Sequence[ShariaVerdict], *, session_date: date, as_of: datetime, known_at: datetime
) -> pa.Table:
    """Return verdicts as rows of sharia_screen."""
    return fill(SHARIA_SCREEN, verdicts, session_date=session_date, as_of=as_of, known_at=known_at)


def fundamentals_from_table(rows: pa.Table) -> list[Fundamentals]:
    """Return rows of fundamentals as statements."""
    names = list(Fundamentals.__dataclass_fields__)
    return [Fundamentals(**row) for row in rows.select(names).to_pylist()]
