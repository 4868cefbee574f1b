"""A source's own minute bars → rows. Nothing is invented: a bar that was sent is kept, volume 0 included."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from market_pipeline.model.bar import BarOrigin, ChartBar
from market_pipeline.model.session import Session
from market_pipeline.transforms.bar_rows import (
    MINUTE,
    UTC_TIME,
    VALUES,
    BarColumns,
    Bars,
    Integers,
    Reals,
    RejectedBar,
    Truths,
    codes_of,
    make_rows,
    microseconds,
    no_rows,
)

_PRICES = ("open", "high", "low", "close")


def chart_bars(bars: Sequence[ChartBar], *, session: Session, known_at: datetime) -> Bars:
    """Return a session's chart bars as rows of origin chart, every float to the last bit.

    A bar is final when its minute ended by `known_at`. Set aside: `bad_price` (not finite or not above zero),
    `bad_range` (high or low inside the body), `bad_amount` (negative or infinite volume or turnover), `off_grid`,
    `outside_session` (not in [open, close)), `duplicate` (a later record of the same minute wins).
    """
    if not bars:
        return Bars(no_rows())
    starts = _starts(bars)
    values = {name: _reals([getattr(bar, name) for bar in bars]) for name in VALUES}
    symbols = pa.array([bar.symbol for bar in bars], pa.string())
    reasons = _faults(starts, values, session)
    (codes,), _ = codes_of(symbols)
    order = np.lexsort((np.arange(len(starts)), starts, codes))
    order = _without_duplicates(order, codes, starts=starts, reasons=reasons)
    ticks = pa.array([bar.n_ticks for bar in bars], pa.int32()).take(pa.array(order))
    columns = BarColumns(
        symbols.take(pa.array(order)),
        starts[order],
        {name: column[order] for name, column in values.items()},
        ticks,
        starts[order] + MINUTE <= microseconds(known_at),
    )
    rejected = tuple(
        RejectedBar(bars[index].symbol, bars[index].interval_start, reason) for index, reason in sorted(reasons.items())
    )
    return Bars(make_rows(columns, session=session, origin=BarOrigin.CHART, known_at=known_at), rejected)


def _starts(bars: Sequence[ChartBar]) -> Integers:
    starts: Integers = pa.array([bar.interval_start for bar in bars], UTC_TIME).cast(pa.int64()).to_numpy()
    return starts


def _reals(values: list[float | None]) -> Reals:
    return np.array(values, dtype=np.float64)  # None becomes NaN


def _faults(starts: Integers, values: dict[str, Reals], session: Session) -> dict[int, str]:
    """Return index of a bad bar → its first reason."""
    prices = [values[name] for name in _PRICES]
    top, bottom = np.maximum(values["open"], values["close"]), np.minimum(values["open"], values["close"])
    is_good_price = np.logical_and.reduce([np.isfinite(price) & (price > 0) for price in prices])
    rules: list[tuple[str, Truths]] = [
        ("bad_price", ~is_good_price),
        ("bad_range", (values["high"] < top) | (values["low"] > bottom)),
        ("bad_amount", _is_bad_amount(values["volume"]) | _is_bad_amount(values["turnover"])),
        ("off_grid", starts % MINUTE != 0),
        ("outside_session", (starts < microseconds(session.open)) | (starts >= microseconds(session.close))),
    ]
    reasons: dict[int, str] = {}
    for reason, is_bad in rules:
        for index in np.flatnonzero(is_bad).tolist():
            reasons.setdefault(index, reason)
    return reasons


def _is_bad_amount(amounts: Reals) -> Truths:
    is_bad: Truths = (amounts < 0) | np.isinf(amounts)
    return is_bad


def _without_duplicates(order: Integers, codes: Integers, *, starts: Integers, reasons: dict[int, str]) -> Integers:
    """Return the good indices of `order`, the last record of each minute only; earlier ones become `duplicate`."""
    good = np.array([index not in reasons for index in order.tolist()], dtype=bool) if reasons else slice(None)
    order = order[good]
    is_same = (codes[order][1:] == codes[order][:-1]) & (starts[order][1:] == starts[order][:-1])
    is_superseded = np.append(is_same, False) if len(order) else np.zeros(0, bool)
    for index in order[is_superseded].tolist():
        reasons[index] = "duplicate"
    kept: Integers = order[~is_superseded]
    return kept
