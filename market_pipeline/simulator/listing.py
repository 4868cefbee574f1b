"""What the simulated exchange lists. The facts stand in listings/<market>.csv; figures in them are made up."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from importlib import resources

from market_pipeline.markets.loader import load_market
from market_pipeline.markets.schema import MarketFile, SymbolRule
from market_pipeline.simulator.randomness import uniform
from market_pipeline.simulator.us_listing import fill_up


class Trading(StrEnum):
    """How an instrument trades."""

    CONTINUOUS = "continuous"
    FIXING = "fixing"
    """At most one price a day, at the end of the last auction."""
    NEVER = "never"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Listing:
    """One instrument of the simulated exchange."""

    symbol: str
    name: str
    price: float
    """Its price in the long run, in the market's currency."""
    tick: int
    """Smallest price step, in units of 10**-decimals."""
    decimals: int
    daily_volume: float
    volume_decimals: int = 0
    daily_volatility: float = 0.012
    trading: Trading = Trading.CONTINUOUS
    minute_probability: float = 1.0
    """Chance that a minute sees a trade."""
    trades_a_minute: float = 12.0
    session_probability: float = 1.0
    """Chance that a session sees a trade."""
    halts_at: float | None = None
    """Share of the session after which trading stops until the next session."""
    group: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    """What single sources say about it: their codes, sector names, shares outstanding."""

    @property
    def tick_size(self) -> float:
        """Return the price step in currency."""
        return float(self.tick / 10**self.decimals)

    def fact(self, name: str) -> str:
        """Return a fact of the CSV row, empty where there is none."""
        return self.facts.get(name, "")


INDIA_SIZE = 500
"""Well-known tickers are followed by openly simulated ones (SIM001 …) up to this many."""


@cache
def listings_of(market: str) -> tuple[Listing, ...]:
    """Return what a market's simulated exchange lists. Raise UsageError for a market that has no file."""
    makers = {"casablanca": _casablanca, "india": _india, "crypto": _crypto, "us": _us}
    maker = makers.get(market, _plain)
    return tuple(maker(row) for row in _rows(market))


def with_groups(listings: tuple[Listing, ...], file: MarketFile) -> tuple[Listing, ...]:
    """Give each listing the group that the market file puts it into, since groups select the phases."""
    groups = file.group_of
    return tuple(replace(item, group=groups.get(item.symbol, item.group)) for item in listings)


def _rows(market: str) -> list[dict[str, str]]:
    listed = resources.files(__package__).joinpath("listings", f"{market}.csv")
    if not listed.is_file():
        return [_named_row(rule) for rule in load_market(market).symbols]
    rows = list(csv.DictReader(listed.read_text(encoding="utf-8").splitlines()))
    if market == "india":
        rows += [_simulated_row(number) for number in range(1, INDIA_SIZE - len(rows) + 1)]
    return fill_up(rows) if market == "us" else rows


def _named_row(rule: SymbolRule) -> dict[str, str]:
    tick = "" if rule.tick_size is None else str(rule.tick_size)
    shares = "" if rule.shares_outstanding is None else str(rule.shares_outstanding)
    return {"symbol": rule.symbol, "name": rule.name, "tick": tick, "shares": shares}


def _simulated_row(number: int) -> dict[str, str]:
    symbol = f"SIM{number:03d}"
    halts = "0.3" if number == 13 else ""
    return {"symbol": symbol, "name": f"Simulated Company {number}", "security_id": "", "price": "", "halts_at": halts}


def _plain(row: dict[str, str]) -> Listing:
    """Return a listing from the columns that are there: price, tick, decimals, daily_volume, minute_probability."""
    symbol = row["symbol"]
    price = float(row.get("price") or round(5 * 100 ** uniform("price", symbol), 2))
    decimals = int(row.get("decimals") or 2)
    tick = max(1, round(float(row.get("tick") or 10**-decimals) * 10**decimals))
    volume = float(row.get("daily_volume") or round(2e8 * uniform("volume", symbol) ** 2 / price + 2e3))
    return Listing(
        symbol, row["name"], price, tick, decimals, volume,
        daily_volatility=float(row.get("daily_volatility") or 0.008 + 0.010 * uniform("volatility", symbol)),
        minute_probability=float(row.get("minute_probability") or 1.0),
        facts=row,
    )  # fmt: skip


def _casablanca(row: dict[str, str]) -> Listing:
    price = float(row["price"])
    trading = Trading(row["trading"])
    volume = float(row["daily_volume"])
    return Listing(
        row["symbol"], row["label"], price, casablanca_tick(price), 2, volume,
        daily_volatility=0.009, trading=trading,
        minute_probability=min(0.95, max(0.02, math.sqrt(volume / 60_000))),
        trades_a_minute=1 + volume / 30_000,
        session_probability=0.6 if trading is Trading.FIXING else 1.0,
        group="fixing" if trading is Trading.FIXING else None,
        facts=row,
    )  # fmt: skip


def casablanca_tick(price: float) -> int:
    """Return a price step in centimes that grows with the price."""
    steps = ((100, 1), (500, 5), (1000, 10))
    return next((tick for limit, tick in steps if price < limit), 100)


def _india(row: dict[str, str]) -> Listing:
    symbol = row["symbol"]
    price = float(row["price"] or round(20 * 200 ** uniform("price", symbol), 2))
    is_thin = symbol.startswith("SIM") and uniform("thin", symbol) < 0.3
    return Listing(
        symbol, row["name"], price, 1 if price < 250 else 5 if price < 1000 else 10, 2,
        daily_volume=float(round(4e9 * uniform("volume", symbol) ** 2 / price + 2e4)) * (0.02 if is_thin else 1),
        daily_volatility=0.010 + 0.008 * uniform("volatility", symbol),
        minute_probability=0.25 if is_thin else 1.0,
        halts_at=float(row["halts_at"]) if row.get("halts_at") else None,
        facts=row,
    )  # fmt: skip


def _crypto(row: dict[str, str]) -> Listing:
    price = float(row["price"])
    return Listing(
        row["symbol"], row["name"], price, 1, int(row["decimals"]),
        daily_volume=float(row["daily_usd"]) / price,
        volume_decimals=8, daily_volatility=0.028,
        minute_probability=float(row["minute_probability"]),
        facts=row,
    )  # fmt: skip


def _us(row: dict[str, str]) -> Listing:
    symbol, volume = row["symbol"], float(row["daily_volume"])
    price = float(row.get("price") or round(10 * 40 ** uniform("price", symbol), 2))
    return Listing(
        symbol, row["name"], price, 1, 2 if price >= 1 else 4, volume,
        daily_volatility=float(row.get("daily_volatility") or 0.007 + 0.015 * uniform("volatility", symbol)),
        minute_probability=float(row.get("minute_probability") or min(1.0, max(0.01, (volume / 400_000) ** 0.6))),
        trades_a_minute=min(40.0, 2 + volume / 100_000),
        facts=row,
    )  # fmt: skip
