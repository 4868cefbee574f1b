"""What a simulated company reports about itself: shares, earnings, book, debt. Pure; drawn where no fact is listed.

All figures are per symbol and made up; money is in the listing's currency, per share or in total as the name says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.randomness import uniform

SECTORS = (
    "Technology", "Healthcare", "Financial Services", "Industrials", "Consumer Cyclical", "Consumer Defensive",
    "Energy", "Basic Materials", "Real Estate", "Utilities", "Communication Services",
)  # fmt: skip
INDUSTRIES = {
    "Technology": "Software - Application", "Healthcare": "Biotechnology", "Financial Services": "Banks - Regional",
    "Industrials": "Specialty Industrial Machinery", "Consumer Cyclical": "Specialty Retail",
    "Consumer Defensive": "Packaged Foods", "Energy": "Oil & Gas E&P", "Basic Materials": "Specialty Chemicals",
    "Real Estate": "REIT - Retail", "Utilities": "Utilities - Regulated Electric",
    "Communication Services": "Telecom Services",
}  # fmt: skip
SHARE_WITHOUT_STATEMENTS = 0.08
"""So many companies' statements a vendor does not have."""


@dataclass(frozen=True, slots=True)
class Statements:
    """One balance sheet and income statement, in whole currency units."""

    total_assets: int
    total_debt: int
    total_cash: int
    total_revenue: int
    net_income: int
    interest_income: int


@dataclass(frozen=True, slots=True)
class Company:
    """What is known of one company; None where it reports none."""

    sector: str
    industry: str
    shares: int
    eps: float
    eps_forward: float
    book_value: float
    dividend_rate: float
    """Per share and year; 0 for a company that pays none."""
    statements: Statements | None


def company_of(listing: Listing) -> Company:
    """Return what a listed company reports; the same for every seed and day."""
    symbol, price = listing.symbol, listing.price
    shares = round(float(listing.fact("shares") or listing.daily_volume * (80 + 400 * uniform("turnover", symbol))))
    eps = float(listing.fact("eps") or _drawn_eps(symbol, price))
    sector = listing.fact("sector") or SECTORS[int(uniform("sector", symbol) * len(SECTORS))]
    return Company(
        sector=sector,
        industry=listing.fact("industry") or INDUSTRIES.get(sector, sector),
        shares=max(shares, 1),
        eps=eps,
        eps_forward=_rounded(eps + abs(eps) * (0.3 * uniform("growth", symbol) - 0.05)),
        book_value=_rounded(price * (0.1 + 0.8 * uniform("book", symbol))),
        dividend_rate=float(listing.fact("dividend") or _drawn_dividend(symbol, price)),
        statements=_statements(symbol, price * shares, eps * shares),
    )


def _drawn_eps(symbol: str, price: float) -> float:
    if uniform("loss", symbol) < 0.25:
        return -_rounded(price * 0.15 * uniform("eps", symbol)) or -0.01
    return _rounded(price / (8 + 40 * uniform("eps", symbol)))


def _drawn_dividend(symbol: str, price: float) -> float:
    if uniform("pays", symbol) < 0.6:
        return 0.0
    return _rounded(price * 0.05 * uniform("dividend", symbol))


def _statements(symbol: str, value: float, income: float) -> Statements | None:
    if uniform("statements", symbol) < SHARE_WITHOUT_STATEMENTS:
        return None
    revenue = value * (0.15 + uniform("revenue", symbol))
    assets = value * (0.4 + uniform("assets", symbol))
    debt = assets * 0.6 * uniform("debt", symbol) ** 1.5
    cash = assets * 0.3 * uniform("cash", symbol)
    rest = 0.03 * uniform("interest", symbol) * cash
    return Statements(*map(round, (assets, debt, cash, revenue, income, rest)))


def _rounded(value: float) -> float:
    """Return a number with four significant digits."""
    return round(value, 3 - math.floor(math.log10(abs(value)))) if value else 0.0
