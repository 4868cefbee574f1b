"""Averages, bands and stops."""

from __future__ import annotations

import numpy as np

from market_pipeline_tests.indicators.parity.golden import Golden, absent
from market_pipeline_tests.indicators.parity.rebuilt import last_known, swing, weighted, where
from market_pipeline_tests.indicators.parity.recipe import CLOSE, HIGH, MIDDLE, call, each, number

WARMS_UP = "they show figures while the averages still fill, we wait for TA-Lib's warm-up"
EMA_20, ATR_10, SMA_20 = call("EMA", timeperiod=20), call("ATR", timeperiod=10), call("SMA", timeperiod=20)
SMA_5 = call("SMA", timeperiod=5)
JAW, TEETH, LIPS = (call("RMA", MIDDLE, timeperiod=bars).later(shift) for bars, shift in ((13, 8), (8, 5), (5, 3)))
BBU, BBM, BBL = (call("BBANDS", timeperiod=20, nbdevup=2.0, nbdevdn=2.0, matype=0, output=place) for place in range(3))
KCU, KCM, KCL = (call("KC", timeperiod=20, atrperiod=10, nbdev=2.0, output=place) for place in range(3))
DCU, DCM, DCL = (call("DONCHIAN", timeperiod=20, output=place) for place in range(3))
STOP, WAY = (call("SUPERTREND", timeperiod=10, multiplier=3.0, output=place) for place in range(2))
HILBERT = call("HT_DCPERIOD", MIDDLE)
KELTNER = "TA-Lib's middle is the EMA of the typical price, theirs of the close"
PREVIOUS = "their channel is that of the 20 bars before, ours includes the bar itself"
ARCHER = "no column of ours: ATR bands around the close; SUPERTREND's are around the middle price"


AVERAGES = (
    Golden("alligator", "jaw", JAW, "RMA_14"),
    Golden("alligator", "teeth", TEETH, "RMA_14"),
    Golden("alligator", "lips", LIPS, "RMA_14"),
    Golden("gator", "upper", each("abs", np.abs, JAW - TEETH), "RMA_14"),
    Golden("gator", "lower", number(0) - each("abs", np.abs, TEETH - LIPS), "RMA_14"),
    *absent("gator", "upperIsExpanding lowerIsExpanding", "no figure: whether the bar above has grown"),
    Golden(
        "alma",
        "alma",
        call("alma", length=9, sigma=6.0, dist_offset=0.85),
        "",
        "pandas-ta rounds the place of the greatest weight down to a whole bar: 6 instead of 6.8",
        weighted("normal weights around bar 6.8", np.exp(-((np.arange(9) - 6.8) ** 2) / (2 * 1.5**2))),
    ),
    Golden("dema", "dema", call("DEMA", timeperiod=14), "DEMA_20", WARMS_UP),
    Golden("dynamic", "dynamic", call("mcgd", length=14, c=0.6)),
    Golden("ema", "ema", EMA_20, "EMA_20"),
    Golden("epma", "epma", call("LINEARREG", timeperiod=10), "LINREG_14"),
    Golden("hma", "hma", call("HMA", timeperiod=14), "HMA_20"),
    Golden("htl", "trendline", call("HT_TRENDLINE", MIDDLE), "HT_TRENDLINE", WARMS_UP),
    Golden(
        "htl",
        "dcPeriods",
        HILBERT,
        "HT_TRENDLINE",
        "they round to whole bars; TA-Lib's period is smooth",
        each("round", lambda x: np.floor(x + 0.5), HILBERT),
    ),
    Golden("htl", "smoothPrice", call("WMA", MIDDLE, timeperiod=4), "WMA_10", "they begin with the seventh bar"),
    Golden("kama", "kama", call("KAMA", timeperiod=10), "KAMA_10", "they also show the seed, the tenth close"),
    Golden("kama", "er", call("ER", timeperiod=10), "ER_10"),
    Golden("mama", "mama", call("MAMA", MIDDLE, fastlimit=0.5, slowlimit=0.05), "MAMA_0.5_0.05", WARMS_UP),
    Golden("mama", "fama", call("MAMA", MIDDLE, fastlimit=0.5, slowlimit=0.05, output=1), "FAMA_0.5_0.05", WARMS_UP),
    Golden("sma", "sma", SMA_20, "SMA_20"),
    Golden("sma-analysis", "sma", SMA_20, "SMA_20"),
    Golden("sma-analysis", "mad", call("AVGDEV", timeperiod=20)),
    Golden("sma-analysis", "mse", call("VAR", timeperiod=20, nbdev=1.0), "VAR_20"),
    *absent("sma-analysis", "mape", "no column of ours: mean of |close − mean| / close; VAR and AVGDEV say as much"),
    Golden("smma", "smma", call("RMA", timeperiod=20), "RMA_14"),
    Golden("t3", "t3", call("T3", timeperiod=5, vfactor=0.7), "T3_5_0.7", WARMS_UP),
    Golden("tema", "tema", call("TEMA", timeperiod=20), "TEMA_20", WARMS_UP),
    Golden("vwma", "vwma", call("VWMA", timeperiod=14), "VWMA_20"),
    Golden("wma", "wma", call("WMA", timeperiod=14), "WMA_10"),
)

