"""Momentum and trend."""

from __future__ import annotations

import numpy as np

from market_pipeline_tests.indicators.parity.golden import Golden, absent
from market_pipeline_tests.indicators.parity.goldens_averages import WARMS_UP
from market_pipeline_tests.indicators.parity.rebuilt import streak
from market_pipeline_tests.indicators.parity.recipe import MIDDLE, call, each

SEED = "Wilder's sums begin with 13 true ranges and moves in TA-Lib, with 14 in theirs"
TIE = "two bars share the extreme: TA-Lib counts from the newer one, they from the older"
MACD_START = "TA-Lib starts both means at one bar, so that the fast one begins later"
PMO_START = "their smoothing 2/35 and 2/20 begins two bars later"
ADX = call("ADX", timeperiod=14)
EMA_13 = call("EMA", timeperiod=13)
FAST, SLOW = call("EMA", timeperiod=12), call("EMA", timeperiod=26)
MACD, SIGNAL, HISTOGRAM = (
    call("MACD", fastperiod=12, slowperiod=26, signalperiod=9, output=place) for place in range(3)
)
THEIR_SIGNAL = call("EMA", FAST - SLOW, timeperiod=9)
AO = call("AO", fastperiod=5, slowperiod=34)
ROC_20 = call("ROC", timeperiod=20)
ROC_BAND = each("√", np.sqrt, call("SMA", ROC_20 * ROC_20, timeperiod=5))
PMO = call("EMA", 10 * call("EMA", call("ROC", timeperiod=1), timeperiod=34), timeperiod=19)
RUN_RSI = call("RSI", streak(), timeperiod=2)
RANK = call("PERCENTRANK", call("ROC", timeperiod=1), timeperiod=100)
RSI_3 = call("RSI", timeperiod=3)
STOCH_K, STOCH_D = (
    call("STOCH", fastk_period=14, slowk_period=3, slowk_matype=0, slowd_period=3, slowd_matype=0, output=place)
    for place in range(2)
)
STOCHRSI = call("STOCHRSI", timeperiod=14, fastk_period=14, fastd_period=1, fastd_matype=0)
SMI, SMIS = (
    call("SMI", timeperiod=13, fastperiod=2, slowperiod=25, signalperiod=3, output=place) for place in range(2)
)
TSI = call("TSI", firstperiod=25, secondperiod=13)
EMA_23_LESS_50 = call("EMA", timeperiod=23) - call("EMA", timeperiod=50)
FISHER, TRIGGER = (call("fisher", length=10, signal=1, output=place) for place in range(2))

