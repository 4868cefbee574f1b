"""The seeded price model: a pure function of seed, symbol and minute.

Each session is a bridge between two levels that a day's date alone decides, so that any session can be computed
without the ones before it, and still every session closes where the next one starts from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_pipeline.model.session import Session
from market_pipeline.simulator.listing import Listing, Trading
from market_pipeline.simulator.randomness import normal, stream, uniform
from market_pipeline.simulator.recording import NOTHING, Stated
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
    return levels_of(listing, (day,), seed=seed)[0]


def levels_of(
    listing: Listing, days: Sequence[date], *, seed: int, octaves: Sequence[int] = OCTAVES_DAYS
) -> list[float]:
    """Return the levels of several days; those that lie close together share most of their waves' nodes.

    With some of the octaves only, it is what remains when the faster waves are smoothed away.
    """
    nodes = _Nodes((seed, listing.symbol))
    return [_level(listing, nodes, day, octaves=octaves) for day in days]


def _level(listing: Listing, nodes: _Nodes, day: date, *, octaves: Sequence[int] = OCTAVES_DAYS) -> float:
    ordinal = day.toordinal()
    waves = sum(math.sqrt(period) * _wave(nodes, ordinal, period) for period in octaves)
    return math.log(listing.price) + 0.4 * listing.daily_volatility * waves


class _Nodes(dict[tuple[int, int], float]):
    """The drawn heights of one instrument's waves: (period, number) → height."""

    def __init__(self, names: tuple[int, str]) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, node: tuple[int, int]) -> float:
        height = self[node] = normal(*self._names, *node)
        return height


def _wave(nodes: _Nodes, ordinal: int, period: int) -> float:
    """Return one wave's height on a day: its nodes are drawn, the days between them follow smoothly."""
    node, offset = divmod(ordinal, period)
    left = nodes[period, node]
    if offset == 0:
        return left
    share = offset / period
    smooth = share * share * (3 - 2 * share)
    return left + (nodes[period, node + 1] - left) * smooth


def trades_on(listing: Listing, day: date, *, seed: int) -> bool:
    """Tell whether an instrument sees any trade in the session of a day."""
    if listing.trading in (Trading.NEVER, Trading.SUSPENDED):
        return False
    return uniform(seed, listing.symbol, day, "session") < listing.session_probability


class ModelTapes:
    """The price model behind one market's exchange."""

    has_trades = has_minutes = True

    def __init__(self, listings: tuple[Listing, ...], timeline: Timeline, *, seed: int) -> None:
        self.listings = listings
        self.timeline = timeline
        self._seed = seed
        self._plans: dict[tuple[date, str | None], TradingPlan] = {}

    def stated(self, _listing: Listing, _day: date) -> Stated:
        """Return nothing: whatever is true of a day is in its tape."""
        return NOTHING

    def tape(self, listing: Listing, session: Session) -> SessionTape:
        """Return the whole session of one instrument."""
        rows, plan = Rows((listing,)), self.plan(session, listing.group)
        block = self.block(rows, [session])
        traded = np.flatnonzero(block.traded[0])
        first, high, low, last = (rows.prices(side)[0] for side in block.ticks)
        bars = Columns(plan.starts, first, high, low, last, rows.volumes(block.units)[0], block.trades[0])
        return tape_of(session.session_date, bars.rows(traded))

    def plan(self, session: Session, group: str | None) -> TradingPlan:
        """Return the minutes in which a group can trade."""
        key = session.session_date, group
        if key not in self._plans:
            self._plans[key] = trading_plan(session, group)
        return self._plans[key]

    def block(self, rows: Rows, sessions: Sequence[Session]) -> Block:
        """Return one session a row, whole; all of them have plans of the same form."""
        plan = self.plan(sessions[0], rows.listings[0].group)
        before = {session.session_date: self._day_before(session.session_date) for session in sessions}
        days = [(before[session.session_date], session.session_date) for session in sessions]
        return session_block(rows, plan, days=days, seed=self._seed)

    def _day_before(self, day: date) -> date:
        previous = self.timeline.before(day)
        return previous.session_date if previous else day - timedelta(days=1)


class Rows:
    """Instruments as the rows of matrices: what the model needs of each, as columns."""

    def __init__(self, listings: Sequence[Listing]) -> None:
        self.listings = tuple(listings)

    def _column(self, values: Sequence[float]) -> NDArray[Any]:
        return np.array(values)[:, None]

    @cached_property
    def ticks(self) -> Integers:
        """Return the price steps."""
        return self._column([listing.tick for listing in self.listings])

    @cached_property
    def scales(self) -> Integers:
        """Return 10**decimals."""
        return self._column([10**listing.decimals for listing in self.listings])

    @cached_property
    def unit(self) -> Integers:
        """Return 10**volume_decimals."""
        return self._column([10**listing.volume_decimals for listing in self.listings])

    @cached_property
    def volatility(self) -> Floats:
        """Return the daily volatilities."""
        return self._column([listing.daily_volatility for listing in self.listings])

    @cached_property
    def daily_volume(self) -> Floats:
        """Return the daily volumes."""
        return self._column([listing.daily_volume for listing in self.listings])

    @cached_property
    def probability(self) -> Floats:
        """Return the chances of a trade in a minute."""
        return self._column([listing.minute_probability for listing in self.listings])

    @cached_property
    def trades(self) -> Floats:
        """Return the trades a minute."""
        return self._column([listing.trades_a_minute for listing in self.listings])

    def prices(self, ticks: Integers) -> Floats:
        """Return ticks as prices."""
        return ticks * self.ticks / self.scales

    def volumes(self, units: Floats) -> Floats:
        """Return units as volumes."""
        return units / self.unit


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Whole sessions: a row an instrument or a day, a column a minute; what did not trade is not `traded`."""

    ticks: tuple[Integers, Integers, Integers, Integers]
    """Open, high, low and close in steps of each instrument's tick."""
    units: Floats
    trades: Integers
    traded: NDArray[np.bool_]


