"""Volatility from the range of each bar alone."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.registry import indicator


@indicator(
    "PARKINSON_20",
    "high low",
    window=20,
    unit="percent",
    description="volatility of one bar: 100·√(mean of ln(high/low)² over 20 bars / (4·ln 2))",
)
def parkinson(high: FloatArray, low: FloatArray) -> FloatArray:
    """Return Parkinson's volatility of one bar over 20 bars; the first 19 are NaN, flat bars count as 0.

    Formula: M. Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return, 1980.
    """
    squares = np.log(high / low) ** 2
    values = np.full(high.shape, np.nan)
    values[..., 19:] = 100 * np.sqrt(sliding_window_view(squares, 20, axis=-1).mean(axis=-1) / (4 * np.log(2)))
    return values
