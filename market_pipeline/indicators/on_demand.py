"""One indicator on bars of your own, with parameters of your own: for notebooks, and for checks from outside.

The functions, and so the bits, are those behind the columns of indicators_1m; nothing here is stored or scheduled.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import all_indicators
from market_pipeline.indicators.engine import compute
from market_pipeline.indicators.indicator import FIELDS, PRICE, FloatArray, Indicator
from market_pipeline.indicators.pandas_ta_group import EXCLUDED

Parameters = Mapping[str, float | str]

REFUSED = ("cci", "dpo", "ichimoku", "rwi")
"""Functions of pandas-ta whose figures are wrong or look ahead; the rest of EXCLUDED is only slow."""


class Bars(Protocol):
    """A dict of arrays, a pandas DataFrame, an Arrow table: what gives a field by its name."""

    def __getitem__(self, field: str, /) -> Any: ...  # noqa: D105  # what the class says


def compute_one(
    function: str, params: Parameters, *, bars: Bars, inputs: Sequence[str] | None = None, session_start: int = 0
) -> dict[str, FloatArray]:
    """Return each output of a function by its name, one float64 value a bar, NaN where there is none.

    `function` is a column of the catalogue ("RSI_14", params {}), a TA-Lib function ("RSI", every parameter stated)
    or one of pandas-ta ("alma", called with talib=False where it takes that). `inputs` are fields of the bars in
    place of a TA-Lib function's usual ones; totals start at bar `session_start`. Raise IndicatorError for an unknown
    function, parameter or field, and for unfit bars.
    """
    known = {column: indicator for indicator in all_indicators() for column in indicator.columns}
    if function in known and not params and inputs is None:
        return {function: _outputs(known[function], bars, session_start)[function]}
    if function.isupper():
        definition = _talib_definition(function, tuple(params.items()), None if inputs is None else tuple(inputs))
        return _outputs(definition, bars, session_start)
    return _from_pandas_ta(function, params, bars)


def _outputs(definition: Indicator, bars: Bars, session_start: int) -> dict[str, FloatArray]:
    fields = {name: _field(bars, name, definition.function) for name in definition.inputs}
    unread = np.zeros(len(next(iter(fields.values()))))
    arrays = {name: fields.get(name, unread) for name in FIELDS}
    window = BarWindow(definition.function, **arrays, session_start=session_start)
    values = compute(window, first=0, indicators=(definition,))
    return dict(zip(definition.columns, values, strict=True))


def _field(bars: Bars, name: str, function: str) -> FloatArray:
    try:
        values: npt.ArrayLike = bars[name]
    except KeyError:
        raise _refusal(function, f"the bars have no {name!r}", "add that field, or name others in `inputs`") from None
    return np.ascontiguousarray(values, dtype=np.float64)


@cache
def _talib_definition(
    function: str, params: tuple[tuple[str, float | str], ...], inputs: tuple[str, ...] | None
) -> Indicator:
    """Return a definition for a TA-Lib function; the engine then demands every parameter."""
    import talib
    import talib.abstract

    if not hasattr(talib, function):
        raise _refusal(function, "TA-Lib has no such function", "see https://ta-lib.org/functions")
    described = talib.abstract.Function(function)  # type: ignore[attr-defined]  # its stub forgets it
    usual = [
        named for given in described.input_names.values() for named in ([given] if isinstance(given, str) else given)
    ]
    fields, outputs = inputs or tuple(usual), tuple(described.output_names)
    if len(fields) != len(usual) or not set(fields) <= set(FIELDS):
        raise _refusal(function, f"it reads {usual}, `inputs` names {fields}", f"name as many, out of {FIELDS}")
    return Indicator(outputs, function, fields, dict(params), (PRICE,) * len(outputs), "", "on demand")


def _from_pandas_ta(function: str, params: Parameters, bars: Bars) -> dict[str, FloatArray]:
    import pandas as pd
    import pandas_ta

    if function in REFUSED:
        raise _refusal(function, f"pandas-ta's function is excluded: {EXCLUDED[function]}", "use TA-Lib's instead")
    found = getattr(pandas_ta, function, None)
    if not inspect.isfunction(found):
        raise _refusal(function, "neither a column, nor TA-Lib's (upper case) nor pandas-ta's", "correct the name")
    accepted = inspect.signature(found).parameters
    if not set(params) <= set(accepted):  # pandas-ta would swallow them
        raise _refusal(function, f"it takes {list(accepted)}, given are {list(params)}", "correct the parameters")
    # a field that may be left out changes the formula
    needed = [name for name, given in accepted.items() if given.default is inspect.Parameter.empty]
    series = {name: pd.Series(_field(bars, name.strip("_"), function)) for name in needed if name.strip("_") in FIELDS}
    # else the result would depend on what is installed
    options = {"talib": False} if "talib" in accepted else {}
    with np.errstate(all="ignore"):
        result = found(**series, **options, **params)
    if result is None:
        raise _refusal(function, "pandas-ta returned nothing", "give it more bars, or check the parameters")
    table = result.to_frame() if isinstance(result, pd.Series) else result
    return {str(name): table[name].to_numpy(dtype=np.float64) for name in table}


def _refusal(function: str, seen: str, action: str) -> IndicatorError:
    return IndicatorError(f"compute {function} on demand: {seen}; a retry cannot help: {action}")