def session_block(rows: Rows, plan: TradingPlan, *, days: Sequence[tuple[date, date]], seed: int) -> Block:
    """Compute a session for each row. `days` are the preceding trading date and the session's own.

    Every row is what it would be alone: each instrument draws from a stream of its own for each session.
    """
    if not len(plan.starts):
        none = np.zeros((len(rows.listings), 0), dtype=np.int64)
        return Block((none, none, none, none), none.astype(float), none, none.astype(bool))
    draw = _drawn(rows, plan, days=days, seed=seed)
    weights = _u_shape(len(plan.starts))
    path = _bridge(draw, rows, weights)
    units, trades = _volumes(draw, rows, weights)
    ticks = np.maximum(1, np.rint(np.exp(path) * rows.scales / rows.ticks)).astype(np.int64)
    return Block(_ohlc(draw, rows, weights, ticks=ticks, trades=trades), units, trades, draw.traded)


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """All that one session is drawn from, a row an instrument."""

    plan: TradingPlan
    levels: Floats
    """Level at the end of the session before and of this one."""
    steps: Floats
    volume: Floats
    reaches: tuple[Floats, Floats]
    traded: NDArray[np.bool_]


def _drawn(rows: Rows, plan: TradingPlan, *, days: Sequence[tuple[date, date]], seed: int) -> _Draw:
    """Draw the sessions. The order of the draws is part of the model."""
    shape = len(rows.listings), len(plan.starts)
    steps, volume, up, down = (np.zeros(shape) for _ in range(4))
    traded = np.zeros(shape, dtype=bool)
    levels = np.zeros((shape[0], 2))
    nodes: dict[str, _Nodes] = {}
    for row, (listing, (before, day)) in enumerate(zip(rows.listings, days, strict=True)):
        if not trades_on(listing, day, seed=seed):
            continue
        known = nodes.setdefault(listing.symbol, _Nodes((seed, listing.symbol)))
        levels[row] = [_level(listing, known, at) for at in (before, day)]
        random = stream(seed, listing.symbol, day)
        random.standard_normal(out=steps[row])
        volume[row] = random.lognormal(-0.18, 0.6, shape[1])
        random.standard_exponential(out=up[row])
        random.standard_exponential(out=down[row])
        traded[row] = _traded(listing, plan, random)
    return _Draw(plan, levels, steps, volume, (up, down), traded)


def _u_shape(count: int) -> Floats:
    position = np.linspace(-1.0, 1.0, count) if count > 1 else np.zeros(1)
    shape = 1.0 + U_SHAPE * position**2
    normed: Floats = shape / shape.sum()
    return normed


def _bridge(draw: _Draw, rows: Rows, weights: Floats) -> Floats:
    """Return the log price before the first minute and after each one."""
    start, end = draw.levels[:, :1], draw.levels[:, 1:]
    noise = np.cumsum(draw.steps * np.sqrt(weights), axis=1) * rows.volatility * 0.7
    share = np.cumsum(weights)
    gap = 0.15 * (end - start)
    inside = start + gap + share * (end - start - gap) + noise - share * noise[:, -1:]
    return np.concatenate((start + gap, inside), axis=1)


def _ohlc(
    draw: _Draw, rows: Rows, weights: Floats, *, ticks: Integers, trades: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    first, last = ticks[:, :-1], ticks[:, 1:]
    reach = last * rows.volatility * np.sqrt(weights) * 0.35
    reaches = trades >= 4
    up, down = (np.where(reaches, draws * reach, 0).astype(np.int64) for draws in draw.reaches)
    high, low = np.maximum(first, last) + up, np.minimum(first, last) - down
    single = trades == 1
    first, high, low = (np.where(single, last, side) for side in (first, high, np.maximum(low, 1)))
    return first, high, low, last


def _volumes(draw: _Draw, rows: Rows, weights: Floats) -> tuple[Floats, Integers]:
    """Return each minute's volume in units and number of trades: busy at both ends and in auctions."""
    expected = rows.daily_volume * weights / rows.probability
    units = expected * draw.volume * rows.unit
    units = np.maximum(np.rint(np.where(draw.plan.prints, units * AUCTION_FACTOR, units)), 1)
    busy = units / (np.median(units, axis=1, keepdims=True) + 1) * rows.trades * rows.probability
    trades = np.clip(busy, 1, np.minimum(MOST_TRADES_A_MINUTE, units)).astype(np.int64)
    return units, trades


def _traded(listing: Listing, plan: TradingPlan, random: np.random.Generator) -> NDArray[np.bool_]:
    """Tell which minutes saw a trade; there is at least one."""
    count = len(plan.starts)
    if listing.trading is Trading.FIXING:
        last: NDArray[np.bool_] = np.arange(count) == count - 1
        return last
    traded: NDArray[np.bool_] = random.random(count) < listing.minute_probability
    traded |= plan.prints & (listing.minute_probability >= PRINTS_FROM)
    if listing.halts_at is not None:
        traded[int(count * listing.halts_at) :] = False
    if not traded.any():
        traded[int(random.integers(max(1, count // 4)))] = True
    return traded
