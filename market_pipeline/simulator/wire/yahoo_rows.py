"""What Yahoo's minute and daily charts share: the window that is asked for, joined bars, columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from market_pipeline.simulator.viewpoint import Bar, Viewpoint
from market_pipeline.simulator.wire.format import whole
from market_pipeline.simulator.wire.yahoo_quote import Seen
from market_pipeline.simulator.wire.yahoo_venues import Paper

DAILY_INTERVALS = ("1d", "5d", "1wk", "1mo", "3mo")


@dataclass(frozen=True)
class Window:
    """What a chart is asked for: start <= time < end, epoch seconds."""

    interval: str
    start: float
    end: float
    range: str
    """As it was written, empty where two times were given."""

    @property
    def is_daily(self) -> bool:
        """Tell whether a row is a session or more."""
        return self.interval in DAILY_INTERVALS

    def holds(self, moment: float) -> bool:
        """Tell whether a moment lies inside."""
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Chart:
    """One chart that is asked for: what is seen from where, and what belongs to it."""

    view: Viewpoint
    item: Seen
    window: Window
    events: frozenset[str] = frozenset()
    with_extended_hours: bool = False

    @property
    def paper(self) -> Paper:
        """Return the instrument."""
        return self.item.paper

    @property
    def group(self) -> str | None:
        """Return the group whose hours it keeps."""
        return self.item.paper.listing.group


def flat(start: int, price: float) -> Bar:
    """Return a row of one price without volume."""
    return Bar(start, price, price, price, price, 0.0, 1)


def joined(start: int, rows: list[Bar]) -> Bar:
    """Return several bars as one; without prices where none of them has any."""
    known = [row for row in rows if row.close is not None]
    if not known:
        return Bar(start, None, None, None, None, None, 0)
    highs = [row.high for row in known if row.high is not None]
    lows = [row.low for row in known if row.low is not None]
    volume = sum(row.volume or 0 for row in known)
    trades = sum(row.trades for row in known)
    return Bar(start, known[0].open, max(highs, default=None), min(lows, default=None), known[-1].close, volume, trades)


def quote_columns(rows: list[Bar], paper: Paper) -> dict[str, list[Any]]:
    """Return the five columns of a chart; what has no volume shows 0."""
    quote: dict[str, list[Any]] = {
        name: [paper.shown(getattr(row, name)) for row in rows] for name in ("close", "high", "low", "open")
    }
    has_volume = paper.venue.has_volume
    quote["volume"] = [None if row.close is None else whole(row.volume) if has_volume else 0 for row in rows]
    return quote
