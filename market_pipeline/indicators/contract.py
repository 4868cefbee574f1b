"""What every function in custom/ promises, checked on seeded bars. Pure: the tests and the command line share it.

Bars: a walk on a coarse tick with jumps, a halt without volume within a walk, and one price for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from market_pipeline.indicators.indicator import FIELDS, FloatArray, Indicator
from market_pipeline.indicators.registry import function_of

EXTRA_BARS = 150
"""Bars besides one window, so that every property is seen at many places."""
RELATIVE = 1e-9
"""Sums over arrays of another shape round differently."""


@dataclass(frozen=True)
class BrokenPromise:
    """A property that a function does not have, and what showed it."""

    module: str
    function: str
    columns: tuple[str, ...]
    promise: str
    seen: str

    def __str__(self) -> str:
        """Return one sentence that names the function and the property that failed."""
        return f"{self.module}.{self.function} ({', '.join(self.columns)}) breaks “{self.promise}”: {self.seen}"


type Bars = tuple[FloatArray, ...]
type Values = list[FloatArray]


def broken_promises(definition: Indicator) -> list[BrokenPromise]:
    """Return the properties that a function of custom/ lacks, none for a good one. A function that raises lacks it."""
    found = []
    for promise, look in PROMISES.items():
        try:
            with np.errstate(all="ignore"):
                seen = look(definition)
        except Exception as error:  # it is a stranger's function: whatever it raises is the finding
            seen = f"it raised {type(error).__name__}: {error}"
        if seen:
            found.append(BrokenPromise(definition.source, definition.function, definition.columns, promise, seen))
    return found


def _shape(definition: Indicator) -> str | None:
    bars = _walk(definition)
    for arrays in (bars, tuple(np.stack([array, array]) for array in bars)):
        values = _call(definition, arrays)
        if len(values) != len(definition.columns):
            return f"it returns {len(values)} arrays for {len(definition.columns)} columns"
        wrong = next((one.shape for one in values if one.shape != arrays[0].shape), None)
        if wrong is not None:
            return f"from arrays of shape {arrays[0].shape} it makes {wrong}"
    return None


def _inputs(definition: Indicator) -> str | None:
    bars = _walk(definition)
    before = [array.copy() for array in bars]
    _call(definition, bars)
    changed = [name for name, array, was in zip(definition.inputs, bars, before, strict=True) if (array != was).any()]
    return f"it wrote into {', '.join(changed)}" if changed else None


def _warm_up(definition: Indicator) -> str | None:
    early = [one[: _window(definition) - 1] for one in _call(definition, _walk(definition))]
    place = next((int(np.flatnonzero(~np.isnan(one))[0]) for one in early if not np.isnan(one).all()), None)
    return None if place is None else f"bar {place} has a value, and the window of {_window(definition)} is not full"


def _look_ahead(definition: Indicator) -> str | None:
    bars = _walk(definition)
    whole = _call(definition, bars)
    for end in range(_window(definition), len(bars[0]), 13):
        earlier = _call(definition, tuple(array[:end] for array in bars))
        for late, early in zip(whole, earlier, strict=True):
            place = _first_difference(late[:end], early)
            if place is not None:
                return (
                    f"the value of bar {place} is {early[place]:.9g} after {end} bars, and {late[place]:.9g} later on"
                )
    return None


def _window_honesty(definition: Indicator) -> str | None:
    window = _window(definition)
    for bars in (_walk(definition), _halt(definition)):
        whole = _call(definition, bars)
        for end in range(window, len(bars[0]) + 1, 7):
            alone = _call(definition, tuple(array[end - window : end] for array in bars))
            for full, cut in zip(whole, alone, strict=True):
                if _first_difference(full[end - 1 : end], cut[-1:]) is not None:
                    seen = f"{cut[-1]:.9g} from these bars alone, {full[end - 1]:.9g} with those before"
                    return f"with window={window}, the value of bar {end - 1} is {seen}"
    return None


def _finite(definition: Indicator) -> str | None:
    kinds = {"bars that move": _walk, "a halt without volume": _halt, "one price without volume": _flat}
    for name, make in kinds.items():
        for one in _call(definition, make(definition)):
            bad = np.flatnonzero(~np.isfinite(one[_window(definition) - 1 :]))
            if len(bad):
                place = int(bad[0]) + _window(definition) - 1
                return f"on {name} the value of bar {place} is {one[place]}"
    return None


def _together(definition: Indicator) -> str | None:
    symbols = [_walk(definition, seed=seed) for seed in range(4)]
    together = _call(definition, tuple(np.stack(arrays) for arrays in zip(*symbols, strict=True)))
    for number, bars in enumerate(symbols):
        for joint, own in zip(together, _call(definition, bars), strict=True):
            place = _first_difference(joint[number], own)
            if place is not None:
                return (
                    f"bar {place} of symbol {number} is {joint[number][place]:.9g} among four, {own[place]:.9g} alone"
                )
    return None


PROMISES: Mapping[str, Callable[[Indicator], str | None]] = {
    "one array of the shape of its inputs for each column": _shape,
    "its inputs stay as they are": _inputs,
    "NaN before the window is full": _warm_up,
    "no look-ahead": _look_ahead,
    "no bar before its window counts": _window_honesty,
    "finite on flat bars and bars without volume": _finite,
    "symbols together get what each gets alone": _together,
}
"""Property → the search for what breaks it."""


def _call(definition: Indicator, arrays: Bars) -> Values:
    result = function_of(definition)(*arrays)
    return [np.asarray(one, np.float64) for one in (result if isinstance(result, tuple) else (result,))]


def _first_difference(first: FloatArray, second: FloatArray) -> int | None:
    is_close = np.isclose(first, second, rtol=RELATIVE, atol=1e-12, equal_nan=True)
    return None if is_close.all() else int(np.flatnonzero(~is_close)[0])


def _window(definition: Indicator) -> int:
    return int(definition.params["window"])


def _walk(definition: Indicator, seed: int = 1) -> Bars:
    random = np.random.default_rng(seed)
    count = _window(definition) + EXTRA_BARS
    moves = random.standard_t(4, count) * 0.0008
    moves[EXTRA_BARS // 2] += 0.04
    close = 400 * np.exp(np.cumsum(moves))
    opened = np.concatenate([close[:1], close[:-1]])
    top, bottom = np.maximum(opened, close) + 0.1, np.minimum(opened, close) - 0.1
    prices = [np.round(series / 0.05) * 0.05 for series in (opened, top, bottom, close)]
    return _chosen(definition, [*prices, np.round(random.lognormal(7, 1.2, count))])


def _halt(definition: Indicator) -> Bars:
    bars = _walk(definition, seed=2)
    begin, end = EXTRA_BARS // 3, EXTRA_BARS // 3 + _window(definition) + 20
    for name, array in zip(definition.inputs, bars, strict=True):
        array[begin:end] = 0.0 if name == "volume" else 400.0
    return bars


def _flat(definition: Indicator) -> Bars:
    count = _window(definition) + EXTRA_BARS
    return _chosen(definition, [*[np.full(count, 0.1)] * 4, np.zeros(count)])


def _chosen(definition: Indicator, fields: Sequence[FloatArray]) -> Bars:
    return tuple(fields[FIELDS.index(name)].copy() for name in definition.inputs)
