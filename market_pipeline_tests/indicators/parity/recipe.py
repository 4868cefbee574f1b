"""A figure computed with the functions behind our columns, which can say in words how: `(2 · EMA(close, 10) − …)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from market_pipeline.indicators.indicator import FIELDS, FloatArray
from market_pipeline.indicators.on_demand import compute_one

Bars = Mapping[str, FloatArray]


@dataclass(frozen=True)
class Recipe:
    """Words, and the function from bars to one figure a bar (NaN: none yet) that they stand for."""

    text: str
    compute: Callable[[Bars], FloatArray]

    def __add__(self, other: Recipe | float) -> Recipe:
        return self._with(other, "+", np.add)

    def __sub__(self, other: Recipe | float) -> Recipe:
        return self._with(other, "−", np.subtract)

    def __mul__(self, other: Recipe | float) -> Recipe:
        return self._with(other, "·", np.multiply)

    def __truediv__(self, other: Recipe | float) -> Recipe:
        return self._with(other, "/", np.divide)

    def __rmul__(self, other: float) -> Recipe:
        return number(other) * self

    def __radd__(self, other: float) -> Recipe:
        return number(other) + self

    def named(self, name: str) -> Recipe:
        """Return the same under a name of its own."""
        return Recipe(name, self.compute)

    def later(self, bars: int) -> Recipe:
        """Show each figure `bars` bars after its own."""
        return Recipe(f"{self.text}[−{bars}]", lambda b: np.r_[np.full(bars, np.nan), self.compute(b)[:-bars]])

    def earlier(self, bars: int) -> Recipe:
        """Show each figure `bars` bars before it is known."""
        return Recipe(f"{self.text}[+{bars}]", lambda b: np.r_[self.compute(b)[bars:], np.full(bars, np.nan)])

    def _with(self, other: Recipe | float, sign: str, join: Callable[[FloatArray, FloatArray], FloatArray]) -> Recipe:
        right = other if isinstance(other, Recipe) else number(other)
        return Recipe(f"({self.text} {sign} {right.text})", lambda bars: join(self.compute(bars), right.compute(bars)))


def number(value: float) -> Recipe:
    """Return the same number at every bar."""
    return Recipe(f"{value:g}", lambda bars: np.full(len(bars["close"]), float(value)))


def field(name: str) -> Recipe:
    """Return a field of the bars."""
    return Recipe(name, lambda bars: bars[name])


def each(text: str, apply: Callable[..., FloatArray], *of: Recipe) -> Recipe:
    """Apply a function to the figures of `of`, bar by bar."""
    return Recipe(f"{text}({', '.join(r.text for r in of)})", lambda bars: apply(*(r.compute(bars) for r in of)))


def call(function: str, *of: Recipe, output: int = 0, **params: float | str) -> Recipe:
    """Call a function by name on its usual fields, or on `of`, from the first bar on where all of these are known."""
    words = ", ".join([*(r.text for r in of), *(f"{name}={value}" for name, value in params.items())])
    place = f".{output}" if output else ""

    def compute(bars: Bars) -> FloatArray:
        if not of:
            return list(compute_one(function, params, bars=bars).values())[output]
        arrays = [recipe.compute(bars) for recipe in of]
        start = int(np.argmax(np.isfinite(arrays).all(axis=0)))
        given = {name: array[start:] for name, array in zip(FIELDS, arrays, strict=False)}
        values = list(compute_one(function, params, bars=given, inputs=tuple(given)).values())[output]
        return np.r_[np.full(start, np.nan), values]

    return Recipe(f"{function}({words}){place}", compute)


OPEN, HIGH, LOW, CLOSE, VOLUME = map(field, FIELDS)
MIDDLE = ((HIGH + LOW) / 2).named("middle price")
TYPICAL = ((HIGH + LOW + CLOSE) / 3).named("typical price")
