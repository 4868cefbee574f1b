"""Dhan's charts as text. The text of each column of a session is made once; an answer is cut out of it.

Measured need: a minute cycle asks for 487 charts; formatting 2,250 floats for each would take the whole core.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from weakref import WeakKeyDictionary

from market_pipeline.simulator.exchange import Slice
from market_pipeline.simulator.tape import Columns, SessionTape
from market_pipeline.simulator.viewpoint import Bar

VALUE_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class ColumnText:
    """A column's numbers joined by commas, and where each begins."""

    text: str
    edges: array[int]

    def cut(self, first: int, last: int) -> str:
        """Return the numbers from `first` up to but not including `last`."""
        return self.text[self.edges[first] : self.edges[last] - 1] if last > first else ""


_texts: WeakKeyDictionary[SessionTape, tuple[ColumnText, ...]] = WeakKeyDictionary()


def plain_columns(slices: Iterable[Slice]) -> bytes:
    """Return a chart without faults."""
    columns: list[list[str]] = [[], [], [], [], [], []]
    count = 0
    for piece in slices:
        for parts, text in zip(columns, _column_texts(piece.tape), strict=True):
            parts.append(text.cut(piece.first, piece.last))
        count += piece.last - piece.first
        if piece.running is not None:
            for parts, number in zip(columns, _numbers(piece.running), strict=True):
                parts.append(repr(number[0]))
            count += 1
    return _document([",".join(filter(None, parts)) for parts in columns], count)


def columns_text(bars: list[Bar]) -> bytes:
    """Return a chart of any bars, faults and all."""
    columns = [[getattr(bar, name) for bar in bars] for name in VALUE_COLUMNS]
    columns.append([float(bar.start) for bar in bars])
    return _document([json.dumps(column, separators=(",", ":"))[1:-1] for column in columns], len(bars))


def _document(columns: list[str], count: int) -> bytes:
    names = (*VALUE_COLUMNS, "timestamp")
    body = ",".join(f'"{name}":[{text}]' for name, text in zip(names, columns, strict=True))
    return f'{{{body},"open_interest":[{("0.0," * count)[:-1]}]}}'.encode()


def _column_texts(tape: SessionTape) -> tuple[ColumnText, ...]:
    texts = _texts.get(tape)
    if texts is None:
        texts = _texts[tape] = tuple(_column_text(number) for number in _numbers(tape))
    return texts


def _numbers(bars: SessionTape | Columns) -> list[list[float]]:
    values = [getattr(bars, name).tolist() for name in VALUE_COLUMNS]
    return [*values, bars.starts.astype(float).tolist()]


def _column_text(numbers: list[float]) -> ColumnText:
    words = [repr(number) for number in numbers]
    return ColumnText(",".join(words), array("i", accumulate((len(word) + 1 for word in words), initial=0)))
