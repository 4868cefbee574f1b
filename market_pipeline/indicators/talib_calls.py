"""TA-Lib's part: each definition bound once to its C function, then called without parsing parameters again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import talib
import talib.abstract

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.bar_window import Span, start_kind
from market_pipeline.indicators.indicator import FIELDS, FloatArray, Group, Indicator


class BoundCall(NamedTuple):
    """A C function with its positional arguments, the fields it reads and the bars it needs before its first value."""

    function: Callable[..., Any]
    arguments: tuple[float | str, ...]
    fields: tuple[int, ...]
    warm_up: int


@cache
def bind(indicator: Indicator) -> BoundCall:
    """Bind a TA-Lib definition. Raise IndicatorError when its parameters are not exactly those of the function."""
    described = talib.abstract.Function(indicator.function)  # type: ignore[attr-defined]  # its stub forgets it
    expected, given = tuple(described.parameters), tuple(indicator.params)
    if set(expected) != set(given) or len(described.output_names) != len(indicator.columns):
        raise IndicatorError(
            f"bind {indicator.columns} to TA-Lib's {indicator.function}: it takes {expected} and returns "
            f"{described.output_names}, the catalogue gives {given}; a retry cannot help: state each parameter"
        )
    described.parameters = dict(indicator.params)
    return BoundCall(
        # the wrapper around it only looks for pandas and polars arguments, 0.7 µs a call
        function=inspect.unwrap(getattr(talib, indicator.function)),
        arguments=tuple(indicator.params[name] for name in expected),
        fields=tuple(FIELDS.index(name) for name in indicator.inputs),
        warm_up=described.lookback,
    )


def warm_up(indicator: Indicator) -> int:
    """Return the number of bars before the first value: TA-Lib's lookback, else what the definition states."""
    if indicator.group is Group.TALIB:
        return bind(indicator).warm_up
    return indicator.stated_warm_up or 0


def fill(indicator: Indicator, spans: Sequence[Span], out: FloatArray) -> None:
    """Write the indicator's values of all spans into `out` (outputs × rows), which holds NaN before.

    Integer outputs are 0 while TA-Lib warms up; these stay NaN here, as 0 would say "no pattern".
    """
    rows: list[int] = []
    newest: list[float] = []
    for span, bar, start, outputs in _called(indicator, spans):
        if bar == span.end - 1:  # the minute's case: a row a symbol, written together
            rows.append(span.row + bar - span.first)
            newest.extend([values[-1] for values in outputs])
            continue
        for output, values in enumerate(outputs):
            out[output, span.rows_from(bar)] = values[bar - start :]
    if rows:
        out[:, rows] = np.array(newest, np.float64).reshape(len(rows), len(out)).T


def _called(indicator: Indicator, spans: Sequence[Span]) -> Iterator[tuple[Span, int, int, Sequence[FloatArray]]]:
    """Yield each span that has values, the first bar with one, the bar that the results begin at, and the results."""
    function, arguments, fields, warm_up = bind(indicator)
    kind, is_single, is_tail_exact = start_kind(indicator), len(indicator.columns) == 1, indicator.is_tail_exact
    for span in spans:
        start = span.starts[kind]
        bar = span.first if span.first >= start + warm_up else start + warm_up  # max() takes longer than all of this
        if bar >= span.end:
            continue
        if is_tail_exact:
            start = bar - warm_up
        series = span.fields
        inputs = [series[i][start:] for i in fields] if start else [series[i] for i in fields]
        result = function(*inputs, *arguments)
        yield span, bar, start, (result,) if is_single else result
