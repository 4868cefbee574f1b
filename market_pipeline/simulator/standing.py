"""How one instrument stands at one moment, as the exchange itself knows it; sources show this in their own words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from market_pipeline.model.session import SessionState
from market_pipeline.simulator.listing import Listing


def is_nan(value: float | None) -> bool:
    """Tell whether a fault made this value not a number."""
    return value is not None and math.isnan(value)


def stated_or_none(value: float) -> float | None:
    """Return a number of a tape, None for NaN: a recording that does not state it."""
    return None if math.isnan(value) else value


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of one instrument's session; None where nothing has traded in it (or a fault took the value away)."""

    listing: Listing
    session_date: date
    state: SessionState
    previous_close: float | None
    price: float | None
    """Last trade of this session, else the previous close."""
    traded_at: float | None
    """Epoch second of the last trade in this session or, when there is none yet, in the one before."""
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None
    turnover: float | None = None
    trades: int | None = None
    last_size: float | None = None
    is_final: bool = False
    """True when no more trades can come in this session."""

    @property
    def has_traded(self) -> bool:
        """Tell whether this session has seen a trade."""
        return self.trades is not None

    @property
    def change(self) -> float | None:
        """Return the price's difference to the previous close, in currency."""
        if self.price is None or self.previous_close is None:
            return None
        return round(self.price - self.previous_close, self.listing.decimals)

    @property
    def change_percent(self) -> float | None:
        """Return the price's difference to the previous close, in percent."""
        if self.change is None or not self.previous_close:
            return None
        return round(100 * self.change / self.previous_close, 2)


@dataclass(frozen=True, slots=True)
class Day:
    """One finished session of one instrument; prices are None when it saw no trade."""

    session_date: date
    previous_close: float
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None
    turnover: float | None
    trades: int | None
    adjusted_close: float | None = None
    """The recording's own; the model's follows from its dividends."""


class BookLevel(NamedTuple):
    """All simulated orders at one price; a tuple because a quote call of 500 shares makes 5,000 of them."""

    price: float
    size: float
    """An integer where the instrument trades in whole units."""
    orders: int
    placed_at: int
    """Epoch second."""


@dataclass(frozen=True, slots=True)
class Book:
    """Resting orders, best price first; empty while nobody can trade."""

    bids: tuple[BookLevel, ...] = ()
    asks: tuple[BookLevel, ...] = ()
