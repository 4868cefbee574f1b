"""Indicators of our own: the decorator that registers a function, the search through custom/, and the computing."""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators import custom
from market_pipeline.indicators.bar_window import Span, start_kind
from market_pipeline.indicators.indicator import FIELDS, CustomFunction, FloatArray, Group, Indicator, Kind

_REGISTERED: dict[str, Indicator] = {}
_FUNCTIONS: dict[Indicator, CustomFunction] = {}


def indicator[F: CustomFunction](
    columns: str, inputs: str, *, window: int, unit: str, description: str
) -> Callable[[F], F]:
    """Register the decorated function as an indicator; names in `columns` and `inputs` are separated by blanks.

    The function takes one array an input, whose last axis is time (other axes are symbols), and returns one array
    of the same shape a column. A value may depend on its own bar and the window − 1 bars before, on nothing else.
    Raise IndicatorError for an unknown input, or a window below 1.
    """
    names, fields = tuple(columns.split()), tuple(inputs.split())
    if not names or not fields or not set(fields) <= set(FIELDS) or window < 1:
        raise IndicatorError(
            f"register {columns!r} of {inputs!r} over {window} bars: a column, inputs out of {FIELDS} and a window "
            "of 1 or more are due; a retry cannot help: correct the decorator"
        )

    def register(function: F) -> F:
        definition = Indicator(
            columns=names,
            function=function.__qualname__,
            inputs=fields,
            params={"window": window},
            kinds=(Kind(unit),) * len(names),
            description=description,
            source=function.__module__,
            family="custom",
            group=Group.CUSTOM,
            stated_warm_up=window - 1,
        )
        _REGISTERED[f"{function.__module__}.{function.__qualname__}"] = definition
        _FUNCTIONS[definition] = function
        return function

    return register


@cache
def custom_indicators() -> tuple[Indicator, ...]:
    """Import every module of custom/ and return what they registered, by module name, then in their order."""
    names = sorted(module.name for module in pkgutil.iter_modules(custom.__path__, f"{custom.__name__}."))
    for name in names:
        importlib.import_module(name)
    return tuple(found for name in names for found in _REGISTERED.values() if found.source == name)


def function_of(definition: Indicator) -> CustomFunction:
    """Return the function behind one of our own indicators."""
    return _FUNCTIONS[definition]


def fill(definition: Indicator, spans: Sequence[Span], out: FloatArray) -> None:
    """Write the values of all spans into `out` (outputs × rows): one call for all that need equally many bars."""
    warm_up, kind = definition.stated_warm_up or 0, start_kind(definition)
    due: dict[int, list[tuple[Span, int]]] = defaultdict(list)
    for span in spans:
        bar = max(span.first, span.starts[kind] + warm_up)
        if bar < span.end:
            due[span.end - bar].append((span, bar))
    for entries in due.values():
        _fill_alike(definition, entries, out)


def apply(definition: Indicator, arrays: Sequence[FloatArray]) -> tuple[FloatArray, ...]:
    """Return what the registered function makes of arrays whose last axis is time: one array a column."""
    result = _FUNCTIONS[definition](*arrays)
    return result if isinstance(result, tuple) else (result,)


def _fill_alike(definition: Indicator, entries: Sequence[tuple[Span, int]], out: FloatArray) -> None:
    warm_up = definition.stated_warm_up or 0
    arrays = [
        np.stack([span.fields[field][bar - warm_up :] for span, bar in entries])
        for field in map(FIELDS.index, definition.inputs)
    ]
    for output, values in enumerate(apply(definition, arrays)):
        for (span, bar), row in zip(entries, values, strict=True):
            out[output, span.rows_from(bar)] = row[warm_up:]
