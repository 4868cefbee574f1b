"""Reads recorded minute bars: Parquet with the columns of COLUMNS, labelled by the minute's start in UTC.

Minutes outside the market's session (before the open, after the close) are left out: no chart of a source has them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from market_pipeline.simulator.recording import FindSession, Recording, local_days, recorded_span, spans, wrong
from market_pipeline.simulator.tape import Floats, Integers

if TYPE_CHECKING:
    import pyarrow as pa

PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume")
COLUMNS = ("symbol", "interval_start", *NUMBERS)


def minutes_of(market: str, path: Path, *, zone: ZoneInfo, find: FindSession) -> Recording:
    """Read a recording. Raise UsageError naming the file and what is wrong with it."""
    table = _distinct(path, _typed(path, _read(path)))
    symbols = np.array(table.column("symbol").to_pylist(), dtype=object)
    starts = table.column("interval_start").to_numpy()
    days = local_days(starts, zone)
    sessions = {day: find(day) or recorded_span(market, day, starts[days == day]) for day in sorted(set(days.tolist()))}
    opens = {day: session.open.timestamp() for day, session in sessions.items()}
    closes = {day: session.close.timestamp() for day, session in sessions.items()}
    first, last = (_each(edges, days) for edges in (opens, closes))
    kept = (first <= starts) & (starts < last)
    if not kept.any():
        raise wrong(path, f"none of its minutes lies in a session of {market}", "check the zone of interval_start")
    one, two, three, four, volume = (table.column(name).to_numpy()[kept] for name in NUMBERS)
    traded = {day: session for day, session in sessions.items() if day in set(days[kept].tolist())}
    return Recording(starts[kept], (one, two, three, four), volume, spans(symbols[kept], days[kept]), traded)


def _each(edges: dict[object, float], days: NDArray[np.object_]) -> Floats:
    return np.array([edges[day] for day in days], dtype=np.float64)


def _read(path: Path) -> pa.Table:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        names = pq.read_schema(path).names
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise wrong(path, f"it lacks {', '.join(missing)} (it has {', '.join(names)})", "rename its columns")
        return pq.read_table(path, columns=list(COLUMNS))
    except (ArrowException, OSError) as error:
        raise wrong(path, f"it cannot be read as Parquet ({error})", "give a Parquet file") from error


def _typed(path: Path, table: pa.Table) -> pa.Table:
    """Return symbol as text, interval_start in epoch seconds and numbers as floats, without minutes of no trade."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = table.schema.field("interval_start").type
    if not pa.types.is_timestamp(kind):
        raise wrong(path, f"interval_start is {kind}", "store it as a timestamp in UTC")
    numbers = [name for name in NUMBERS if not _is_number(table.schema.field(name).type)]
    if numbers:
        raise wrong(path, f"{', '.join(numbers)} are no numbers", "store them as floats or integers")
    table = table.cast(pa.schema([("symbol", pa.string()), ("interval_start", kind), *_floats()]))
    has_trade = pc.invert(pc.is_null(pc.coalesce(*(table[name] for name in PRICES)), nan_is_null=True))
    table = table.filter(has_trade)
    empty = [name for name in COLUMNS if pc.any(pc.is_null(table[name], nan_is_null=name in NUMBERS)).as_py()]
    if empty or not table.num_rows:
        seen = f"{', '.join(empty)} have empty values" if empty else "it has no rows"
        raise wrong(path, seen, "give one complete row a minute")
    # a time without a zone is UTC, as the layout says; one with a zone is a moment already
    seconds = table["interval_start"].cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64())
    if pc.any(pc.not_equal(pc.multiply(pc.divide(seconds, 60_000_000), 60_000_000), seconds)).as_py():
        raise wrong(path, "interval_start is not on whole minutes", "label each row by its minute's start")
    return table.set_column(1, "interval_start", pc.divide(seconds, 1_000_000))


def _floats() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    return [(name, pa.float64()) for name in NUMBERS]


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _distinct(path: Path, table: pa.Table) -> pa.Table:
    """Return the rows in order, one a minute: a row that stands there twice counts once."""
    table = table.sort_by([("symbol", "ascending"), ("interval_start", "ascending")])
    symbols = np.array(table.column("symbol").to_pylist(), dtype=object)
    starts: Integers = table.column("interval_start").to_numpy()
    again = np.zeros(len(starts), dtype=bool)
    again[1:] = (symbols[1:] == symbols[:-1]) & (np.diff(starts) == 0)
    columns = [table.column(name).to_numpy() for name in NUMBERS]
    differs = np.flatnonzero(again & np.any([np.r_[False, np.diff(column) != 0] for column in columns], axis=0))
    if len(differs):
        seen = f"{symbols[differs[0]]} has a minute twice with different numbers"
        raise wrong(path, seen, "give one row a minute, labelled by its start")
    return table.filter(~again) if again.any() else table
