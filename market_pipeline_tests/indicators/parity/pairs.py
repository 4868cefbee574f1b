"""Averages, trend and patterns beside pandas-ta's own computation; the others stand in pairs_more.py."""

from __future__ import annotations

import numpy as np

from market_pipeline.indicators.catalogue.patterns import PATTERNS as TALIB_PATTERNS
from market_pipeline.indicators.indicator import FloatArray
from market_pipeline_tests.indicators.parity.pair import Pair, either, theirs
from market_pipeline_tests.indicators.parity.recipe import CLOSE, HIGH, LOW, OPEN, call, each

WARMS_UP = "pandas-ta lets the inner averages begin with their first figure; TA-Lib fills each before it shows one"
FIRST_VALUE = "pandas-ta starts the mean with the first figure, TA-Lib with the mean of the first ones"
TREND_SEED = "pandas-ta starts Wilder's sums with the first bar's move and reach, TA-Lib with 13 moves"
MAMA = "pandas-ta's defect: period = 360 / arctan in radians, Im adds its terms; Stock.Indicators agrees with TA-Lib"
RESET = "pandas-ta forgets the band it does not show, TA-Lib keeps both; Stock.Indicators agrees with TA-Lib"


def _below_a_tenth(opened: FloatArray, close: FloatArray, mean_range: FloatArray) -> FloatArray:
    return 100.0 * (np.abs(close - opened) < 0.1 * mean_range)


AVERAGES = (
    *(Pair(f"SMA_{n}", theirs("sma", length=n)) for n in (5, 10, 20, 50, 100, 200)),
    *(Pair(f"EMA_{n}", theirs("ema", length=n)) for n in (5, 9, 12, 20, 26, 50, 100, 200)),
    *(Pair(f"WMA_{n}", theirs("wma", length=n)) for n in (10, 20)),
    Pair("DEMA_20", theirs("dema", length=20), WARMS_UP),
    Pair("TEMA_20", theirs("tema", length=20), WARMS_UP),
    Pair(
        "TRIMA_20",
        theirs("trima", length=20),
        "pandas-ta takes 10 and 10 bars, TA-Lib 10 and 11, as 20 is even",
        call("SMA", call("SMA", timeperiod=10), timeperiod=10),
    ),
    Pair("KAMA_10", theirs("kama", length=10, fast=2, slow=30, drift=1), "pandas-ta starts with the mean of 10 closes"),
    Pair("T3_5_0.7", theirs("t3", length=5, a=0.7), WARMS_UP),
    Pair("HMA_20", theirs("hma", length=20, mamode="wma")),
    Pair("ZLEMA_20", theirs("zlma", length=20, mamode="ema"), WARMS_UP),
    Pair("RMA_14", theirs("rma", length=14), FIRST_VALUE),
    Pair("VWMA_20", theirs("vwma", length=20)),
    Pair("MIDPOINT_14", theirs("midpoint", length=14)),
    Pair("MIDPRICE_14", theirs("midprice", length=14)),
    Pair("MAMA_0.5_0.05", theirs("mama", fastlimit=0.5, slowlimit=0.05), MAMA),
    Pair("FAMA_0.5_0.05", theirs("mama", 1, fastlimit=0.5, slowlimit=0.05), MAMA),
    Pair("HT_TRENDLINE", theirs("ht_trendline"), "another state of the Hilbert filter before the first figure"),
)
TREND = (
    Pair(
        "PSAR_0.02_0.2",
        either(*(theirs("psar", side, af0=0.02, af=0.02, max_af=0.2) for side in (0, 1))),
        "pandas-ta holds the stop clear of one earlier bar, after it has looked for the reversal; Wilder and TA-Lib of "
        "two, before; Stock.Indicators agrees with TA-Lib",
    ),
    Pair("SUPERT_10_3", theirs("supertrend", length=10, atr_length=10, multiplier=3.0), RESET),
    Pair("SUPERTd_10_3", theirs("supertrend", 1, length=10, atr_length=10, multiplier=3.0), RESET),
    Pair("ADX_14", theirs("adx", length=14), TREND_SEED),
    Pair("ADXR_14", theirs("adx", 1, length=14, adxr_length=13), TREND_SEED),
    Pair("DX_14", None, "pandas-ta shows DX only in its mean, ADX"),
    Pair("DMP_14", theirs("adx", 2, length=14), TREND_SEED),
    Pair("DMN_14", theirs("adx", 3, length=14), TREND_SEED),
    Pair("AROOND_14", theirs("aroon", length=14)),
    Pair("AROONU_14", theirs("aroon", 1, length=14)),
    Pair("AROONOSC_14", theirs("aroon", 2, length=14)),
    Pair("VTXP_14", theirs("vortex", length=14, drift=1)),
    Pair("VTXM_14", theirs("vortex", 1, length=14, drift=1)),
    Pair("VHF_28", theirs("vhf", length=28, drift=1)),
    Pair("QSTICK_10", theirs("qstick", length=10, mamode="sma")),
)
PATTERNS = (
    Pair(
        "CDLDOJI",
        theirs("cdl_doji", length=10, factor=10),
        "pandas-ta's ten bars of mean range include the bar itself, and a body must be below a tenth, not at most",
        each("below a tenth", _below_a_tenth, OPEN, CLOSE, call("SMA", HIGH - LOW, timeperiod=10)),
    ),
    *(Pair(definition.columns[0], None, "pandas-ta asks TA-Lib for it") for definition in TALIB_PATTERNS[1:]),
)
