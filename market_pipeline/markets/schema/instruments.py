"""What trades: named symbols, the codes a user asked for, and rules over a source's list."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from market_pipeline.markets.schema.fields import Code, Currency, Isin, Name, Pattern, Section


class AliasRule(Section):
    """The code under which one source knows a symbol."""

    source: Name
    code: Code
    valid_from: date | None = None
    valid_to: date | None = None


class SymbolRule(Section):
    """One instrument that the market file names itself."""

    symbol: Code
    name: str
    isin: Isin | None = None
    tier: Literal[1, 2] = 2
    currency: Currency | None = Field(None, description="where it differs from the market's")
    tick_size: float | None = Field(None, gt=0)
    group: str | None = None
    shares_outstanding: float | None = Field(None, gt=0)
    listed_from: date | None = None
    listed_to: date | None = None
    aliases: tuple[AliasRule, ...] = ()


class SeedRule(Section):
    """A code that a user asked for and what it turned out to be; shown, never guessed."""

    code: Code
    seed_name: str
    resolution: Literal["same", "renamed", "merged", "corrected", "kept", "unresolved"]
    symbol: Code | None = None
    added_symbol: Code | None = Field(None, description="a second instrument that the seed's name spoke of")
    reason: str
    valid_from: date | None = None

    @model_validator(mode="after")
    def _resolved_seeds_name_a_symbol(self) -> SeedRule:
        if (self.resolution == "unresolved") != (self.symbol is None):
            raise ValueError("an unresolved seed has no symbol, and every other seed names one")
        return self


class UniverseRule(Section):
    """Instruments chosen by a rule over a source's list. The source names the fields that `where` may speak of."""

    source: Name
    where: dict[Name, tuple[str, ...]] = Field(
        default_factory=dict,
        description="field of the list → values that are let in; of twins, the one whose value stands first wins",
    )
    exclude_pattern: Pattern | None = Field(None, description="regular expression on the symbol")
    exclude_name_pattern: Pattern | None = Field(None, description="regular expression on the instrument's name")
    limit: int | None = Field(None, gt=0, description="keep at most this many, tier 1 first, then by symbol")
