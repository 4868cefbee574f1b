"""Kraken's names for pairs and assets, and what its lists of both say about them."""

from __future__ import annotations

from typing import Any

from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.listing import Listing


def pair_id(listing: Listing) -> str:
    """Return Kraken's long name of a pair."""
    return listing.fact("id") or "".join(_sides(listing))


def _altname(listing: Listing) -> str:
    return listing.fact("altname") or "".join(_sides(listing))


def _wsname(listing: Listing) -> str:
    return listing.fact("wsname") or "/".join(_sides(listing))


def _asset(listing: Listing, side: str) -> str:
    return listing.fact(side) or _sides(listing)[0 if side == "base" else 1]


def _sides(listing: Listing) -> tuple[str, str]:
    base, _, quote = listing.symbol.replace("/", "-").partition("-")
    return base, quote or "USD"


def find_pair(exchange: Exchange, name: str) -> Listing | None:
    """Return the pair that goes by this long, short or socket name."""
    for listing in exchange.listings.values():
        if name in (pair_id(listing), _altname(listing), _wsname(listing)):
            return listing
    return None


def pair_facts(listing: Listing) -> dict[str, Any]:
    """Return a pair's entry in AssetPairs."""
    return {
        "altname": _altname(listing), "wsname": _wsname(listing),
        "aclass_base": "currency", "base": _asset(listing, "base"),
        "aclass_quote": "currency", "quote": _asset(listing, "quote"),
        "lot": "unit", "cost_decimals": 5, "pair_decimals": listing.decimals, "lot_decimals": 8, "lot_multiplier": 1,
        "leverage_buy": [2, 3], "leverage_sell": [2, 3],
        "fees": [[0, 0.4], [10000, 0.35]], "fees_maker": [[0, 0.25], [10000, 0.2]],
        "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40,
        "ordermin": listing.fact("ordermin") or "0.001", "costmin": "0.5",
        "tick_size": f"{listing.tick_size:.{listing.decimals}f}", "status": listing.fact("status") or "online",
    }  # fmt: skip


def assets_of(exchange: Exchange) -> dict[str, Any]:
    """Return the document of Assets: every base and quote once."""
    sides = ((listing, side) for listing in exchange.listings.values() for side in ("base", "quote"))
    return {name: _asset_facts(name) for name in dict.fromkeys(_asset(*item) for item in sides)}


def _asset_facts(name: str) -> dict[str, Any]:
    is_money = name.startswith("Z") and len(name) == 4
    decimals, display = (4, 2) if is_money else (10, 5)
    facts: dict[str, Any] = {
        "aclass": "currency", "altname": name[1:] if len(name) == 4 and name[0] in "XZ" else name,
        "decimals": decimals, "display_decimals": display,
    }  # fmt: skip
    if name == "XXBT":
        facts["collateral_value"] = 1.0
    return facts | {"status": "enabled"}
