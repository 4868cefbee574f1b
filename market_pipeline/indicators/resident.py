"""The resident engine: for a process that lives as long as the session and wants each minute's values at once.

It gives what engine.compute_many gives for the newest bar, to the last bit, without computing the past again. Bars are
the only durable state: a restart, a new session or a corrected bar opens the symbol's window anew. A symbol takes 54 KB
and 40 bytes a bar pushed, its opening 0.8 ms, a minute 0.03 ms (docs/decisions/012).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from market_pipeline.indicators import pandas_ta_group, registry
from market_pipeline.indicators.bar_window import BarWindow, start_kind
from market_pipeline.indicators.catalogue import all_indicators
from market_pipeline.indicators.indicator import FIELDS, FloatArray, Group, Indicator
from market_pipeline.indicators.resident_bars import ResidentBars, Rows
from market_pipeline.indicators.resident_handles import IndicatorHandles


class ResidentEngine:
    """Handles and bars of a market's symbols. One thread; close() or a with block frees them.

    Columns are those of `indicators` (catalogue.columns() by default); pandas-ta's are NaN outside `tier_1`.
    """

    def __init__(self, *, indicators: tuple[Indicator, ...] | None = None, tier_1: Collection[str] = ()) -> None:
        self._chosen = all_indicators() if indicators is None else indicators
        self._tier_1 = frozenset(tier_1)
        self.close()

    def __enter__(self) -> Self:
        """Return the engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free all handles."""
        self.close()

    def __len__(self) -> int:
        """Return the number of symbols that have a window here."""
        return len(self._bars.slots)

    def open(self, windows: Sequence[BarWindow]) -> FloatArray:
        """Begin with these anchor windows and nothing else: at start and with each session, which moves the anchor.

        Their arrays are kept, not copied: leave them unchanged. Return the values of each window's newest bar, shape
        (windows, columns); a window without a bar has none: NaN.
        """
        self.close()
        return self.reopen(windows)

    def reopen(self, windows: Sequence[BarWindow]) -> FloatArray:
        """Take these windows in place of what their symbols had, or as new symbols: corrected bars, late listings.

        Other symbols are left alone. Return as open() does.
        """
        rows = Rows(self._bars, self._bars.place(windows))
        out = self._empty(len(windows))
        for indicator, outputs in self._outputs(out):
            if indicator.group is Group.TALIB:
                self._handles[indicator].place(rows, self._bars, outputs)
            else:
                self._compute(indicator, rows, outputs)
        return out.T

    def push(self, symbols: Sequence[str], bars: FloatArray) -> FloatArray:
        """Take one closed bar a symbol, rows of open, high, low, close and volume (NaN: unknown), in time order.

        Return its values, shape (symbols, columns), each column contiguous. A symbol without a trade is left out.
        Raise IndicatorError, before anything is taken, for a symbol without a window or a price that is no number.
        """
        rows = Rows(self._bars, self._bars.slots_of(symbols, bars))
        self._bars.append(rows.slots, bars)
        unknown = [rows.slots[row] for row in np.flatnonzero(np.isnan(bars[:, 4]))]
        fields = bars.T.tolist()
        out = self._empty(len(symbols))
        for indicator, outputs in self._outputs(out):
            if indicator.group is not Group.TALIB:
                self._compute(indicator, rows, outputs)
                continue
            handles = self._handles[indicator]
            if indicator.uses_volume:
                handles.drop(unknown)
            handles.update(rows, fields, outputs)
            handles.open_missing(rows, self._bars, outputs)
        return out.T

    def close(self) -> None:
        """Free all handles and bars. The engine can be opened again."""
        custom = [indicator.stated_warm_up or 0 for indicator in self._chosen if indicator.group is Group.CUSTOM]
        self._bars = ResidentBars(max(custom, default=0) + 1)
        self._handles = {i: IndicatorHandles(i) for i in self._chosen if i.group is Group.TALIB}

    def _empty(self, rows: int) -> FloatArray:
        return np.full((sum(len(indicator.columns) for indicator in self._chosen), rows), np.nan)

    def _outputs(self, out: FloatArray) -> Iterator[tuple[Indicator, FloatArray]]:
        """Yield each indicator with its part of `out`."""
        position = 0
        for indicator in self._chosen:
            yield indicator, out[position : position + len(indicator.columns)]
            position += len(indicator.columns)

    def _compute(self, indicator: Indicator, rows: Rows, out: FloatArray) -> None:
        """Compute what has no streaming handle: from its own few bars (ours), or from the window (pandas-ta's)."""
        bars = self._bars
        if indicator.group is Group.PANDAS_TA:
            spans = [rows.span(slot) for slot in rows.slots if bars.windows[slot].symbol in self._tier_1]
            pandas_ta_group.fill(indicator, spans, out)
            return
        slots = np.asarray(rows.slots, np.int64)
        window = 1 + (indicator.stated_warm_up or 0)
        due = bars.lengths[slots] - bars.starts[start_kind(indicator), slots] >= window
        if due.any():
            fields = [bars.tails[FIELDS.index(name), slots[due], -window:] for name in indicator.inputs]
            for output, values in enumerate(registry.apply(indicator, fields)):
                out[output, due] = values[:, -1]
