"""The resting orders of one instrument at one moment, best price first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Level:
    """All orders at one price."""

    price: float
    size: float


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Bids fall and asks rise from the first level on."""

    symbol: str
    received_time: datetime
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    event_time: datetime | None = None
