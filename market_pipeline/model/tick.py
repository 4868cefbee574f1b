"""One trade as a source reports it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Tick:
    """One trade: price in the instrument's currency, size in shares or base units."""

    symbol: str
    event_time: datetime
    price: float
    size: float
    trade_id: str | None = None
