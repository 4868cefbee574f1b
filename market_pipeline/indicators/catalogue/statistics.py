"""Statistics of the closes: spread, regression line, rank, co-movement."""

from __future__ import annotations

from market_pipeline.indicators.indicator import (
    CLOSE,
    CLOSE_VOLUME,
    HIGH_LOW,
    OSCILLATOR,
    PRICE,
    RATIO,
    SIGNED_SHARE,
    Indicator,
    Kind,
    fresh,
    ta,
)

ANGLE = Kind("degrees", (-90.0, 90.0))

STATISTICS: tuple[Indicator, ...] = (
    ta("STDDEV_20", "STDDEV", of=CLOSE, kind=PRICE, text="population standard deviation", timeperiod=20, nbdev=1.0),
    ta("VAR_20", "VAR", of=CLOSE, kind=Kind("currency²"), text="population variance", timeperiod=20, nbdev=1.0),
    ta("LINREG_14", "LINEARREG", of=CLOSE, kind=PRICE, text="regression line at the last bar", timeperiod=14),
    ta(
        "LINREG_SLOPE_14",
        "LINEARREG_SLOPE",
        of=CLOSE,
        kind=Kind("currency per bar"),
        text="slope of the line",
        timeperiod=14,
    ),
    ta("LINREG_ANGLE_14", "LINEARREG_ANGLE", of=CLOSE, kind=ANGLE, text="arctangent of the slope", timeperiod=14),
    ta("TSF_14", "TSF", of=CLOSE, kind=PRICE, text="the line one bar ahead (a forecast, no look-ahead)", timeperiod=14),
    fresh(
        ta(
            "PERCENTRANK_100",
            "PERCENTRANK",
            of=CLOSE,
            kind=OSCILLATOR,
            text="part of the 100 closes before that lie below the close",
            timeperiod=100,
        )
    ),
    ta("BETA_5", "BETA", of=HIGH_LOW, kind=RATIO, text="beta of the low's changes on the high's", timeperiod=5),
    ta("CORREL_30", "CORREL", of=CLOSE_VOLUME, kind=SIGNED_SHARE, text="Pearson, close and volume", timeperiod=30),
)
