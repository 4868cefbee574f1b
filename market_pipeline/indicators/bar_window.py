"""The bars that indicators are computed from, and which of them are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.indicator import Anchor, FloatArray, Indicator

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BarWindow:
    """One symbol's bars in time order: two previous sessions and the present one, existing bars only.

    Five float64 arrays of one length. Prices are finite; a volume may be NaN, which says that it is unknown.
    `session_start` is the index of the present session's first bar (the length, when it has none yet).
    Raise IndicatorError for anything else.
    """

    symbol: str
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    session_start: int

    def __post_init__(self) -> None:
        """Refuse what TA-Lib would answer with silent nonsense."""
        shapes = {array.shape for array in self.fields}
        if shapes != {(len(self),)} or any(array.dtype != np.float64 for array in self.fields):
            seen = [f"{array.dtype}{array.shape}" for array in self.fields]
            raise self._refusal(f"open, high, low, close, volume are {seen}; five float64 arrays of one length are due")
        if not 0 <= self.session_start <= len(self):
            raise self._refusal(f"session_start is {self.session_start}, outside 0…{len(self)}")
        if not all(math.isfinite(array.sum()) for array in self.fields[:4]) or bool(np.isinf(self.volume).any()):
            raise self._refusal("a price is NaN or infinite, or a volume is infinite")

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.close)

    @property
    def fields(self) -> tuple[FloatArray, ...]:
        """Return open, high, low, close and volume."""
        return self.open, self.high, self.low, self.close, self.volume

    @cached_property
    def unknown_volumes(self) -> Integers:
        """Return the indices of the bars of unknown volume."""
        unknown: Integers = np.flatnonzero(np.isnan(self.volume))
        return unknown

    def _refusal(self, seen: str) -> IndicatorError:
        return IndicatorError(
            f"take {self.symbol}'s bars for indicators: {seen}; a retry cannot help: correct or drop these bars"
        )


@dataclass(frozen=True, slots=True)
class Span:
    """The bars first…end of one window, for which values are due, and the output row of the first of them."""

    symbol: str
    fields: tuple[FloatArray, ...]
    first: int
    end: int
    row: int
    starts: tuple[int, int, int, int]
    """Where a computation starts, by start_kind."""

    def rows_from(self, bar: int) -> slice:
        """Return the output rows of the bars from `bar` to the end."""
        return slice(self.row + bar - self.first, self.row + self.end - self.first)


def start_kind(indicator: Indicator) -> int:
    """Return the index into Span.starts that fits the indicator's anchor and its use of volume."""
    return 2 * (indicator.anchor is Anchor.SESSION) + indicator.uses_volume


def spans_of(windows: Sequence[BarWindow], firsts: Sequence[int]) -> list[Span]:
    """Return one span a window, output rows in their order. Raise IndicatorError if a first bar lies outside."""
    spans: list[Span] = []
    row = 0
    for window, first in zip(windows, firsts, strict=True):
        end = len(window)
        if not 0 <= first <= end:
            raise IndicatorError(
                f"compute {window.symbol}'s indicators from bar {first} on: its window has bars 0…{end}; "
                "a retry cannot help: give the index of the first bar that values are due for"
            )
        session = window.session_start
        spans.append(Span(window.symbol, window.fields, first, end, row, (0, 0, session, session)))
        row += end - first
    return spans


def volume_spans(windows: Sequence[BarWindow], spans: Sequence[Span]) -> Sequence[Span]:
    """Return the spans cut at bars of unknown volume: what reads volumes starts anew after each of them.

    A value before such a bar stays what it was when that bar came.
    """
    if not any(len(window.unknown_volumes) for window in windows):
        return spans
    return [part for window, span in zip(windows, spans, strict=True) for part in _cut(window, span)]


def _cut(window: BarWindow, span: Span) -> Iterator[Span]:
    session = window.session_start
    edges = [-1, *window.unknown_volumes.tolist(), len(window)]
    for before, end in pairwise(edges):
        start, first = before + 1, max(span.first, before + 1)
        if first < end:
            fields = tuple(array[:end] for array in span.fields)
            starts = (0, start, session, max(session, start))
            yield Span(span.symbol, fields, first, end, span.row + first - span.first, starts)
