"""Simulated resting orders around the last price: a pure function of seed, symbol and second."""

from __future__ import annotations

from market_pipeline.model.session import SessionState
from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.randomness import digest
from market_pipeline.simulator.standing import Book, BookLevel, Standing, is_nan

SECONDS_A_BOOK = 2
"""The book changes every so many seconds."""
BOOK_STATES = frozenset({SessionState.OPEN, SessionState.AUCTION, SessionState.PRE_OPEN})


def book_of(standing: Standing, at: float, *, levels: int, seed: int) -> Book:
    """Return up to `levels` prices a side at epoch second `at`; empty when nobody can trade."""
    listing = standing.listing
    price = standing.price
    if standing.state not in BOOK_STATES or price is None or is_nan(price):
        return Book()
    moment = int(at) // SECONDS_A_BOOK * SECONDS_A_BOOK
    bits = digest(seed, listing.symbol, moment, "book")
    ticks = round(price * 10**listing.decimals) // listing.tick
    spread = 1 + bits % 3
    best_bid = ticks if bits & 8 else ticks - spread
    bids = _side(listing, best_bid, step=-1, levels=levels, draw=(bits, moment))
    asks = _side(listing, best_bid + spread, step=1, levels=levels, draw=(bits >> 4, moment))
    return Book(bids, asks)


def _side(listing: Listing, ticks: int, *, step: int, levels: int, draw: tuple[int, int]) -> tuple[BookLevel, ...]:
    bits, moment = draw
    tick, scale, decimals = listing.tick, 10**listing.decimals, listing.volume_decimals
    unit = max(listing.daily_volume / 4000, 1.0 if decimals == 0 else 10.0**-decimals) / 16
    rows = []
    for level in range(levels):
        share = bits >> 5 * (level % 12) & 0x3F
        size = round(unit * (3 + share), decimals) if decimals else int(unit * (3 + share)) + 1
        there = (ticks + step * level) * tick / scale
        if there > 0:
            rows.append(BookLevel(there, size, 1 + (share & 0xF), moment - share // 2))
    return tuple(rows)
