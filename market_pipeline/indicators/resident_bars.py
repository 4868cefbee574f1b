"""The bars that a resident engine stands on: each symbol's window as opened, and the bars pushed since.

A window's arrays are kept by reference, not copied; a pushed bar takes 40 bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.bar_window import BarWindow, Span
from market_pipeline.indicators.indicator import FIELDS, FloatArray

_FIRST_ROOM = 64


class ResidentBars:
    """All symbols' bars, each symbol in a slot of its own; `tail` bars of each are also kept side by side."""

    def __init__(self, tail: int) -> None:
        self.slots: dict[str, int] = {}
        self.windows: list[BarWindow] = []
        self.lengths: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.starts: npt.NDArray[np.int64] = np.zeros((4, 0), np.int64)
        """Where a computation starts, by start_kind and slot."""
        self.tails: FloatArray = np.full((len(FIELDS), 0, tail), np.nan)
        """The newest bars of each slot, the newest last; NaN before a symbol's first bar."""
        self._later: FloatArray = np.empty((len(FIELDS), 0, _FIRST_ROOM))
        self._opened: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    def place(self, windows: Sequence[BarWindow]) -> list[int]:
        """Let these windows be what their symbols have; return their slots. Raise IndicatorError for a repetition."""
        names = [window.symbol for window in windows]
        _refuse_repetition("open", names)
        new = [name for name in names if name not in self.slots]
        self._widen(new)
        places = [self.slots[name] for name in names]
        for slot, window in zip(places, windows, strict=True):
            session, known = window.session_start, _known_from(window.volume)
            self.windows[slot] = window
            self.lengths[slot] = self._opened[slot] = len(window)
            self.starts[:, slot] = 0, known, session, max(session, known)
            kept = min(len(window), self.tails.shape[2])
            self.tails[:, slot] = np.nan
            if kept:
                self.tails[:, slot, -kept:] = [field[-kept:] for field in window.fields]
        return places

    def slots_of(self, symbols: Sequence[str], bars: FloatArray) -> list[int]:
        """Return the slots that a minute's bars belong to. Raise IndicatorError for what no window may hold."""
        _refuse_repetition("push", symbols)
        if bars.shape != (len(symbols), len(FIELDS)) or bars.dtype != np.float64:
            raise IndicatorError(
                f"push the bars of {len(symbols)} symbols: they are {bars.dtype}{bars.shape}; one float64 row of open, "
                "high, low, close and volume a symbol is due; a retry cannot help: correct the array"
            )
        unknown = [symbol for symbol in symbols if symbol not in self.slots]
        if unknown:
            raise IndicatorError(
                f"push a bar of {unknown[:5]}: {len(unknown)} symbols have no window here; nothing was taken, a retry "
                "alone cannot help: reopen() their windows, the new bar included"
            )
        is_bad = ~np.isfinite(bars[:, :4]).all(axis=1) | np.isinf(bars[:, 4])
        if is_bad.any():
            named = [symbols[row] for row in np.flatnonzero(is_bad)]
            raise IndicatorError(
                f"push a bar of {named[:5]}: in {len(named)} bars a price is NaN or infinite, or a volume is infinite; "
                "nothing was taken, a retry alone cannot help: drop or correct these bars"
            )
        return [self.slots[symbol] for symbol in symbols]

    def append(self, slots: Sequence[int], bars: FloatArray) -> None:
        """Add one bar to each slot."""
        taken = np.asarray(slots, np.int64)
        later = self.lengths[taken] - self._opened[taken]
        if later.max(initial=0) >= self._later.shape[2]:
            self._later = np.concatenate([self._later, np.empty_like(self._later)], axis=2)
        self._later[:, taken, later] = bars.T
        self.lengths[taken] += 1
        self.tails[:, taken, :-1] = self.tails[:, taken, 1:]
        self.tails[:, taken, -1] = bars.T
        unknown = taken[np.isnan(bars[:, 4])]
        self.starts[1, unknown] = self.lengths[unknown]
        self.starts[3, unknown] = np.maximum(self.starts[2, unknown], self.lengths[unknown])

    def with_more_than(self, count: int, kind: int, slots: Iterable[int]) -> list[int]:
        """Return, in ascending order, those of the slots in which a computation of this start_kind has more bars."""
        asked = np.sort(np.fromiter(slots, np.int64))
        found: list[int] = asked[self.lengths[asked] - self.starts[kind, asked] > count].tolist()
        return found

    def newest_span(self, slot: int, row: int) -> Span:
        """Return the slot's newest bar as what the batch engine computes, its whole window behind it."""
        window, length = self.windows[slot], int(self.lengths[slot])
        later = self._later[:, slot, : length - len(window)]
        fields = window.fields
        if later.size:
            fields = tuple(np.concatenate(pair) for pair in zip(fields, later, strict=True))
        all_bars, known, session, both = self.starts[:, slot].tolist()
        return Span(window.symbol, fields, max(length - 1, 0), length, row, (all_bars, known, session, both))

    def _widen(self, new: Sequence[str]) -> None:
        """Make a slot for each new symbol."""
        if not new:
            return
        more, room = len(new), self._later.shape[2]
        self.slots.update(zip(new, range(len(self.slots), len(self.slots) + more), strict=True))
        self.windows.extend([_NO_WINDOW] * more)
        self.lengths = np.concatenate([self.lengths, np.zeros(more, np.int64)])
        self._opened = np.concatenate([self._opened, np.zeros(more, np.int64)])
        self.starts = np.concatenate([self.starts, np.zeros((4, more), np.int64)], axis=1)
        self.tails = np.concatenate([self.tails, np.empty((len(FIELDS), more, self.tails.shape[2]))], axis=1)
        self._later = np.concatenate([self._later, np.empty((len(FIELDS), more, room))], axis=1)


class Rows:
    """The slots that one call is about, and the row of the values that each of them fills."""

    def __init__(self, bars: ResidentBars, slots: Sequence[int]) -> None:
        self.slots = slots
        self.slot_set = frozenset(slots)
        self.is_in_order = list(slots) == list(range(len(slots)))
        self._bars = bars
        self.row_of = dict(zip(slots, range(len(slots)), strict=True))
        self._spans: dict[int, Span] = {}

    def span(self, slot: int) -> Span:
        """Return the slot's newest bar and its whole window, put together once a call."""
        if slot not in self._spans:
            self._spans[slot] = self._bars.newest_span(slot, self.row_of[slot])
        return self._spans[slot]


_NO_BARS = np.empty(0)
_NO_WINDOW = BarWindow("", _NO_BARS, _NO_BARS, _NO_BARS, _NO_BARS, _NO_BARS, session_start=0)


def _known_from(volume: FloatArray) -> int:
    """Return the index after the last unknown volume."""
    unknown = np.flatnonzero(np.isnan(volume))
    return int(unknown[-1]) + 1 if len(unknown) else 0


def _refuse_repetition(verb: str, symbols: Sequence[str]) -> None:
    if len(set(symbols)) < len(symbols):
        twice = [symbol for symbol, times in Counter(symbols).items() if times > 1][:5]
        raise IndicatorError(
            f"{verb} {len(symbols)} symbols: {twice} stand there more than once; nothing was taken, a retry cannot "
            "help: give one entry a symbol"
        )
