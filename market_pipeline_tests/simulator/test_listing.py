"""What the simulated exchange lists."""

from __future__ import annotations

import re

import pytest

from market_pipeline.errors import UsageError
from market_pipeline.markets.loader import load_market
from market_pipeline.simulator.listing import Trading, listings_of


def test_india_lists_500_shares_and_fills_up_with_openly_simulated_ones() -> None:
    symbols = [listing.symbol for listing in listings_of("india")]
    assert len(symbols) == len(set(symbols)) == 500
    assert sum(bool(re.fullmatch(r"SIM\d{3}", symbol)) for symbol in symbols) == 500 - 242


def test_the_united_states_list_8800_instruments_whose_well_known_ones_keep_their_names() -> None:
    listed = {listing.symbol: listing for listing in listings_of("us")}
    assert len(listed) == len(listings_of("us")) == 8800
    assert listed["SPY"].name == "SPDR S&P 500 ETF Trust"
    assert all(listing.name.startswith("Simulated ") for symbol, listing in listed.items() if symbol.startswith("SIM"))
    assert sum(listing.minute_probability < 0.3 for listing in listed.values()) > 3000


def test_saudi_price_steps_grow_with_the_price() -> None:
    ticks = {listing.symbol: listing.tick_size for listing in listings_of("saudi")}
    assert (ticks["1150"], ticks["2222"], ticks["1120"], ticks["7203"]) == (0.02, 0.02, 0.1, 0.5)


@pytest.mark.parametrize("market", ["india", "casablanca", "crypto", "us", "saudi", "global"])
def test_every_symbol_that_a_market_file_names_is_listed(market: str) -> None:
    file = load_market(market)
    named = {rule.symbol for rule in file.symbols} | set(file.tier_1)
    assert named <= {listing.symbol for listing in listings_of(market)}


def test_casablanca_lists_a_suspended_and_an_untraded_share() -> None:
    trading = {listing.symbol: listing.trading for listing in listings_of("casablanca")}
    assert (trading["SAM"], trading["MLE"], trading["ATW"]) == (Trading.SUSPENDED, Trading.NEVER, Trading.CONTINUOUS)


def test_a_market_without_a_file_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="looked for market 'atlantis': there is no such market"):
        listings_of("atlantis")
