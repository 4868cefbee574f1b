"""One of our columns beside pandas-ta's own computation of it, never TA-Lib's under pandas-ta's name."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import pandas as pd
import pandas_ta

from market_pipeline.indicators.indicator import FIELDS, FloatArray
from market_pipeline_tests.indicators.parity.recipe import Bars, Recipe


@dataclass(frozen=True)
class Pair:
    """A column, pandas-ta's computation of it (None: it has none), and why the two are not equal, if they are not."""

    column: str
    theirs: Recipe | None
    why: str = ""
    proof: Recipe | None = None
    """Ours with the reason brought in: equal to theirs, it shows that the reason is the whole difference."""


def theirs(function: str, output: int | str = 0, *, of: str = "", **params: float | str | bool) -> Recipe:
    """Call pandas-ta on the fields that it names, or on `of` in place of the close."""
    found = getattr(pandas_ta, function)
    accepted = inspect.signature(found).parameters
    words = ", ".join([*([of] if of else []), *(f"{name}={value}" for name, value in params.items())])

    def compute(bars: Bars) -> FloatArray:
        minutes = pd.date_range("2026-01-05", periods=len(bars["close"]), freq="min")
        # a field that may be left out changes the formula
        needed = [name for name, given in accepted.items() if given.default is inspect.Parameter.empty]
        fields = {name: name.strip("_") for name in needed if name.strip("_") in FIELDS} | ({"close": of} if of else {})
        series = {name: pd.Series(bars[field], index=minutes) for name, field in fields.items()}
        options = {"talib": False} if "talib" in accepted else {}
        # some functions hand no `talib` down: for them TA-Lib must seem absent
        with patch.dict(pandas_ta.maps.Imports, {"talib": False}), np.errstate(all="ignore"):
            result = found(**series, **params, **options)
        if isinstance(result, tuple):  # ichimoku's second table lies in the future
            result = result[0]
        table = result.to_frame() if isinstance(result, pd.Series) else result
        name = table.columns[output] if isinstance(output, int) else output
        return table[name].to_numpy(dtype=np.float64)

    place = f".{output}" if output else ""
    return Recipe(f"{function}({words}){place}", compute)


def either(first: Recipe, second: Recipe) -> Recipe:
    """Return the figure of whichever has one."""
    return Recipe(f"{first.text} or {second.text}", lambda b: np.fmax(first.compute(b), second.compute(b)))
