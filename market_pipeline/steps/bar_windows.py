"""Cuts the bars of a few sessions into one window a symbol, as the indicator engine takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.model.bar import BarOrigin

FIELDS = ("open", "high", "low", "close", "volume")
WINDOW_COLUMNS = ("symbol", "interval_start", *FIELDS, "known_at", "origin", "revision")


@dataclass(frozen=True)
class SessionBlock:
    """One session's bars sorted by symbol and minute, with where each symbol's rows lie."""

    fields: tuple[npt.NDArray[np.float64], ...]
    minutes: npt.NDArray[np.int64]
    """interval_start in microseconds since 1970, UTC."""
    known: npt.NDArray[np.int64]
    rows_of: dict[str, slice]
    is_sampled: npt.NDArray[np.bool_]
    revisions: npt.NDArray[np.int32]

    def sums(self, flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return how many of the symbol's rows up to and with each have the flag."""
        running = np.concatenate(([0], np.cumsum(flags)))
        starts = [rows.start for rows in self.rows_of.values()]
        lengths = [rows.stop - rows.start for rows in self.rows_of.values()]
        counts: npt.NDArray[np.int64] = running[1:] - np.repeat(running[starts], lengths)
        return counts


def session_block(bars: pa.Table) -> SessionBlock:
    """Return the block of one session; `bars` may come in any order."""
    symbols = pc.dictionary_encode(bars["symbol"].combine_chunks())
    if isinstance(symbols, pa.ChunkedArray):
        symbols = symbols.combine_chunks()
    codes = symbols.indices.to_numpy(zero_copy_only=False)
    minutes = _microseconds(bars["interval_start"])
    order = np.lexsort((minutes, codes))
    codes = codes[order]
    names = symbols.dictionary.to_pylist()
    starts = np.searchsorted(codes, np.arange(len(names) + 1))
    fields = tuple(bars[name].to_numpy().astype(np.float64, copy=False)[order] for name in FIELDS)
    rows_of = {name: slice(int(starts[i]), int(starts[i + 1])) for i, name in enumerate(names)}
    return SessionBlock(
        fields,
        minutes[order],
        _microseconds(bars["known_at"])[order],
        rows_of,
        is_sampled=pc.equal(bars["origin"], BarOrigin.SAMPLED.value).to_numpy()[order],
        revisions=bars["revision"].to_numpy()[order],
    )


def bar_window(symbol: str, before: Sequence[SessionBlock], present: SessionBlock) -> BarWindow:
    """Return one symbol's bars of the sessions before and of the present one, existing bars only."""
    blocks = [block for block in (*before, present) if symbol in block.rows_of]
    pieces = [[block.fields[i][block.rows_of[symbol]] for block in blocks] for i in range(len(FIELDS))]
    opens, highs, lows, closes, volumes = (np.concatenate(piece) for piece in pieces)
    rows = present.rows_of.get(symbol, slice(0, 0))
    return BarWindow(symbol, opens, highs, lows, closes, volumes, len(closes) - (rows.stop - rows.start))


def _microseconds(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    array: npt.NDArray[np.int64] = column.cast(pa.int64()).to_numpy()
    return array