BANDS = (
    Golden("bb", "sma", BBM, "BBM_20_2"),
    Golden("bb", "upperBand", BBU, "BBU_20_2"),
    Golden("bb", "lowerBand", BBL, "BBL_20_2"),
    Golden("bb", "percentB", (CLOSE - BBL) / (BBU - BBL), "BBL_20_2"),
    Golden("bb", "zScore", (CLOSE - BBM) / call("STDDEV", timeperiod=20, nbdev=1.0), "ZSCORE_30"),
    Golden("bb", "width", (BBU - BBL) / BBM, "BBU_20_2"),
    Golden("donchian", "upperBand", DCU, "DCU_20", PREVIOUS, DCU.later(1)),
    Golden("donchian", "centerline", DCM, "DCM_20", PREVIOUS, DCM.later(1)),
    Golden("donchian", "lowerBand", DCL, "DCL_20", PREVIOUS, DCL.later(1)),
    Golden("donchian", "width", (DCU - DCL) / DCM, "DCM_20", PREVIOUS, ((DCU - DCL) / DCM).later(1)),
    Golden("keltner", "upperBand", KCU, "KCU_20_10_2", KELTNER, EMA_20 + 2 * ATR_10),
    Golden("keltner", "centerline", KCM, "KCM_20_10_2", KELTNER, EMA_20),
    Golden("keltner", "lowerBand", KCL, "KCL_20_10_2", KELTNER, EMA_20 - 2 * ATR_10),
    Golden("keltner", "width", (KCU - KCL) / KCM, "KCM_20_10_2", KELTNER, 4 * ATR_10 / EMA_20),
    Golden("ma-env", "centerline", SMA_20, "SMA_20"),
    Golden("ma-env", "upperEnvelope", SMA_20 * 1.025, "SMA_20"),
    Golden("ma-env", "lowerEnvelope", SMA_20 * 0.975, "SMA_20"),
    Golden("starc", "upperBand", SMA_5 + 2 * ATR_10, "ATR_14"),
    Golden("starc", "centerline", SMA_5, "SMA_5"),
    Golden("starc", "lowerBand", SMA_5 - 2 * ATR_10, "ATR_14"),
    *absent(
        "stdev-channels", "centerline upperChannel lowerChannel breakPoint",
        "never ours: the line of 20 bars is drawn back over them, so that a past bar's figure looks ahead",
    ),
)  # fmt: skip

STOPS = (
    Golden("supertrend", "superTrend", STOP, "SUPERT_10_3"),
    Golden("supertrend", "upperBand", where(WAY, STOP, -1), "SUPERT_10_3"),
    Golden("supertrend", "lowerBand", where(WAY, STOP, 1), "SUPERT_10_3"),
    Golden("atr-stop", "atr", call("ATR", timeperiod=21), "ATR_14"),
    *absent("atr-stop", "atrStop buyStop sellStop", ARCHER),
    Golden("chexit", "chandelierExit", call("MAX", HIGH, timeperiod=22) - 3 * call("ATR", timeperiod=22), "ATR_14"),
    Golden(
        "psar", "sar", call("SAR", acceleration=0.02, maximum=0.2), "PSAR_0.02_0.2",
        "they hide the bars up to the first reversal, and begin with another extreme",
    ),
    *absent("psar", "isReversal", "no column of ours: the bar at which PSAR changes sides says it"),
    *absent("vol-stop", "sar isStop upperBand lowerBand", "no column of ours: Wilder's volatility stop; we have PSAR"),
    Golden("ichimoku", "tenkanSen", call("MIDPRICE", timeperiod=9), "MIDPRICE_14"),
    Golden("ichimoku", "kijunSen", call("MIDPRICE", timeperiod=26), "MIDPRICE_14"),
    Golden(
        "ichimoku", "senkouSpanA",
        ((call("MIDPRICE", timeperiod=9) + call("MIDPRICE", timeperiod=26)) / 2).later(26), "MIDPRICE_14",
    ),
    Golden("ichimoku", "senkouSpanB", call("MIDPRICE", timeperiod=52).later(26), "MIDPRICE_14"),
    *absent("ichimoku", "chikouSpan", "never ours: it is the close of 26 bars later, so it looks ahead"),
    Golden("fcb", "upperBand", last_known(swing(0)).later(2)),
    Golden("fcb", "lowerBand", last_known(swing(1)).later(2)),
)  # fmt: skip
