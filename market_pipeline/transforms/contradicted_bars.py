"""Sets aside chart bars that the quotes contradict: a chart in a wrong unit looks right to itself.

A pure function. The witness is the live ticker, which several sources and its own past stand behind.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.transforms.bar_rows import Bars, Integers, Reals, RejectedBar

CONTRADICTED = "contradicts_quotes"
WITNESSES = ("price", "high_24h", "low_24h", "previous_close")


def without_contradicted(bars: Bars, tickers: pa.Table, *, jump_percent: float) -> Bars:
    """Return the bars without those that lie wholly outside what the ticker saw of the session, or of the day before.

    `tickers` are rows of live_tickers of the same session, one a symbol. `jump_percent` is forgiven on either side.
    Without a ticker, or with one that knows no price, a chart is believed.
    """
    if bars.rows.num_rows == 0 or tickers.num_rows == 0:
        return bars
    place = pc.index_in(bars.rows["symbol"], value_set=tickers["symbol"].combine_chunks())
    lowest, highest = (_extreme(tickers, name, place) for name in ("min", "max"))
    slack = 1 + jump_percent / 100
    low, high = (bars.rows[name].to_numpy() for name in ("low", "high"))
    is_wrong = (high < lowest / slack) | (low > highest * slack)  # false beside NaN: nobody contradicts
    if not is_wrong.any():
        return bars
    refused = tuple(_rejected(bars.rows, np.flatnonzero(is_wrong)))
    return Bars(bars.rows.filter(pa.array(~is_wrong)), (*bars.set_aside, *refused))


def _extreme(tickers: pa.Table, name: str, place: pa.ChunkedArray) -> Reals:
    """Return each bar's least or greatest price of its ticker; NaN where there is none."""
    choose = pc.min_element_wise if name == "min" else pc.max_element_wise
    column = choose(*(tickers[witness].combine_chunks() for witness in WITNESSES))
    found: Reals = column.take(place.combine_chunks()).to_numpy(zero_copy_only=False).astype(np.float64)
    return found


def _rejected(rows: pa.Table, wrong: Integers) -> list[RejectedBar]:
    chosen = rows.take(pa.array(wrong))
    pairs = zip(chosen["symbol"].to_pylist(), chosen["interval_start"].to_pylist(), strict=True)
    return [RejectedBar(symbol, moment, CONTRADICTED) for symbol, moment in pairs]
