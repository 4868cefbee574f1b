"""TA-Lib's streaming handles of one indicator for all symbols: each takes a closed bar and gives the batch's bits.

A handle that is missing is missing for a reason: too few bars yet, or an unknown volume. It is tried anew each bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, compress
from typing import Any

import numpy as np
import talib.stream
from talib import InsufficientHistory  # type: ignore[attr-defined]  # its stub forgets it

from market_pipeline.indicators.bar_window import Span, start_kind
from market_pipeline.indicators.indicator import FloatArray, Indicator
from market_pipeline.indicators.resident_bars import ResidentBars, Rows
from market_pipeline.indicators.talib_calls import bind, fill


class _NeverOpens:
    """What stands for the handles of a function that has none: the batch engine computes each of its values."""

    def __init__(self, *_: object) -> None:
        raise InsufficientHistory

    def update(self, *_: float) -> float:
        """Never be called, as none of these exist."""
        raise NotImplementedError


class IndicatorHandles:
    """One handle a slot, None where there is none; a handle is freed as it is dropped."""

    def __init__(self, indicator: Indicator) -> None:
        self._indicator = indicator
        self._call = bind(indicator)
        self._kind = start_kind(indicator)
        self._open: type[Any] = getattr(talib.stream, indicator.function, _NeverOpens)
        # the method of the type: a bound method for each handle would take 80 MB more for 8,782 symbols
        self._update: Callable[..., Any] = self._open.update
        self._handles: list[Any] = []
        self._without: set[int] = set()

    def place(self, rows: Rows, bars: ResidentBars, out: FloatArray) -> None:
        """Open the handles of these rows, whatever they held before, and write the newest values."""
        self._handles.extend([None] * (max(rows.slots, default=-1) + 1 - len(self._handles)))
        self.drop(rows.slots)
        self.open_missing(rows, bars, out)

    def drop(self, slots: Sequence[int]) -> None:
        """Free the handles of these slots."""
        for slot in slots:
            self._handles[slot] = None
        self._without.update(slots)

    def update(self, rows: Rows, fields: Sequence[list[float]], out: FloatArray) -> None:
        """Let the handles of these rows take a bar (`fields`: a list each) and write the values where there is one."""
        inputs = [fields[field] for field in self._call.fields]
        is_whole = rows.is_in_order and len(rows.slots) == len(self._handles)
        handles = self._handles if is_whole else [self._handles[slot] for slot in rows.slots]
        if self._without.isdisjoint(rows.slot_set):
            out[:] = self._columns(map(self._update, handles, *inputs), len(handles))
            return
        held = [handle is not None for handle in handles]
        inputs = [list(compress(values, held)) for values in inputs]
        handles = list(compress(handles, held))
        out[:, held] = self._columns(map(self._update, handles, *inputs), len(handles))

    def open_missing(self, rows: Rows, bars: ResidentBars, out: FloatArray) -> None:
        """Open what is missing in these rows and has the bars for it; write the newest values as the batch has them."""
        missing = self._without & rows.slot_set
        if not missing:
            return
        opened = [
            slot
            for slot in bars.with_more_than(self._call.warm_up, self._kind, missing)
            if self._try_open(slot, rows.span(slot), out)
        ]
        values = (self._handles[slot].value for slot in opened)
        out[:, [rows.row_of[slot] for slot in opened]] = self._columns(values, len(opened))
        self._without.difference_update(opened)

    def _columns(self, results: Iterable[Any], count: int) -> FloatArray:
        """Return TA-Lib's answers, a number or a tuple each, as one row a column."""
        outputs = len(self._indicator.columns)
        flat = results if outputs == 1 else chain.from_iterable(results)
        return np.fromiter(flat, np.float64, count * outputs).reshape(count, outputs).T

    def _try_open(self, slot: int, span: Span, out: FloatArray) -> bool:
        """Open the slot's handle on its bars; where they do not suffice, write the batch's value, the definition."""
        start = span.starts[self._kind]
        if self._indicator.is_tail_exact:
            start = max(start, span.end - self._call.warm_up - 1)
        history = [span.fields[field][start:] for field in self._call.fields]
        try:
            self._handles[slot] = self._open(*history, *self._call.arguments)
        except InsufficientHistory:  # TA-Lib lets a handle need more bars than the batch does; none does in 0.8.2
            fill(self._indicator, [span], out)
            return False
        return True
