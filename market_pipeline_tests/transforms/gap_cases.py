"""A session of ten minutes and two symbols: which bars are there, who was asked when, and the gaps that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from market_pipeline.model.instrument import Instrument
from market_pipeline.model.session import Phase, Session, SessionState
from market_pipeline.transforms.bar_rows import UTC_TIME
from market_pipeline.transforms.gap_grid import SourceTiming, grid_of
from market_pipeline.transforms.gaps import GAP_SCHEMA, Asked, Evidence, Healing, find_gaps

OPEN = datetime(2026, 11, 19, 10, tzinfo=UTC)
CLOSE = OPEN + timedelta(minutes=10)
SESSION = Session(
    "india", date(2026, 11, 19), OPEN, CLOSE, CLOSE, (Phase("continuous", SessionState.OPEN, OPEN, CLOSE),)
)
INSTRUMENTS = (Instrument("india", "RELIANCE", "Reliance", tier=1), Instrument("india", "ZEEL", "Zee", tier=2))
DHAN = SourceTiming(delay=timedelta(), cadence_minutes=1, history=timedelta(days=90))
SERVED = Healing(datetime(2026, 1, 1, tzinfo=UTC), "dhan serves the last 90 days")


def at(minute: int) -> datetime:
    return OPEN + timedelta(minutes=minute)


def bars(**minutes: Iterable[int]) -> pa.Table:
    rows = [{"symbol": symbol, "interval_start": at(m)} for symbol, found in minutes.items() for m in found]
    return pa.Table.from_pylist(rows, schema=pa.schema([("symbol", pa.string()), ("interval_start", UTC_TIME)]))


def outcomes(*asked: tuple[str, str, str, int] | tuple[str, str, str, int, int]) -> pa.Table:
    """Return outcomes from (symbol, kind, status, minute[, attempts])."""
    rows = [
        {
            "symbol": symbol,
            "source": "dhan",
            "kind": kind,
            "status": status,
            "as_of": at(minute),
            "attempts": rest[0] if rest else 1,
        }
        for symbol, kind, status, minute, *rest in asked
    ]
    names = ("symbol", "source", "kind", "status")
    schema = pa.schema([*((n, pa.string()) for n in names), ("as_of", UTC_TIME), ("attempts", pa.int32())])
    return pa.Table.from_pylist(rows, schema=schema)


def polls(status: str, minutes: Iterable[int], *symbols: str) -> list[tuple[str, str, str, int]]:
    return [(symbol, "quote", status, minute) for minute in minutes for symbol in symbols or ("RELIANCE", "ZEEL")]


def gaps(
    bars_there: pa.Table,
    asked: pa.Table,
    *,
    known: pa.Table | None = None,
    healing: Healing = SERVED,
    again: Mapping[str, Asked] | None = None,
    now: datetime = CLOSE,
    timing: SourceTiming = DHAN,
    instruments: tuple[Instrument, ...] = INSTRUMENTS,
    session: Session = SESSION,
) -> pa.Table:
    evidence = Evidence(
        bars_there, asked, {"dhan": timing}, GAP_SCHEMA.empty_table() if known is None else known, healing, again or {}
    )
    return find_gaps(grid_of(session, instruments, until=now), evidence, now=now)


def shown(found: pa.Table, *names: str) -> list[tuple[object, ...]]:
    """Return (symbol, first, last, more columns …) with minutes counted from the open; not traded ones left out."""
    return [
        (
            row["symbol"],
            (row["first_minute"] - OPEN) // timedelta(minutes=1),
            (row["last_minute"] - OPEN) // timedelta(minutes=1),
            *(row[name] for name in names),
        )
        for row in found.to_pylist()
        if row["cause"] not in ("not_traded", "halted")
    ]
