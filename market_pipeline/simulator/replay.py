"""Recorded minute bars instead of the price model: charts give back exactly the recorded floats.

A recording is a Parquet file with `symbol, interval_start (UTC, start of the minute), open, high, low, close, volume`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from market_pipeline.errors import UsageError
from market_pipeline.model.session import Session
from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.tape import Columns, Floats, Integers, SessionTape, tape_of
from market_pipeline.simulator.timeline import Timeline

if TYPE_CHECKING:
    import pyarrow as pa

PRICES = ("open", "high", "low", "close")
COLUMNS = ("symbol", "interval_start", *PRICES, "volume")
TICK_STEPS = ((2, 5), (2, 1), (4, 25), (4, 1), (8, 1))
"""(decimals, tick): the coarsest one that all prices of an instrument lie on is its tick."""


@dataclass(frozen=True)
class Recording:
    """A recording's columns, sorted by symbol and minute, and where each symbol's session begins."""

    starts: Integers
    prices: tuple[Floats, Floats, Floats, Floats]
    volume: Floats
    rows: dict[str, dict[date, slice]]
    sessions: dict[date, Session]


class RecordedTapes:
    """A recording behind one market's exchange. It knows nothing of what happened inside a minute."""

    has_trades = False

    def __init__(self, recording: Recording, listings: tuple[Listing, ...], zone: ZoneInfo) -> None:
        self._recording = recording
        self.listings = listings
        self.timeline = Timeline(recording.sessions.get, zone, last=max(recording.sessions))

    def tape(self, listing: Listing, session: Session) -> SessionTape:
        """Return the recorded bars of one session, none if the instrument is not in it."""
        rows = self._recording.rows[listing.symbol].get(session.session_date, slice(0, 0))
        starts = self._recording.starts[rows]
        first, high, low, last = (column[rows] for column in self._recording.prices)
        columns = Columns(starts, first, high, low, last, self._recording.volume[rows], np.ones_like(starts))
        return tape_of(session.session_date, columns)


def recorded_tapes(market: str, path: Path, *, zone: ZoneInfo, known: tuple[Listing, ...]) -> RecordedTapes:
    """Read a recording. Raise UsageError naming the file and what is wrong with it."""
    table = _read(path)
    recording = _recording(table, path, market=market, zone=zone)
    facts = {listing.symbol: listing for listing in known}
    listings = tuple(_listing(symbol, recording, facts.get(symbol.replace("/", "-"))) for symbol in recording.rows)
    return RecordedTapes(recording, listings, zone)


def _read(path: Path) -> pa.Table:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    if not path.is_file():
        raise _wrong(path, "there is no such file", "correct the path")
    try:
        names = pq.read_schema(path).names
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise _wrong(path, f"it lacks {', '.join(missing)} (it has {', '.join(names)})", "rename its columns")
        table = pq.read_table(path, columns=list(COLUMNS))
    except (ArrowException, OSError) as error:
        raise _wrong(path, f"it cannot be read as Parquet ({error})", "give a Parquet file") from error
    _check(path, table)
    return table


def _check(path: Path, table: pa.Table) -> None:
    import pyarrow as pa

    kind = table.schema.field("interval_start").type
    if not pa.types.is_timestamp(kind) or kind.tz is None:
        raise _wrong(path, f"interval_start is {kind}", "store it as a timestamp with time zone UTC")
    numbers = [name for name in (*PRICES, "volume") if not _is_number(table.schema.field(name).type)]
    if numbers:
        raise _wrong(path, f"{', '.join(numbers)} are no numbers", "store them as floats or integers")
    empty = [name for name in COLUMNS if table.column(name).null_count]
    if empty or not table.num_rows:
        seen = f"{', '.join(empty)} have empty values" if empty else "it has no rows"
        raise _wrong(path, seen, "give one complete row a minute")


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _wrong(path: Path, seen: str, remedy: str) -> UsageError:
    return UsageError(
        f"tried to replay {path}: {seen}; a retry does not help; {remedy}. "
        f"A recording has the columns {', '.join(COLUMNS)}"
    )


def _recording(table: pa.Table, path: Path, *, market: str, zone: ZoneInfo) -> Recording:
    import pyarrow as pa

    table = table.sort_by([("symbol", "ascending"), ("interval_start", "ascending")])
    symbols = np.array(table.column("symbol").to_pylist(), dtype=object)
    starts = table.column("interval_start").cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64()).to_numpy()
    first, high, low, last = (table.column(name).cast(pa.float64()).to_numpy() for name in PRICES)
    edges = np.flatnonzero((symbols[1:] == symbols[:-1]) & (np.diff(starts) == 0))
    if len(edges) or (starts % 60).any():
        seen = f"{symbols[edges[0]]} has a minute twice" if len(edges) else "interval_start is not on whole minutes"
        raise _wrong(path, seen, "give one row a minute, labelled by its start")
    days = _local_days(starts, zone)
    rows = _rows(symbols, days)
    volume = table.column("volume").cast(pa.float64()).to_numpy()
    return Recording(starts, (first, high, low, last), volume, rows, _sessions(market, starts, days))


def _local_days(starts: Integers, zone: ZoneInfo) -> NDArray[np.object_]:
    minutes, inverse = np.unique(starts, return_inverse=True)
    days = np.array([datetime.fromtimestamp(int(minute), zone).date() for minute in minutes], dtype=object)
    return days[inverse]


def _rows(symbols: NDArray[np.object_], days: NDArray[np.object_]) -> dict[str, dict[date, slice]]:
    changes = np.flatnonzero((symbols[1:] != symbols[:-1]) | (days[1:] != days[:-1])) + 1
    edges = [0, *changes.tolist(), len(symbols)]
    rows: dict[str, dict[date, slice]] = {}
    for first, last in pairwise(edges):
        rows.setdefault(symbols[first], {})[days[first]] = slice(first, last)
    return rows


def _sessions(market: str, starts: Integers, days: NDArray[np.object_]) -> dict[date, Session]:
    sessions = {}
    for day in sorted(set(days.tolist())):
        minutes = starts[days == day]
        begin = datetime.fromtimestamp(int(minutes.min()), UTC)
        end = datetime.fromtimestamp(int(minutes.max()) + 60, UTC)
        sessions[day] = Session(market, day, begin, end, end, ())
    return sessions


def _listing(symbol: str, recording: Recording, known: Listing | None) -> Listing:
    rows = recording.rows[symbol]
    spans = list(rows.values())
    prices = np.concatenate([column[span] for column in recording.prices for span in spans])
    volume = np.concatenate([recording.volume[span] for span in spans])
    decimals, tick = next((step for step in TICK_STEPS if _lies_on(prices, *step)), TICK_STEPS[-1])
    volume_decimals = 0 if (volume == np.rint(volume)).all() else 8
    base = known or Listing(symbol, symbol, 1.0, 1, 2, 1.0)
    return replace(
        base, symbol=symbol, price=float(prices[0]), decimals=decimals, tick=tick, volume_decimals=volume_decimals,
        daily_volume=max(1.0, float(volume.sum()) / len(rows)), group=None, halts_at=None,
    )  # fmt: skip


def _lies_on(prices: Floats, decimals: int, tick: int) -> bool:
    units = prices * 10**decimals
    return bool((np.abs(units - np.rint(units)) < 1e-6).all() and (np.rint(units) % tick == 0).all())
