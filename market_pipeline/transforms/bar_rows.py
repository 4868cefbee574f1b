"""The columns of a minute bar that the transforms read and write, named here once, and what every maker of bars uses.

The same columns as the table bars_1m (a test holds both together). Times are UTC, labelled by the interval's start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.model.bar import BarOrigin
from market_pipeline.model.session import Session

UTC_TIME = pa.timestamp("us", tz="UTC")
BAR_SCHEMA = pa.schema(
    [
        ("market", pa.string()),
        ("symbol", pa.string()),
        ("interval_start", UTC_TIME),
        ("session_date", pa.date32()),
        ("open", pa.float64()),
        ("high", pa.float64()),
        ("low", pa.float64()),
        ("close", pa.float64()),
        ("volume", pa.float64()),
        ("turnover", pa.float64()),
        ("origin", pa.string()),
        ("n_ticks", pa.int32()),
        ("is_final", pa.bool_()),
        ("is_synthetic", pa.bool_()),
        ("revision", pa.int32()),
        ("known_at", UTC_TIME),
    ]
)
VALUES = ("open", "high", "low", "close", "volume", "turnover")
"""What a bar says; a final bar that says something else than before is a revision."""
ORIGINS = tuple(origin.value for origin in BarOrigin)
"""Best first."""
MINUTE = 60_000_000
"""Microseconds."""

Reals = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


class RejectedBar(NamedTuple):
    """A record that made no bar. `moment` is its interval_start, or a tick's event_time."""

    symbol: str
    moment: datetime
    reason: str


@dataclass(frozen=True)
class Bars:
    """Bars in BAR_SCHEMA, by symbol and interval_start, and the records that were set aside."""

    rows: pa.Table
    set_aside: tuple[RejectedBar, ...] = ()

    @property
    def rejected_counts(self) -> Counter[tuple[str, str]]:
        """Return (symbol, reason) → how many records were set aside."""
        return Counter((item.symbol, item.reason) for item in self.set_aside)


@dataclass(frozen=True)
class BarColumns:
    """Columns of equal length from which rows are made; unknown numbers are NaN, an unknown n_ticks is None."""

    symbols: Sequence[str] | pa.Array
    starts: Integers
    values: dict[str, Reals]
    n_ticks: pa.Array | None
    is_final: Truths


def make_rows(columns: BarColumns, *, session: Session, origin: BarOrigin, known_at: datetime) -> pa.Table:
    """Return new rows of one session: revision 0, never synthetic, unknown volume and turnover as null."""
    count = len(columns.starts)
    arrays = {
        "market": _constant(session.market, pa.string(), count),
        "symbol": pa.array(columns.symbols, pa.string()),
        "interval_start": pa.array(columns.starts, pa.int64()).cast(UTC_TIME),
        "session_date": _constant(session.session_date, pa.date32(), count),
        **{name: pa.array(columns.values[name], pa.float64(), from_pandas=True) for name in VALUES},
        "origin": _constant(origin.value, pa.string(), count),
        "n_ticks": columns.n_ticks if columns.n_ticks is not None else pa.nulls(count, pa.int32()),
        "is_final": pa.array(columns.is_final),
        "is_synthetic": _constant(False, pa.bool_(), count),
        "revision": _constant(0, pa.int32(), count),
        "known_at": _constant(known_at, UTC_TIME, count),
    }
    return pa.table(arrays, schema=BAR_SCHEMA)


def no_rows() -> pa.Table:
    """Return a table of bars without rows."""
    return BAR_SCHEMA.empty_table()


def microseconds(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970 UTC."""
    return int(pa.scalar(moment, UTC_TIME).value)


def as_moment(value: int) -> datetime:
    """Return microseconds since 1970 as a moment in UTC."""
    moment: datetime = pa.scalar(value, UTC_TIME).as_py()
    return moment


def times(column: pa.Array | pa.ChunkedArray) -> Integers:
    """Return a time column as microseconds since 1970 UTC."""
    values: Integers = column.cast(UTC_TIME).cast(pa.int64()).to_numpy()
    return values


def reals(column: pa.Array | pa.ChunkedArray) -> Reals:
    """Return a number column as floats, null as NaN; the bits of every float stay."""
    values: Reals = (
        pa.chunked_array([column] if isinstance(column, pa.Array) else column.chunks, column.type)
        .cast(pa.float64())
        .to_numpy()
    )
    return values


def codes_of(*columns: pa.Array | pa.ChunkedArray) -> tuple[list[Integers], list[str]]:
    """Return text columns as numbers that sort like the text, with the sorted texts that they stand for."""
    texts = sorted(set().union(*(column.unique().to_pylist() for column in columns)))
    names = pa.array(texts, pa.string())
    coded = [pc.index_in(column.cast(pa.string()), value_set=names).to_numpy().astype(np.int64) for column in columns]
    return coded, texts


def starts_of_groups(*keys: Integers) -> Integers:
    """Return where each run of equal keys begins, for keys that are sorted; empty for no rows."""
    if len(keys[0]) == 0:
        return np.zeros(0, np.int64)
    changes = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.concatenate(([0], np.flatnonzero(changes) + 1)).astype(np.int64)


def _constant(value: object, type_: pa.DataType, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, type_), count)
