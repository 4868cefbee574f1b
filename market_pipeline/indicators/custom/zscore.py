"""Distance of the close from its own mean."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.registry import indicator


@indicator(
    "ZSCORE_30",
    "close",
    window=30,
    unit="standard deviations",
    description="(close − mean of 30 closes) / their population standard deviation; 0 when all are equal",
)
def zscore(close: FloatArray) -> FloatArray:
    """Return (close − mean) / deviation over 30 bars; the first 29 are NaN. A flat window gives 0.

    Closes that differ by rounding alone (deviation below 1e-12 of the mean) count as equal.
    """
    windows = sliding_window_view(close, 30, axis=-1)
    mean, deviation = windows.mean(axis=-1), windows.std(axis=-1)
    is_moving = deviation > 1e-12 * np.abs(mean)
    values = np.full(close.shape, np.nan)
    values[..., 29:] = np.divide(close[..., 29:] - mean, deviation, out=np.zeros_like(mean), where=is_moving)
    return values
