"""One-minute indicators: how far each row can be trusted, then the columns that the catalogue decides."""

from __future__ import annotations

from collections.abc import Iterable

from market_pipeline.storage.tables.schema import (
    COUNT,
    FLAG,
    KNOWN_AT,
    MARKET,
    SESSION,
    SYMBOL,
    UTC_TIME,
    Column,
    Table,
    column,
)

REACH = "in the session so far, or within the bars of the longest window (200 unless a custom one is longer) if more"
TRUST = (
    column("revision", COUNT, "how often the bar of this minute was replaced by different values; 0: never"),
    column("bars_available", COUNT, "bars of the two preceding sessions and this one, up to and with this", "bars"),
    column(
        "missing_minutes",
        COUNT,
        f"minutes of continuous trading without a bar {REACH}; nothing was traded, or it was missed: table gaps tells",
        "minutes",
    ),
    column("sampled_bars", COUNT, f"bars made from polls, so without true extremes, {REACH}", "bars"),
)
"""What there was to compute a row from."""


def indicators_table(columns: Iterable[Column], families: Iterable[str] = ()) -> Table:
    """Return the table of one-minute indicators for these catalogue columns and their families."""
    key = (MARKET, SYMBOL, column("interval_start", UTC_TIME, "start of the minute", "UTC"), SESSION)
    return Table(
        "indicators_1m",
        "Technical indicators of one-minute bars, and how far each row can be trusted; null while warming up",
        ("symbol", "interval_start"),
        "interval_start",
        (*key, *TRUST, *(_warm_column(family) for family in families), *columns, KNOWN_AT),
        has_latest=True,
    )


def warm_name(family: str) -> str:
    """Return the name of the column that says whether a family has all the bars it needs."""
    return f"is_warm_{family}"


def _warm_column(family: str) -> Column:
    text = f"no column of {family} is null for want of bars; null where the market or symbol has none of them computed"
    return column(warm_name(family), FLAG, text)
