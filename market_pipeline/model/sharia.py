"""The verdict of a Sharia screen on one instrument, with everything that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What a screen says. UNKNOWN wherever an input is missing: nobody is called compliant for want of figures."""

    COMPLIANT = "compliant"
    NOT_COMPLIANT = "not_compliant"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ShariaVerdict:
    """One instrument screened. Ratios and limits are fractions; a ratio is None where an input of it does not count."""

    market: str
    symbol: str
    verdict: Verdict
    reason: str
    missing: tuple[str, ...]
    """Inputs that nobody gave, or that are too old or in another currency."""
    excluded_by: str | None
    debt_ratio: float | None
    debt_limit: float
    deposits_ratio: float | None
    deposits_limit: float
    income_ratio: float | None
    income_limit: float
    market_cap: float | None
    market_cap_source: str | None
    market_cap_as_of: datetime | None
    currency: str | None
    period_end: date | None
    total_debt: float | None
    cash_and_interest_bearing_deposits: float | None
    impermissible_income: float | None
    total_revenue: float | None
    sector: str | None
    sector_source: str | None
    fundamentals_source: str | None
    fundamentals_received_time: datetime | None
    standard: str
