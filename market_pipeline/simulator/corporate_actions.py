"""Splits and dividends of the simulated past. Prices of the model have every split divided out already.

A listing's fact `splits` reads like "2014-06-09:7:1 2020-08-31:4:1"; dividends fall due every quarter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from market_pipeline.simulator.company import company_of
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.randomness import digest


@dataclass(frozen=True, slots=True)
class Split:
    """So many new shares for so many old ones, from the morning of a session on."""

    session_date: date
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Dividend:
    """An amount per share of today; who buys in the session gets it no more."""

    session_date: date
    amount: float


def splits_of(listing: Listing) -> tuple[Split, ...]:
    """Return all splits in the listing's facts, oldest first."""
    fields = [item.split(":") for item in listing.fact("splits").split()]
    return tuple(Split(date.fromisoformat(day), int(new), int(old)) for day, new, old in fields)


def dividends(exchange: Exchange, listing: Listing, *, first: date, last: date) -> list[Dividend]:
    """Return the dividends whose first session without them lies from `first` to `last`, both included."""
    rate = company_of(listing).dividend_rate if exchange.is_model else 0.0
    if rate <= 0:
        return []
    amount = round(rate / 4, 4)
    days = (_session_on_or_after(exchange, day) for day in _quarter_days(listing, first, last))
    return [Dividend(day, amount) for day in days if day is not None and first <= day <= last]


def _quarter_days(listing: Listing, first: date, last: date) -> Iterator[date]:
    offset = digest("ex-dividend", listing.symbol)
    month, day = 1 + offset % 3, 1 + (offset >> 8) % 28
    for year in range(first.year - 1, last.year + 1):
        for quarter in range(4):
            due = date(year, month + 3 * quarter, day)
            if first - timedelta(days=10) <= due <= last:
                yield due


def _session_on_or_after(exchange: Exchange, day: date) -> date | None:
    found = next(exchange.timeline.between(day, day + timedelta(days=10)), None)
    return found.session_date if found else None


def adjustments(exchange: Exchange, listing: Listing, *, first: date, last: date) -> list[tuple[date, float]]:
    """Return (first session without a dividend, what it leaves of the close before), oldest first."""
    found = []
    for item in dividends(exchange, listing, first=first, last=last):
        close = exchange.close_on(listing.symbol, item.session_date - timedelta(days=1))
        found.append((item.session_date, 1 - item.amount / close))
    return found
