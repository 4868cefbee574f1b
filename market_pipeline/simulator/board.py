"""A session's minutes of many instruments as matrices, so that hundreds of standings cost what a few do one by one.

Rows are filled when they are first asked for. Every number is the one that the instrument's own tape gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_pipeline.simulator.listing import Listing
from market_pipeline.simulator.price_model import Block, Rows
from market_pipeline.simulator.tape import SECOND, Floats, Integers
from market_pipeline.simulator.timeline import TradingPlan

FILL_AT_ONCE = 256
"""Rows that are computed together; more would need memory, not save time."""
NEVER = np.iinfo(np.int32).max


class Progress(NamedTuple):
    """How far one instrument's session has come; the fields are those of a standing."""

    open: float
    high: float
    low: float
    price: float
    traded_at: float
    volume: float
    turnover: float
    trades: int
    last_size: float


class Board:
    """One session of instruments that trade in whole units and keep the same hours."""

    def __init__(self, listings: Sequence[Listing], plan: TradingPlan, compute: Callable[[Rows], Block]) -> None:
        self._listings = listings
        self._places = {listing.symbol: place for place, listing in enumerate(listings)}
        self._compute = compute
        self._filled = np.zeros(len(listings), dtype=bool)
        self._plan = plan
        shape = len(listings), len(plan.starts)
        # zeros are memory that the system gives only when a row is written
        self._ticks = tuple(np.zeros(shape, dtype=np.int32) for _ in range(4))
        self._units = np.zeros(shape, dtype=np.int64)
        self._trades = np.zeros(shape, dtype=np.uint8)

    def progress(self, listings: Sequence[Listing], *, at: float) -> list[Progress | None]:
        """Return each instrument's session up to epoch second `at`; None where nothing has traded."""
        places = np.array([self._places[listing.symbol] for listing in listings], dtype=np.int64)
        self._fill(places)
        plan = self._plan
        done = int(np.searchsorted(plan.starts, at - 60, side="right"))
        seen = done + bool(done < len(plan.starts) and plan.starts[done] <= at)
        window = _Window(
            Rows(listings),
            plan.starts,
            tuple(side[places, :seen].astype(np.int64) for side in self._ticks),
            self._units[places, :seen],
            self._trades[places, :seen].astype(np.int64),
            done,
        )
        return _progress(window, at)

    def _fill(self, places: Integers) -> None:
        missing = np.unique(places[~self._filled[places]])
        for first in range(0, len(missing), FILL_AT_ONCE):
            chunk = missing[first : first + FILL_AT_ONCE]
            block = self._compute(Rows([self._listings[place] for place in chunk.tolist()]))
            for side, ticks in zip(self._ticks, block.ticks, strict=True):
                side[chunk] = ticks
            self._units[chunk] = np.where(block.traded, block.units, 0)
            self._trades[chunk] = np.where(block.traded, block.trades, 0)
            self._filled[chunk] = True


class _Window(NamedTuple):
    """The minutes that have begun, as far as rows of a board are concerned."""

    rows: Rows
    starts: Integers
    ticks: tuple[Integers, ...]
    units: Integers
    trades: Integers
    done: int
    """So many columns are finished minutes; one more, if there is one, is the running one."""


class _Running(NamedTuple):
    """The running minute of each row; `trades` is 0 where nothing has come yet."""

    trades: Integers
    last: Integers
    high: Integers
    low: Integers
    units: Integers
    size: Integers
    turnover: Floats
    traded_ns: Integers


