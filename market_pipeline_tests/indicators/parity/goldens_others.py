"""Volatility, volume, statistics, patterns, swings, and bars that are not bars of time."""

from __future__ import annotations

import numpy as np

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline_tests.indicators.parity.golden import Golden, absent
from market_pipeline_tests.indicators.parity.rebuilt import (
    COMPARED,
    classic_pivots,
    of_previous_month,
    swing,
    ulcer,
    volume_force,
)
from market_pipeline_tests.indicators.parity.recipe import (
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    VOLUME,
    Recipe,
    call,
    each,
)

PREVIOUS_CLOSE = CLOSE.later(1)
TRUE_REACH = call("MAX", each("max", np.fmax, HIGH, PREVIOUS_CLOSE), timeperiod=14) - call(
    "MIN", each("min", np.fmin, LOW, PREVIOUS_CLOSE), timeperiod=14
)
CHOP = 100 * each("log", np.log10, call("SUM", call("TRANGE"), timeperiod=14) / TRUE_REACH) / np.log10(14)
KLINGER, KLINGER_SIGNAL = (
    call("kvo", fast=34, slow=55, signal=13, mamode="ema", drift=1, output=place) for place in range(2)
)
FORCE = volume_force()
TRUE_KLINGER = call("EMA", FORCE, timeperiod=34) - call("EMA", FORCE, timeperiod=55)
NO_FORCE = "pandas-ta signs the plain volume; Klinger weighs it by the trend's own measure of movement"
MULTIPLIER = ((CLOSE - LOW) - (HIGH - CLOSE)) / (HIGH - LOW)
FLOW = MULTIPLIER.named("multiplier") * VOLUME
AD_FAST, AD_SLOW = call("EMA", call("AD"), timeperiod=3), call("EMA", call("AD"), timeperiod=10)
AD_SEED = "TA-Lib starts both means with AD's first figure, theirs with the mean of the first 3 and 10"
PVO = call("PVO", fastperiod=12, slowperiod=26, matype=1)
PVO_SIGNAL = call("EMA", PVO, timeperiod=9)
OBV = call("OBV")
BAR = each("", lambda close: np.arange(len(close), dtype=np.float64), CLOSE).named("bar number")
SLOPE = call("LINEARREG_SLOPE", timeperiod=14)
INTERCEPT = call("LINEARREG_INTERCEPT", timeperiod=14)
STDDEV, MEAN = call("STDDEV", timeperiod=14, nbdev=1.0), call("SMA", timeperiod=14)
VARIANCE = call("VAR", timeperiod=20, nbdev=1.0)
CORRELATION = call("CORREL", CLOSE, COMPARED, timeperiod=20)

VOLATILITY = (
    Golden("tr", "tr", call("TRANGE"), "TRANGE"),
    Golden("atr", "tr", call("TRANGE"), "TRANGE"),
    Golden("atr", "atr", call("ATR", timeperiod=14), "ATR_14"),
    Golden("atr", "atrp", call("NATR", timeperiod=14), "NATR_14"),
    Golden(
        "chop",
        "chop",
        call("chop", length=14, atr_length=1, ln=False, scalar=100.0, drift=1),
        "CHOP_14_1_100.0",
        "the reach of the 14 bars counts the close before them in theirs, not in pandas-ta's",
        CHOP,
    ),
    Golden(
        "ulcer",
        "ulcerIndex",
        call("ui", length=14, scalar=100),
        "UI_14",
        "falls count from the high of each bar's own 14 bars in pandas-ta, of the last 14 bars alone in theirs",
        ulcer(14),
    ),
    Golden("ulcer", "ui", call("ui", length=14, scalar=100), "UI_14", "the same, under another name", ulcer(14)),
)

VOLUMES = (
    Golden("adl", "adl", call("AD"), "AD"),
    Golden("adl", "moneyFlowMultiplier", MULTIPLIER, "AD"),
    Golden("adl", "moneyFlowVolume", FLOW, "AD"),
    Golden("chaikin-osc", "moneyFlowMultiplier", MULTIPLIER, "AD"),
    Golden("chaikin-osc", "moneyFlowVolume", FLOW, "AD"),
    Golden("chaikin-osc", "adl", call("AD"), "AD"),
    Golden("chaikin-osc", "fastEma", AD_FAST, "ADOSC_3_10"),
    Golden("chaikin-osc", "slowEma", AD_SLOW, "ADOSC_3_10"),
    Golden(
        "chaikin-osc",
        "oscillator",
        call("ADOSC", fastperiod=3, slowperiod=10),
        "ADOSC_3_10",
        AD_SEED,
        AD_FAST - AD_SLOW,
    ),
    Golden("cmf", "moneyFlowMultiplier", MULTIPLIER, "CMF_20"),
    Golden("cmf", "moneyFlowVolume", FLOW, "CMF_20"),
    Golden("cmf", "cmf", call("CMF", timeperiod=20), "CMF_20"),
    Golden("force", "forceIndex", call("EFI", timeperiod=2), "EFI_13"),
    Golden("kvo", "oscillator", KLINGER, "KVO_34_55_13", NO_FORCE, TRUE_KLINGER),
    Golden("kvo", "signal", KLINGER_SIGNAL, "KVOs_34_55_13", NO_FORCE, call("EMA", TRUE_KLINGER, timeperiod=13)),
    Golden("mfi", "mfi", call("MFI", timeperiod=14), "MFI_14"),
    Golden(
        "obv",
        "obv",
        OBV,
        "OBV",
        "TA-Lib begins with the first bar's volume, theirs with 0",
        OBV - each("first", lambda volume: np.full(len(volume), volume[0]), VOLUME),
    ),
    Golden("pvo", "pvo", PVO, "PVO_12_26"),
    Golden("pvo", "signal", PVO_SIGNAL, "PVO_12_26"),
    Golden("pvo", "histogram", PVO - PVO_SIGNAL, "PVO_12_26"),
    Golden("vwap", "vwap", call("VWAP"), "VWAP_D"),
)

