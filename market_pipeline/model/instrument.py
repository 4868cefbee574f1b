"""What trades: an instrument, its names at the sources, and how a requested code was resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Alias:
    """The code under which one source knows an instrument, from `valid_from` to `valid_to` (both included)."""

    source: str
    code: str
    valid_from: date | None = None
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether this alias is valid on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One thing that trades on one market. `symbol` is ours and stable; sources know it by their aliases."""

    market: str
    symbol: str
    name: str
    isin: str | None = None
    currency: str | None = None
    tier: int = 2
    tick_size: float | None = None
    lot_size: float | None = None
    group: str | None = None
    """The trading group that selects its phases (a fixing group, derivative-listed shares …)."""
    shares_outstanding: float | None = None
    listed_from: date | None = None
    listed_to: date | None = None
    renamed_to: str | None = None
    """The symbol that its ISIN trades under since `listed_to`."""
    aliases: tuple[Alias, ...] = field(default=())

    def code_at(self, source: str, day: date) -> str:
        """Return the code under which `source` knows this instrument on `day`: its alias, else our symbol."""
        for alias in self.aliases:
            if alias.source == source and alias.holds_on(day):
                return alias.code
        return self.symbol