def _progress(window: _Window, at: float) -> list[Progress | None]:
    rows, running = window.rows, _running(window, int(at * SECOND))
    has_run = running.trades > 0
    traded = window.trades > 0
    if traded.shape[1] > window.done:
        traded[:, window.done] = has_run
    finished = traded[:, : window.done]
    place, has_finished = np.arange(len(traded)), finished.any(axis=1)
    last = window.done - 1 - np.argmax(finished[:, ::-1], axis=1) if window.done else np.zeros_like(place)
    first = np.argmax(traded, axis=1) if traded.shape[1] else np.zeros_like(place)
    opening, high, low, close = window.ticks if traded.shape[1] else (np.zeros((len(traded), 1), np.int64),) * 4
    done = slice(0, window.done)
    highest = np.maximum(np.where(finished, high[:, done], 0).max(axis=1, initial=0), running.high)
    lowest = np.minimum(np.where(finished, low[:, done], NEVER).min(axis=1, initial=NEVER), running.low)
    price = np.where(has_run, running.last, close[place, last])
    before = window.units[:, done].sum(axis=1)
    columns = (
        has_run | has_finished,
        *(rows.prices(side[:, None])[:, 0] for side in (opening[place, first], highest, lowest, price)),
        np.where(has_run, running.traded_ns, _last_ns(window, last)),
        before + running.units,
        _turnover(window, finished) + running.turnover,
        window.trades[:, done].sum(axis=1) + running.trades,
        np.where(has_run, running.size, _last_size(window, last)),
    )
    return [_row(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _row(row: tuple[bool, float, float, float, float, int, int, float, int, int]) -> Progress | None:
    has_traded, first, high, low, price, traded_ns, volume, turnover, trades, size = row
    if not has_traded:
        return None
    traded_at, shown = traded_ns / SECOND, float(volume)
    return Progress(first, high, low, price, traded_at, shown, round(turnover, 2), trades, float(size))


def _turnover(window: _Window, finished: NDArray[np.bool_]) -> Floats:
    """Return the money of the finished minutes; added up in the order of time, as a tape does."""
    if not window.done:
        return np.zeros(len(finished))
    first, high, low, close = (window.rows.prices(side[:, : window.done]) for side in window.ticks)
    money = np.round(window.units[:, : window.done] * (first + high + low + close) / 4, 2)
    total: Floats = np.cumsum(np.where(finished, money, 0.0), axis=1)[:, -1]
    return total


def _last_ns(window: _Window, last: Integers) -> Integers:
    """Return when the last trade of each row's last finished minute came."""
    if not window.done:
        return np.zeros_like(last)
    count = np.maximum(window.trades[np.arange(len(last)), last], 1)
    return trade_ns(window.starts[last], count - 1, count)


def _last_size(window: _Window, last: Integers) -> Integers:
    if not window.done:
        return np.zeros_like(last)
    place = np.arange(len(last))
    count, units = np.maximum(window.trades[place, last], 1), window.units[place, last]
    size: Integers = units - units * (count - 1) // count
    return size


def trade_ns(starts: Integers, index: Integers, count: Integers) -> Integers:
    """Spread the trades of a minute evenly over it, as tape.py does."""
    moments: Integers = starts * SECOND + (2 * index + 1) * 30 * SECOND // count
    return moments


def _running(window: _Window, now_ns: int) -> _Running:
    """Return what the running minute of each row has seen."""
    none = np.zeros(len(window.units), dtype=np.int64)
    if window.units.shape[1] == window.done:
        return _Running(none, none, none, none + NEVER, none, none, none.astype(float), none)
    column, start = window.done, int(window.starts[window.done])
    total, units = window.trades[:, column], window.units[:, column]
    count = np.maximum(total, 1)
    passed = now_ns - start * SECOND
    seen = np.where(total > 0, np.minimum(count, (((passed + 1) * count - 1) // (30 * SECOND) + 1) // 2), 0)
    last, high, low = _so_far(window, seen)
    upto, before = units * seen // count, units * np.maximum(seen - 1, 0) // count
    first, top, bottom, close = (window.rows.prices(side[:, column : column + 1])[:, 0] for side in window.ticks)
    money = np.round(units * (first + top + bottom + close) / 4, 2)
    turnover = money * upto / np.maximum(units, 1)
    traded_ns = trade_ns(np.full_like(count, start), np.maximum(seen - 1, 0), count)
    return _Running(seen, last, high, low, upto, upto - before, np.where(seen > 0, turnover, 0.0), traded_ns)


def _so_far(window: _Window, seen: Integers) -> tuple[Integers, Integers, Integers]:
    """Return last, highest and lowest price of the running minute, in ticks."""
    paths = _paths(window)
    steps = np.arange(paths.shape[1])[None, :]
    known = steps < seen[:, None]
    high = np.where(known, paths, 0).max(axis=1, initial=0)
    low = np.where(known, paths, NEVER).min(axis=1, initial=NEVER)
    return paths[np.arange(len(seen)), np.maximum(seen - 1, 0)], high, low


def _paths(window: _Window) -> Integers:
    """Return the prices of the running minute's trades in ticks: from open over both extremes to close.

    It is the path of tape.py for all rows at once. Prices lie on the tick, so ticks stand for them.
    """
    column, ticks = window.done, window.rows.ticks
    first, high, low, last = (side[:, column : column + 1] * ticks for side in window.ticks)
    count = np.maximum(window.trades[:, column : column + 1], 1)
    step = np.arange(int(count.max()))[None, :]
    salt = (first * 31 + last * 17 + int(window.starts[column]) // 60) & 0xFFFF
    free = np.maximum(count - 3, 1)
    one = 1 + salt % free
    two = one + 1 + (salt >> 4) % np.maximum(count - 2 - one, 1)
    is_up = (salt & 1).astype(bool)
    turn, back = np.where(is_up, high, low), np.where(is_up, low, high)
    path = _between(step, (0 * one, one), (first, turn), ticks=ticks)
    path = np.where(step >= one, _between(step, (one, two), (turn, back), ticks=ticks), path)
    path = np.where(step >= two, _between(step, (two, count - 1), (back, last), ticks=ticks), path)
    path = np.where(step == one, turn, np.where(step == two, back, np.where(step >= count - 1, last, path)))
    path = np.where(step == 0, first, path)
    path = np.where(count < 4, np.where(step == 0, first, last), path)
    found: Integers = path // ticks
    return found


def _between(
    step: Integers, ends: tuple[Integers, Integers], prices: tuple[Integers, Integers], *, ticks: Integers
) -> Integers:
    (left, right), (start, end) = ends, prices
    found: Integers = (start + (end - start) * (step - left) // np.maximum(right - left, 1)) // ticks * ticks
    return found
