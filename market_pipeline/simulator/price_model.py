"""The seeded price model: a pure function of seed, symbol and minute.

Each session is a bridge between two levels that a day's date alone decides, so that any session can be computed
without the ones before it, and still every session closes where the next one starts from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from market_pipeline.model.session import Session
from market_pipeline.simulator.listing import Listing, Trading
from market_pipeline.simulator.randomness import normal, stream, uniform
from market_pipeline.simulator.tape import MOST_TRADES_A_MINUTE, Columns, Floats, Integers, SessionTape, tape_of
from market_pipeline.simulator.timeline import Timeline, TradingPlan, trading_plan

OCTAVES_DAYS = (512, 128, 32, 8, 2, 1)
"""Waves that a price's level is made of; the sum wanders as a random walk would, but has random access."""
U_SHAPE = 2.5
"""How much busier the first and last minutes of a session are than its middle, less one."""
PRINTS_FROM = 0.1
"""Instruments with at least this chance of a trade in a minute get a print in every auction."""
AUCTION_FACTOR = 12.0
"""An auction's print moves so many usual minutes' volume."""


def level_of(listing: Listing, day: date, *, seed: int) -> float:
    """Return the natural logarithm of the price at the end of a trading date."""
    ordinal = day.toordinal()
    waves = sum(math.sqrt(period) * _wave(ordinal, period, names=(seed, listing.symbol)) for period in OCTAVES_DAYS)
    return math.log(listing.price) + 0.4 * listing.daily_volatility * waves


def _wave(ordinal: int, period: int, *, names: tuple[int, str]) -> float:
    """Return one wave's height on a day: its nodes are drawn, the days between them follow smoothly."""
    node, offset = divmod(ordinal, period)
    left = normal(*names, period, node)
    if offset == 0:
        return left
    share = offset / period
    smooth = share * share * (3 - 2 * share)
    return left + (normal(*names, period, node + 1) - left) * smooth


def trades_on(listing: Listing, day: date, *, seed: int) -> bool:
    """Tell whether an instrument sees any trade in the session of a day."""
    if listing.trading in (Trading.NEVER, Trading.SUSPENDED):
        return False
    return uniform(seed, listing.symbol, day, "session") < listing.session_probability


class ModelTapes:
    """The price model behind one market's exchange."""

    has_trades = True

    def __init__(self, listings: tuple[Listing, ...], timeline: Timeline, *, seed: int) -> None:
        self.listings = listings
        self.timeline = timeline
        self._seed = seed
        self._plans: dict[tuple[date, str | None], TradingPlan] = {}

    def tape(self, listing: Listing, session: Session) -> SessionTape:
        """Return the whole session of one instrument."""
        day = session.session_date
        key = day, listing.group
        if key not in self._plans:
            self._plans[key] = trading_plan(session, listing.group)
        previous = self.timeline.before(day)
        before = previous.session_date if previous else day - timedelta(days=1)
        return session_tape(listing, self._plans[key], days=(before, day), seed=self._seed)


def session_tape(listing: Listing, plan: TradingPlan, *, days: tuple[date, date], seed: int) -> SessionTape:
    """Compute one session of one instrument. `days` are the preceding trading date and the session's own."""
    before, day = days
    if not trades_on(listing, day, seed=seed):
        return tape_of(day, _blank(plan).rows(slice(0, 0)))
    draw = _Draw(listing, plan, _u_shape(len(plan.starts)), stream(seed, listing.symbol, day))
    path = _bridge(draw, start=level_of(listing, before, seed=seed), end=level_of(listing, day, seed=seed))
    bars = _bars(draw, path)
    return tape_of(day, bars.rows(_traded_rows(draw)))


@dataclass(frozen=True, slots=True)
class _Draw:
    """What one session is drawn from. The order of the draws is part of the model."""

    listing: Listing
    plan: TradingPlan
    weights: Floats
    random: np.random.Generator

    @property
    def scale(self) -> int:
        return int(10**self.listing.decimals)


def _u_shape(count: int) -> Floats:
    position = np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1)
    shape = 1.0 + U_SHAPE * position**2
    normed: Floats = shape / shape.sum()
    return normed


def _bridge(draw: _Draw, *, start: float, end: float) -> Floats:
    """Return the log price before the first minute and after each one."""
    steps = draw.random.standard_normal(len(draw.weights)) * np.sqrt(draw.weights)
    noise = np.cumsum(steps) * draw.listing.daily_volatility * 0.7
    share = np.cumsum(draw.weights)
    gap = 0.15 * (end - start)
    inside = start + gap + share * (end - start - gap) + noise - share * noise[-1]
    return np.concatenate(([start + gap], inside))


def _bars(draw: _Draw, path: Floats) -> Columns:
    tick, weights = draw.listing.tick, draw.weights
    ticks = np.maximum(1, np.rint(np.exp(path) * draw.scale / tick)).astype(np.int64)
    first, last = ticks[:-1], ticks[1:]
    reach = ticks[1:] * draw.listing.daily_volatility * np.sqrt(weights) * 0.35
    volume, trades = _volumes(draw)
    reaches = trades >= 4
    high = np.maximum(first, last) + np.where(reaches, draw.random.exponential(reach), 0).astype(np.int64)
    low = np.minimum(first, last) - np.where(reaches, draw.random.exponential(reach), 0).astype(np.int64)
    single = trades == 1
    first, high, low = (np.where(single, last, side) for side in (first, high, np.maximum(low, 1)))
    first, high, low, last = (side * tick / draw.scale for side in (first, high, low, last))
    return Columns(draw.plan.starts, first, high, low, last, volume, trades)


def _volumes(draw: _Draw) -> tuple[Floats, Integers]:
    """Return each minute's volume and number of trades: busy at both ends and in auctions."""
    listing, unit = draw.listing, 10**draw.listing.volume_decimals
    expected = listing.daily_volume * draw.weights / listing.minute_probability
    units = expected * draw.random.lognormal(-0.18, 0.6, len(draw.weights)) * unit
    units = np.maximum(np.rint(np.where(draw.plan.prints, units * AUCTION_FACTOR, units)), 1)
    busy = units / (np.median(units) + 1) * listing.trades_a_minute * listing.minute_probability
    trades = np.clip(busy, 1, np.minimum(MOST_TRADES_A_MINUTE, units)).astype(np.int64)
    return units / unit, trades


def _traded_rows(draw: _Draw) -> Integers:
    """Return the rows of the minutes that saw a trade; there is at least one."""
    listing, count = draw.listing, len(draw.plan.starts)
    if listing.trading is Trading.FIXING:
        return np.array([count - 1], dtype=np.int64)
    traded = draw.random.random(count) < listing.minute_probability
    traded |= draw.plan.prints & (listing.minute_probability >= PRINTS_FROM)
    if listing.halts_at is not None:
        traded[int(count * listing.halts_at) :] = False
    if not traded.any():
        traded[int(draw.random.integers(max(1, count // 4)))] = True
    return np.flatnonzero(traded).astype(np.int64)


def _blank(plan: TradingPlan) -> Columns:
    empty: NDArray[np.float64] = np.zeros(len(plan.starts))
    return Columns(plan.starts, empty, empty, empty, empty, empty, empty.astype(np.int64))
