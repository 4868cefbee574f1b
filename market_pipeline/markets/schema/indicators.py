"""Which indicators a market computes, and for whom and how often those that only pandas-ta has."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from market_pipeline.markets.schema.fields import Code, Name, Section
from market_pipeline.markets.schema.levels import LevelsRule

SYMBOLS = ("tier_1", "none")


def _symbols(value: Any) -> Any:
    if isinstance(value, str) and value not in SYMBOLS:
        raise ValueError("tier_1, none, or a list of symbols")
    return value


class PandasTaChoice(Section):
    """Who gets the columns that pandas-ta defines: a symbol costs about as much as a fifth of all of TA-Lib's."""

    symbols: Annotated[Literal["tier_1", "none"] | tuple[Code, ...], BeforeValidator(_symbols)] = "tier_1"
    cadence: Literal["minute", "daily"] = Field(
        "minute", description="daily: once the session is over, for all of its minutes"
    )


class IndicatorChoice(Section):
    """What this market computes; columns that are not chosen are null. Without groups and columns: everything.

    Names are checked where the catalogue is known: indicators.choice.
    """

    groups: tuple[Name, ...] = Field((), description="families of the catalogue: averages, trend, momentum …")
    columns: tuple[str, ...] = Field((), description="single columns, besides those of the groups")
    pandas_ta: PandasTaChoice = PandasTaChoice()
    levels: LevelsRule = LevelsRule()
