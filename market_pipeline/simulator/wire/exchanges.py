"""Which market a page belongs to, for sites that show many exchanges under names of their own in the address."""

from __future__ import annotations

from market_pipeline.markets.loader import load_market
from market_pipeline.simulator.viewpoint import Viewpoint
from market_pipeline.simulator.wire.format import Call

OPTION = "exchange"


def viewpoint_of(call: Call, source: str, exchange: str) -> Viewpoint | None:
    """Return what the source sees of the market whose file calls it by this name; None where nobody does."""
    for market in call.markets:
        if load_market(market).source(source).options.get(OPTION) == exchange:
            return call.view_of(market)
    return None