MOMENTUM = (
    Golden("awesome", "oscillator", AO, "AO_5_34"),
    Golden("awesome", "normalized", 100 * AO / MIDDLE, "AO_5_34"),
    Golden("bop", "bop", call("SMA", call("BOP"), timeperiod=14), "BOP"),
    Golden("cci", "cci", call("CCI", timeperiod=20), "CCI_20"),
    Golden(
        "cmo",
        "cmo",
        call("CMO", timeperiod=14),
        "CMO_14",
        "TA-Lib's CMO smooths with Wilder's mean, theirs takes plain sums",
        call("CMOU", timeperiod=14),
    ),
    Golden("crsi", "streak", streak()),
    Golden("crsi", "rsi", RSI_3, "RSI_7"),
    Golden("crsi", "rsiStreak", RUN_RSI, "RSI_7", "they show it two bars after its first value"),
    Golden("crsi", "percentRank", RANK, "PERCENTRANK_100", "they count the first bar's unknown change as one of 100"),
    Golden("crsi", "connorsRsi", (RSI_3 + RUN_RSI + RANK) / 3, "RSI_7"),
    Golden("dpo", "dpo", call("DPO", timeperiod=14).earlier(8), "DPO_20"),
    Golden("dpo", "sma", call("SMA", timeperiod=14).earlier(8), "SMA_20"),
    Golden("elder-ray", "ema", EMA_13, "EMA_12"),
    Golden("elder-ray", "bullPower", call("ERI", timeperiod=13), "ERIbull_13"),
    Golden("elder-ray", "bearPower", call("ERI", timeperiod=13, output=1), "ERIbear_13"),
    Golden("fisher", "fisher", FISHER, "FISHERT_9_1", WARMS_UP),
    Golden("fisher", "trigger", TRIGGER, "FISHERTs_9_1", WARMS_UP),
    Golden("macd", "macd", MACD, "MACD_12_26_9", MACD_START, FAST - SLOW),
    Golden("macd", "signal", SIGNAL, "MACDs_12_26_9", MACD_START, THEIR_SIGNAL),
    Golden("macd", "histogram", HISTOGRAM, "MACDh_12_26_9", MACD_START, FAST - SLOW - THEIR_SIGNAL),
    Golden("macd", "fastEma", FAST, "EMA_12"),
    Golden("macd", "slowEma", SLOW, "EMA_26"),
    Golden("pmo", "pmo", PMO, "EMA_20", PMO_START),
    Golden("pmo", "signal", call("EMA", PMO, timeperiod=10), "EMA_20", PMO_START),
    Golden("roc", "momentum", call("MOM", timeperiod=14), "MOM_10"),
    Golden("roc", "roc", call("ROC", timeperiod=14), "ROC_10"),
    Golden("roc-wb", "roc", ROC_20, "ROC_20"),
    Golden("roc-wb", "rocEma", call("EMA", ROC_20, timeperiod=5), "ROC_20"),
    Golden("roc-wb", "upperBand", ROC_BAND, "ROC_20"),
    Golden("roc-wb", "lowerBand", -1 * ROC_BAND, "ROC_20"),
    Golden("rsi", "rsi", call("RSI", timeperiod=14), "RSI_14"),
    Golden("smi", "smi", SMI, "SMI_13_25_2_9", WARMS_UP),
    Golden("smi", "signal", SMIS, "SMIs_13_25_2_9", WARMS_UP),
    Golden(
        "stc",
        "stc",
        call(
            "STOCH",
            EMA_23_LESS_50,
            EMA_23_LESS_50,
            EMA_23_LESS_50,
            fastk_period=10,
            slowk_period=3,
            slowk_matype=0,
            slowd_period=1,
            slowd_matype=0,
        ),
        "STOCHk_14_3_3",
    ),
    Golden("stoch", "oscillator", STOCH_K, "STOCHk_14_3_3", "they do not wait for d"),
    Golden("stoch", "signal", STOCH_D, "STOCHd_14_3_3"),
    Golden("stoch", "percentJ", 3 * STOCH_K - 2 * STOCH_D, "KDJj_9_3"),
    Golden("stoch", "k", STOCH_K, "STOCHk_14_3_3", "they do not wait for d"),
    Golden("stoch", "d", STOCH_D, "STOCHd_14_3_3"),
    Golden("stoch", "j", 3 * STOCH_K - 2 * STOCH_D, "KDJj_9_3"),
    Golden("stoch-rsi", "stochRsi", STOCHRSI, "STOCHRSIk_14_14_3"),
    Golden("stoch-rsi", "signal", call("SMA", STOCHRSI, timeperiod=3), "STOCHRSId_14_14_3"),
    Golden(
        "trix",
        "ema3",
        call("EMA", call("EMA", call("EMA", timeperiod=14), timeperiod=14), timeperiod=14),
        "TRIX_30",
        WARMS_UP,
    ),
    Golden("trix", "trix", call("TRIX", timeperiod=14), "TRIX_30", WARMS_UP),
    Golden("tsi", "tsi", TSI, "TSI_25_13"),
    Golden("tsi", "signal", call("EMA", TSI, timeperiod=7), "TSI_25_13"),
    Golden("uo", "ultimate", call("ULTOSC", timeperiod1=7, timeperiod2=14, timeperiod3=28), "UO_7_14_28"),
    Golden("willr", "williamsR", call("WILLR", timeperiod=14), "WILLR_14"),
)

TREND = (
    Golden("adx", "pdi", call("PLUS_DI", timeperiod=14), "DMP_14", SEED),
    Golden("adx", "mdi", call("MINUS_DI", timeperiod=14), "DMN_14", SEED),
    Golden("adx", "dx", call("DX", timeperiod=14), "DX_14", SEED),
    Golden("adx", "adx", ADX, "ADX_14", SEED),
    Golden(
        "adx",
        "adxr",
        call("ADXR", timeperiod=14),
        "ADXR_14",
        "TA-Lib averages ADX with that of 13 bars ago (period − 1), they with that of 14; seed as ADX",
        (ADX + ADX.later(14)) / 2,
    ),
    Golden("aroon", "aroonUp", call("AROON", timeperiod=25, output=1), "AROONU_14", TIE),
    Golden("aroon", "aroonDown", call("AROON", timeperiod=25), "AROOND_14", TIE),
    Golden("aroon", "oscillator", call("AROONOSC", timeperiod=25), "AROONOSC_14", TIE),
    Golden("vortex", "pvi", call("VORTEX", timeperiod=14), "VTXP_14"),
    Golden("vortex", "nvi", call("VORTEX", timeperiod=14, output=1), "VTXM_14"),
    *(
        Golden("heikinashi", name, call("HA", output=place))
        for place, name in enumerate(("open", "high", "low", "close"))
    ),
    *absent("heikinashi", "volume", "the bar's own volume, no figure of an indicator"),
)
