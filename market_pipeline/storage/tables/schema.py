"""What a table is, and the columns that many tables share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

UTC_TIME = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """One column: `unit` is empty where the type says it all."""

    name: str
    type: pa.DataType
    description: str
    unit: str = ""
    is_continuous: bool = False
    """Neighbouring values differ in their last bits, so that its bytes compress best plane by plane."""
    same_as: str = ""
    """The column whose values this one always has, to the last bit: files keep only that one."""


@dataclass(frozen=True)
class Table:
    """One table. `key` identifies a row within its minute (and market); `minute_column` says which minute that is."""

    name: str
    description: str
    key: tuple[str, ...]
    minute_column: str
    columns: tuple[Column, ...]
    has_latest: bool = False
    is_small: bool = False
    """Kept whole, one file a market, merged by `key`; a real table in market.duckdb."""
    is_current: bool = False
    """A small table that changes all day: market.duckdb has a view of it, so that who opens it sees now."""
    is_appended: bool = False
    """Every write is a slice of its own; nothing is replaced."""

    @cached_property
    def schema(self) -> pa.Schema:
        """Return the Arrow schema, in column order."""
        return pa.schema([pa.field(c.name, c.type) for c in self.columns])

    @cached_property
    def stored_schema(self) -> pa.Schema:
        """Return the Arrow schema of the files: without the columns that repeat another."""
        return pa.schema([pa.field(c.name, c.type) for c in self.columns if not c.same_as])

    @cached_property
    def twins(self) -> dict[str, str]:
        """Return column → the column that holds its values in the files, for those that repeat another."""
        return {c.name: c.same_as for c in self.columns if c.same_as}

    @cached_property
    def version(self) -> str:
        """Return a short name of this exact schema: it changes when a column is added, removed or retyped."""
        text = ";".join(f"{c.name}:{c.type}{c.same_as and f'={c.same_as}'}" for c in self.columns)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def column(name: str, type_: pa.DataType, description: str, unit: str = "") -> Column:  # noqa: PLR0917
    """Return a column; positional, so that a list of them reads as a table."""
    return Column(name, type_, description, unit)


TEXT, REAL, COUNT, FLAG, DATE = pa.string(), pa.float64(), pa.int32(), pa.bool_(), pa.date32()
MARKET = column("market", TEXT, "market (a venue with a calendar)")
SYMBOL = column("symbol", TEXT, "our stable symbol of the instrument")
SESSION = column("session_date", DATE, "trading date in the exchange's zone")
KNOWN_AT = column("known_at", UTC_TIME, "when this row became known to us", "UTC")
AS_OF = column("as_of", UTC_TIME, "minute of the cycle that asked", "UTC")
EVENT = column(
    "event_time",
    UTC_TIME,
    "the exchange's time of the price; from a source that gives none, when we first saw it",
    "UTC",
)
RECEIVED = column("received_time", UTC_TIME, "when the answer reached us", "UTC")
