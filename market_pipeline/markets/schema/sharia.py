"""The thresholds of a published Sharia screen, and the lines of business that it excludes."""

from __future__ import annotations

from pydantic import Field

from market_pipeline.markets.schema.fields import Code, Name, Pattern, Section


class ExcludedSector(Section):
    """A line of business that makes a share not compliant by itself."""

    name: Name
    pattern: Pattern = Field(description="regular expression on the source's sector, whatever the case")
    reason: str


class ReviewedSector(Section):
    """One share whose sector, as sources word it, says too little: a person looked and says why."""

    symbol: Code
    sector: str
    reason: str


class ShariaRule(Section):
    """Limits are fractions; a ratio may not be above its limit. A market without this section has no screen."""

    standard: str = Field(description="what the limits are of: title, edition, clauses; shown beside each verdict")
    max_debt_ratio: float = Field(gt=0, le=1, description="interest-bearing debt / current market capitalisation")
    max_deposits_ratio: float = Field(gt=0, le=1, description="interest-bearing deposits / current market cap")
    max_income_ratio: float = Field(gt=0, le=1, description="impermissible income / total income")
    excluded_sectors: tuple[ExcludedSector, ...] = Field(min_length=1)
    reviewed_sectors: tuple[ReviewedSector, ...] = ()
    market_cap_max_age_hours: float = Field(336, gt=0)
    statements_max_age_days: int = Field(550, gt=0, description="counted from the end of their period")
    refresh_days: int = Field(7, ge=1, description="a source is asked anew for statements older than that")
    statements_a_run: int = Field(40, ge=1, description="symbols asked in one run, the longest ago first")
    deadline_seconds: int = Field(120, ge=5, le=540, description="for asking; what is left waits for the next run")
