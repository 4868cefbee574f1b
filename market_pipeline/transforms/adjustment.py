"""Daily bars as a source gives them → prices as they were traded, and adjusted for every later split and dividend.

Each factor is applied exactly once, whether the source sends raw prices or has divided them by later splits already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.transforms.bar_rows import UTC_TIME, Integers, Reals, Truths, codes_of, reals, starts_of_groups
from market_pipeline.transforms.split_repair import DIVIDEND, SPLIT, Events, Repairs, find_repairs

PRICES = ("open", "high", "low", "close")
_REAL = pa.float64()
ADJUSTED_SCHEMA = pa.schema(
    [
        ("market", pa.string()),
        ("source", pa.string()),
        ("symbol", pa.string()),
        ("session_date", pa.date32()),
        *((name, _REAL) for name in (*PRICES, "volume", "dividend", "split_ratio")),
        *((f"{name}_adjusted", _REAL) for name in (*PRICES, "volume")),
        ("split_factor", _REAL),
        ("dividend_factor", _REAL),
        ("repair", pa.string()),
        ("known_at", UTC_TIME),
    ]
)


@dataclass(frozen=True)
class Adjusted:
    """Rows in ADJUSTED_SCHEMA, and how many bars were repaired or look wrong without a clear repair."""

    rows: pa.Table
    repaired: int
    unclear: int


def adjusted_bars(bars: pa.Table) -> Adjusted:
    """Return one market's daily bars (bars_1d's columns; whole histories) as traded and adjusted.

    A dividend's factor is 1 - dividend / the close before it, both in the shares of that day. What a source forgot to
    adjust, or adjusted twice, is repaired where only one reading is possible, and said in `repair`; the rest is
    counted as unclear and left alone.
    """
    if bars.num_rows == 0:
        return Adjusted(ADJUSTED_SCHEMA.empty_table(), 0, 0)
    bars = bars.sort_by([(name, "ascending") for name in ("source", "symbol", "session_date")])
    parts = [_adjusted(part) for part in _series(bars)]
    rows = pa.concat_tables([part for part, _ in parts])
    unclear = sum(repairs.unclear for _, repairs in parts)
    return Adjusted(rows, rows.num_rows - rows["repair"].null_count, unclear)


def _series(bars: pa.Table) -> Iterator[pa.Table]:
    (sources,), _ = codes_of(bars["source"])
    (symbols,), _ = codes_of(bars["symbol"])
    starts = starts_of_groups(sources, symbols).tolist()
    for start, end in zip(starts, [*starts[1:], bars.num_rows], strict=True):
        yield bars.slice(start, end - start)


def _adjusted(bars: pa.Table) -> tuple[pa.Table, Repairs]:
    is_adjusted = pc.fill_null(bars["is_split_adjusted"], False).to_numpy().astype(bool)
    events = Events(
        split=_splits(bars),
        dividend=np.nan_to_num(reals(bars["dividend"])),
        close=reals(bars["close"]),
        adjusted_close=reals(bars["adjusted_close"]),
    )
    repairs = find_repairs(events, is_adjusted)
    split_factor = _after(events.split)
    as_sent = np.where(is_adjusted, split_factor, 1.0)
    traded = {name: reals(bars[name]) * repairs.price * as_sent for name in PRICES}
    volume = reals(bars["volume"]) / repairs.price / as_sent
    dividend = events.dividend * repairs.dividend * as_sent
    dividend_factor = _after(_dividend_factors(dividend, traded["close"], events.split))
    price_factor = dividend_factor / split_factor
    values = {**traded, "volume": volume, "dividend": np.where(dividend > 0, dividend, np.nan)}
    values["split_ratio"] = np.where(events.split == 1, np.nan, events.split)
    values |= {f"{name}_adjusted": traded[name] * price_factor for name in PRICES}
    values |= {"volume_adjusted": volume * split_factor, "split_factor": split_factor}
    values["dividend_factor"] = dividend_factor
    arrays = {name: pa.array(column, _REAL, from_pandas=True) for name, column in values.items()}
    arrays |= {name: bars[name] for name in ("market", "source", "symbol", "session_date", "known_at")}
    arrays["repair"] = pa.array(_texts(repairs), pa.string())
    return pa.table([arrays[name] for name in ADJUSTED_SCHEMA.names], schema=ADJUSTED_SCHEMA), repairs


def _splits(bars: pa.Table) -> Reals:
    ratio = reals(bars["split_ratio"])
    is_split: Truths = np.isfinite(ratio) & (ratio > 0)
    return np.where(is_split, ratio, 1.0)


def _after(factors: Reals) -> Reals:
    """Return for each row the product of the factors of all later rows."""
    products = np.cumprod(factors[::-1])[::-1]
    return np.append(products[1:], 1.0)


def _dividend_factors(dividend: Reals, close: Reals, split: Reals) -> Reals:
    """Return by what each dividend multiplies earlier prices; 1 where there is none, or the close before is unknown."""
    before = np.append(np.nan, close[:-1]) / split
    factors = 1.0 - np.where(dividend > 0, dividend, 0.0) / before
    is_known: Truths = np.isfinite(factors) & (factors > 0)
    return np.where(is_known, factors, 1.0)


def _texts(repairs: Repairs) -> list[str | None]:
    kinds: Integers = (repairs.price != 1) * 1 + (repairs.dividend != 1) * 2
    texts = (None, SPLIT, DIVIDEND, f"{SPLIT}; {DIVIDEND}")
    return [texts[kind] for kind in kinds.tolist()]
