"""What the bar tests are written in: a session from 09:30 to 15:30 UTC, and rows that read like sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from market_pipeline.model.bar import BarOrigin, ChartBar
from market_pipeline.model.session import Phase, Session, SessionState
from market_pipeline.transforms.bars import BAR_SCHEMA, POLL_COLUMNS

OPENING = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CLOSING = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
AUCTION = OPENING - timedelta(minutes=30)
LATER = CLOSING + timedelta(minutes=30)
SESSION = Session(
    "casablanca",
    date(2026, 11, 20),
    OPENING,
    CLOSING,
    CLOSING,
    (
        Phase("opening_fixing", SessionState.AUCTION, AUCTION, OPENING),
        Phase("continuous", SessionState.OPEN, OPENING, CLOSING),
    ),
)
_TIME = pa.timestamp("us", tz="UTC")
_POLL_TYPES = {
    "symbol": pa.string(),
    "event_time": _TIME,
    "known_at": _TIME,
    "price_kind": pa.string(),
    "flags": pa.list_(pa.string()),
}
POLL_SCHEMA = pa.schema([(name, _POLL_TYPES.get(name, pa.float64())) for name in POLL_COLUMNS])


def at(minute: float, seconds: float = 0) -> datetime:
    """A moment so many minutes and seconds after the session's open."""
    return OPENING + timedelta(minutes=minute, seconds=seconds)


def chart_bar(minute: float, close: float = 100.0, *, symbol: str = "ATW", **fields: Any) -> ChartBar:
    given = {"open": close, "high": close, "low": close, "close": close, "volume": 10.0}
    return ChartBar(symbol, at(minute), **(given | fields))


def poll(event: datetime, price: float = 100.0, *, symbol: str = "ATW", **fields: Any) -> dict[str, Any]:
    """A row of live_tickers, known twenty seconds after the event."""
    given = {
        "symbol": symbol,
        "event_time": event,
        "known_at": event + timedelta(seconds=20),
        "price": price,
        "price_kind": "trade",
        "flags": ["single_source"],
        "high_24h": None,
        "low_24h": None,
        "volume": None,
        "turnover": None,
    }
    return given | fields


def poll_rows(polls: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(polls), schema=POLL_SCHEMA)


def bar(minute: float, close: float = 100.0, *, symbol: str = "ATW", **fields: Any) -> dict[str, Any]:
    """A final chart bar of 10 shares, known a minute after its start."""
    given = {
        "market": "casablanca",
        "symbol": symbol,
        "interval_start": at(minute),
        "session_date": SESSION.session_date,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 10.0,
        "turnover": None,
        "origin": BarOrigin.CHART.value,
        "n_ticks": None,
        "is_final": True,
        "is_synthetic": False,
        "revision": 0,
        "known_at": at(minute + 1),
    }
    return given | fields


def bar_rows(bars: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(bars), schema=BAR_SCHEMA)


def column(rows: pa.Table, *names: str) -> list[Any]:
    """One column as a list, several as a list of tuples."""
    lists = [rows[name].to_pylist() for name in names]
    return lists[0] if len(lists) == 1 else list(zip(*lists, strict=True))
