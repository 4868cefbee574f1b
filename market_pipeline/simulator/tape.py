"""The record of one instrument's session: its minute bars with running totals, and the trades inside a minute."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from market_pipeline.simulator.listing import Listing

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_TRADES_A_MINUTE = 60
SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Bars of the minutes that traded, as columns in time order; prices in currency."""

    starts: Integers
    """Epoch second of each minute's start."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    trades: Integers

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.starts)

    def rows(self, rows: slice | Integers) -> Columns:
        """Return some of the rows."""
        return Columns(
            self.starts[rows],
            self.open[rows],
            self.high[rows],
            self.low[rows],
            self.close[rows],
            self.volume[rows],
            self.trades[rows],
        )


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class SessionTape(Columns):
    """One session; `…_to` includes the bar of the same row and all before it."""

    session_date: date
    turnover: Floats
    high_to: Floats
    low_to: Floats
    volume_to: Floats
    turnover_to: Floats
    trades_to: Integers


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade inside a minute."""

    time_ns: int
    price: float
    size: float
    is_buy: bool
    trade_id: int

    @property
    def time(self) -> float:
        """Return the epoch second, with fraction."""
        return self.time_ns / SECOND


def tape_of(day: date, bars: Columns) -> SessionTape:
    """Add the running totals. Turnover takes a minute's volume at the mean of its four prices."""
    turnover = np.round(bars.volume * (bars.open + bars.high + bars.low + bars.close) / 4, 2)
    return SessionTape(
        **{field.name: getattr(bars, field.name) for field in fields(Columns)},
        session_date=day,
        turnover=turnover,
        high_to=np.maximum.accumulate(bars.high),
        low_to=np.minimum.accumulate(bars.low),
        volume_to=np.cumsum(bars.volume),
        turnover_to=np.cumsum(turnover),
        trades_to=np.cumsum(bars.trades),
    )


@dataclass(frozen=True, slots=True)
class MinuteSoFar:
    """What has happened in the running minute."""

    prices: list[float]
    volume: float
    last_time: float
    """Epoch second of the latest trade."""
    last_size: float


def minute_so_far(listing: Listing, tape: SessionTape, row: int, *, at: float) -> MinuteSoFar | None:
    """Return the trades of one bar up to a moment, in sums; None when the first has not come yet."""
    count = int(tape.trades[row])
    passed = int(at * SECOND) - int(tape.starts[row]) * SECOND
    done = min(count, (((passed + 1) * count - 1) // (30 * SECOND) + 1) // 2)
    if done < 1:
        return None
    units, scale = _units(listing, tape, row), 10**listing.volume_decimals
    upto, before = units * done // count, units * (done - 1) // count
    last = _trade_time(tape, row, done - 1) / SECOND
    return MinuteSoFar(_path(listing, tape, row)[:done], upto / scale, last, (upto - before) / scale)


def last_trade_of(listing: Listing, tape: SessionTape, row: int) -> tuple[float, float]:
    """Return the time (epoch second) and size of a finished bar's last trade; its price is the bar's close."""
    count, units = int(tape.trades[row]), _units(listing, tape, row)
    size = (units - units * (count - 1) // count) / 10**listing.volume_decimals
    return _trade_time(tape, row, count - 1) / SECOND, size


def trades_of_minute(listing: Listing, tape: SessionTape, row: int) -> list[Trade]:
    """Return the trades that make up one bar: they start at its open, touch high and low, end at its close.

    The sizes add up to the bar's volume exactly.
    """
    prices = _path(listing, tape, row)
    count, units, scale = len(prices), _units(listing, tape, row), 10**listing.volume_decimals
    first_id = int(tape.starts[row]) // 60 * 100
    trades = []
    for index, price in enumerate(prices):
        size = units * (index + 1) // count - units * index // count
        is_buy = index == 0 or price >= prices[index - 1]
        trades.append(Trade(_trade_time(tape, row, index), price, size / scale, is_buy, first_id + index))
    return trades


def told_trades(_listing: Listing, tape: SessionTape, row: int) -> list[Trade]:
    """Return four trades that make up a bar of which nothing else is known, none where nothing was traded.

    Three of the sizes are a power of two, so that in whatever order they are summed, it is the volume to the last bit.
    """
    volume, start = float(tape.volume[row]), int(tape.starts[row])
    if not volume > 0:
        return []
    prices = (tape.open[row], tape.high[row], tape.low[row], tape.close[row])
    part = math.ldexp(1.0, math.frexp(volume)[1] - 4)
    sizes = (part, part, part, volume - 3 * part)
    return [
        Trade(start * SECOND + (2 * n + 1) * 30 * SECOND // 4, float(price), size, n % 2 == 0, start // 60 * 100 + n)
        for n, (price, size) in enumerate(zip(prices, sizes, strict=True))
    ]


def _units(listing: Listing, tape: SessionTape, row: int) -> int:
    units: int = round(float(tape.volume[row]) * 10**listing.volume_decimals)
    return units


def _trade_time(tape: SessionTape, row: int, index: int) -> int:
    """Spread the trades of a minute evenly over it; nanoseconds."""
    return int(tape.starts[row]) * SECOND + (2 * index + 1) * 30 * SECOND // int(tape.trades[row])


def _path(listing: Listing, tape: SessionTape, row: int) -> list[float]:
    count, scale = int(tape.trades[row]), 10**listing.decimals
    first, high, low, last = (
        round(float(column[row]) * scale) for column in (tape.open, tape.high, tape.low, tape.close)
    )
    if count < 4:
        return [price / scale for price in (first, last, last)[:count]]
    salt = (first * 31 + last * 17 + int(tape.starts[row]) // 60) & 0xFFFF
    one = 1 + salt % (count - 3)
    two = one + 1 + (salt >> 4) % (count - 2 - one)
    turns = (high, low) if salt & 1 else (low, high)
    knots = ((0, first), (one, turns[0]), (two, turns[1]), (count - 1, last))
    return [price / scale for price in _through(knots, listing.tick)]


def _through(knots: tuple[tuple[int, int], ...], tick: int) -> list[int]:
    prices = [knots[0][1]]
    for (left, start), (right, end) in pairwise(knots):
        between = range(1, right - left)
        prices += [(start + (end - start) * step // (right - left)) // tick * tick for step in between]
        prices.append(end)
    return prices


def running_bar(start: int, so_far: MinuteSoFar) -> Columns:
    """Return the running minute, as far as it has come, as one row."""

    def one(value: float) -> Floats:
        return np.array([value], dtype=np.float64)

    prices = so_far.prices
    return Columns(
        np.array([start]),
        one(prices[0]),
        one(max(prices)),
        one(min(prices)),
        one(prices[-1]),
        one(so_far.volume),
        np.array([len(prices)]),
    )


def joined(parts: list[Columns]) -> Columns:
    """Return the rows of several parts in one."""
    if not parts:
        empty, none = np.zeros(0), np.zeros(0, dtype=np.int64)
        return Columns(none, empty, empty, empty, empty, empty, none)
    return Columns(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Columns)))
