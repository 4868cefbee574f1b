"""One-minute indicators; the catalogue decides the columns."""

from __future__ import annotations

from collections.abc import Iterable

from market_pipeline.storage.tables.schema import KNOWN_AT, MARKET, SESSION, SYMBOL, UTC_TIME, Column, Table, column


def indicators_table(columns: Iterable[Column]) -> Table:
    """Return the table of one-minute indicators for these catalogue columns."""
    key = (MARKET, SYMBOL, column("interval_start", UTC_TIME, "start of the minute", "UTC"), SESSION)
    return Table(
        "indicators_1m",
        "Technical indicators of one-minute bars; null while warming up",
        ("symbol", "interval_start"),
        "interval_start",
        (*key, *columns, KNOWN_AT),
        has_latest=True,
    )