STATISTICS = (
    Golden("beta", "beta", call("BETA", CLOSE, COMPARED, timeperiod=50), "BETA_5"),
    Golden("beta", "returnsEval", call("ROCP", COMPARED, timeperiod=1), "ROC_1", "they give the first bar a 0"),
    Golden("beta", "returnsMrkt", call("ROCP", timeperiod=1), "ROC_1", "they give the first bar a 0"),
    Golden("corr", "varianceA", call("VAR", COMPARED, timeperiod=20, nbdev=1.0), "VAR_20"),
    Golden("corr", "varianceB", VARIANCE, "VAR_20"),
    Golden(
        "corr",
        "covariance",
        CORRELATION * each("√", np.sqrt, VARIANCE * call("VAR", COMPARED, timeperiod=20, nbdev=1.0)),
        "CORREL_30",
    ),
    Golden("corr", "correlation", CORRELATION, "CORREL_30"),
    Golden("corr", "rSquared", CORRELATION * CORRELATION, "CORREL_30"),
    *absent("hurst", "hurstExponent hurstExponentAL", "no column of ours: rescaled range over 100 bars"),
    Golden("prs", "prs", COMPARED / CLOSE),
    Golden("prs", "prsPercent", call("ROCP", COMPARED, timeperiod=20) - call("ROCP", timeperiod=20), "ROC_20"),
    Golden("slope", "slope", SLOPE, "LINREG_SLOPE_14"),
    Golden("slope", "intercept", INTERCEPT - SLOPE * (BAR - 12), "LINREG_14"),
    Golden("slope", "stdDev", STDDEV, "STDDEV_20"),
    Golden("slope", "rSquared", each("square", np.square, call("CORREL", CLOSE, BAR, timeperiod=14)), "CORREL_30"),
    *absent("slope", "line", "never ours: the last line is drawn back over its 14 bars, so that it looks ahead"),
    Golden("stdev", "stdDev", STDDEV, "STDDEV_20"),
    Golden("stdev", "mean", MEAN, "SMA_20"),
    Golden("stdev", "zScore", (CLOSE - MEAN) / STDDEV, "ZSCORE_30"),
    Golden("barpart", "value", CLOSE),
)

MONTH = [
    of_previous_month(name, take, of)
    for name, take, of in (("high", np.max, HIGH), ("low", np.min, LOW), ("close", lambda closes: closes[-1], CLOSE))
]
ROLLING = [
    call("MAX", HIGH, timeperiod=20).later(1).named("high of the 20 bars before"),
    call("MIN", LOW, timeperiod=20).later(1).named("low of the 20 bars before"),
    PREVIOUS_CLOSE,
]
BODY: Recipe = each("|body| / open", lambda opened, close: np.abs(close - opened) / opened, OPEN, CLOSE)

SWINGS = (
    *(Golden("pivot-points", name, recipe, "levels: pivots") for name, recipe in classic_pivots(*MONTH).items()),
    *(Golden("rolling-pivots", name, recipe, "levels: pivots") for name, recipe in classic_pivots(*ROLLING).items()),
    Golden("fractal", "fractalBear", swing(0), "levels: swings"),
    Golden("fractal", "fractalBull", swing(1), "levels: swings"),
    Golden("pivots", "highPoint", swing(0), "levels: swings"),
    Golden("pivots", "lowPoint", swing(1), "levels: swings"),
    *absent(
        "pivots", "highLine lowLine highTrend lowTrend",
        "never ours: a line to a swing that comes later looks ahead",
    ),
    *absent("zigzag", "zigZag retraceHigh retraceLow", "never ours: its last leg is redrawn (repaints)"),
    *absent("zigzag-close", "zigZag retraceHigh retraceLow", "never ours: its last leg is redrawn (repaints)"),
    *absent("renko", "open high low close volume isUp", "bricks of one price step, not bars of time: no row a minute"),
    *absent("renko-atr", "open high low close volume isUp", "bricks whose step is the last ATR: they look ahead, too"),
)  # fmt: skip


def _body_of_95_percent(body: FloatArray, reach: FloatArray) -> FloatArray:
    return 100 * np.sign(body) * (np.abs(body) >= 0.95 * reach)


PATTERNS = (
    Golden(
        "doji", "match", call("CDLDOJI") / 100, "CDLDOJI",
        "TA-Lib: body within a tenth of the mean range of 10 bars; theirs: within 0.1 % of the open",
        each("≤ 0.1 %", lambda body: (body <= 0.001).astype(np.float64), BODY),
    ),
    *absent("doji", "price", "the close of the bars that match"),
    Golden(
        "marubozu", "match", call("CDLMARUBOZU"), "CDLMARUBOZU",
        "TA-Lib: shadows within a tenth of the mean range, body longer than the mean; theirs: body ≥ 95 % of the range",
        each("body ≥ 95 %", _body_of_95_percent, CLOSE - OPEN, HIGH - LOW),
    ),
    *absent("marubozu", "price", "the close of the bars that match"),
)  # fmt: skip
