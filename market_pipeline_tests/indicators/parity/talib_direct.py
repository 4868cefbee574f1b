"""TA-Lib called by its own name, without any code of ours between."""

from __future__ import annotations

import numpy as np
import talib
import talib.abstract

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.indicator import Anchor, FloatArray, Indicator


def straight_from_talib(indicator: Indicator, window: BarWindow) -> FloatArray:
    """Return TA-Lib's own figures, one row a column; whole numbers are 0 in its warm-up, which says nothing: NaN."""
    start = window.session_start if indicator.anchor is Anchor.SESSION else 0
    described = talib.abstract.Function(indicator.function)
    described.parameters = dict(indicator.params)
    inputs = [getattr(window, name)[start:] for name in indicator.inputs]
    result = getattr(talib, indicator.function)(*inputs, **indicator.params)
    rows = np.full((len(indicator.columns), len(window)), np.nan)
    for row, figures in zip(rows, result if isinstance(result, tuple) else (result,), strict=True):
        row[start + described.lookback :] = figures[described.lookback :]
    return rows
