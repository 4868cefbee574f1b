"""Momentum, volatility, volume and statistics beside pandas-ta's own computation."""

from __future__ import annotations

import numpy as np

from market_pipeline.indicators.indicator import FloatArray
from market_pipeline_tests.indicators.parity.pair import Pair, theirs
from market_pipeline_tests.indicators.parity.pairs import AVERAGES, FIRST_VALUE, PATTERNS, TREND, WARMS_UP
from market_pipeline_tests.indicators.parity.pairs_extra import EXTRA
from market_pipeline_tests.indicators.parity.recipe import CLOSE, TYPICAL, VOLUME, Recipe, call, each, number

EARLY = "pandas-ta does not wait for d"
RSI_START = (
    "pandas-ta starts the means of gains and losses with the first change, TA-Lib with the mean of the first ones"
)
MACD_START = "TA-Lib starts both means at one bar, so that the fast one begins later"
DEFECT = "pandas-ta's defect: tp − mean / (c · deviation), without the parentheses; excluded by name"
COVER = "pandas-ta's middle is the EMA of the close, its reach the EMA 20 of the true range"
SHIFTED = "pandas-ta compares the close with the mean of 11 bars ago, TA-Lib the close of 11 bars ago with the mean"
SUMMED = "pandas-ta adds percents to 1000 where the index compounds them"
TYPO = "pandas-ta's defect: it reads result[i − i], the first figure, in place of result[i − 1]"
BEHIND = "pandas-ta's line is one bar behind the last bar, TA-Lib's one ahead"
TIES = "pandas-ta counts a bar of equal typical price as a fall, TA-Lib as neither"
RELATIVE = "pandas-ta's deviation divides by 14 − 1 and spans 14 bars, its means are EMAs; TA-Lib: 10 bars, Wilder"


def change(text: str, apply: str, of: Recipe = CLOSE) -> Recipe:
    """Return 1 at the bars where `of` has moved as asked, else 0; the first bar has not moved."""
    return each(text, lambda x: getattr(np, apply)(np.diff(x, prepend=x[:1]), 0).astype(np.float64), of)


def running_sum(of: Recipe) -> Recipe:
    """Return the sum of all figures so far."""

    def add_up(values: FloatArray) -> FloatArray:
        return np.cumsum(np.nan_to_num(values))

    return each("running sum", add_up, of)


EMA_20, RANGE_20 = call("EMA", timeperiod=20), call("EMA", call("TRANGE"), timeperiod=20)
STDDEV_14 = call("STDDEV", timeperiod=14, nbdev=1.0)
RISING, FALLING = (
    call("EMA", change(word, name) * STDDEV_14, timeperiod=14)
    for word, name in (("rises", "greater"), ("falls", "less"))
)
FLOW_UP, FLOW_DOWN = (
    call("SUM", change(word, name, TYPICAL) * TYPICAL * VOLUME, timeperiod=14)
    for word, name in (("rises", "greater"), ("rises not", "less_equal"))
)

MOMENTUM = (
    *(Pair(f"RSI_{n}", theirs("rsi", length=n), RSI_START) for n in (7, 14, 21)),
    *(
        Pair(f"MACD{part}_12_26_9", theirs("macd", place, fast=12, slow=26, signal=9), MACD_START)
        for place, part in ((0, ""), (2, "s"), (1, "h"))
    ),
    Pair("STOCHk_14_3_3", theirs("stoch", k=14, d=3, smooth_k=3), EARLY),
    Pair("STOCHd_14_3_3", theirs("stoch", 1, k=14, d=3, smooth_k=3)),
    Pair("STOCHFk_14_3", theirs("stochf", k=14, d=3), EARLY),
    Pair("STOCHFd_14_3", theirs("stochf", 1, k=14, d=3)),
    Pair("STOCHRSIk_14_14_3", None, "pandas-ta fails on k=1, the unsmoothed figure; its mean of 3 is compared below"),
    Pair("STOCHRSId_14_14_3", theirs("stochrsi", length=14, rsi_length=14, k=3, d=3), RSI_START),
    *(Pair(f"KDJ{'kdj'[place]}_9_3", theirs("kdj", place, length=9, signal=3), FIRST_VALUE) for place in range(3)),
    *(
        Pair(
            f"CCI_{n}", theirs("cci", length=n, c=0.015), DEFECT,
            TYPICAL - call("SMA", TYPICAL, timeperiod=n) / (0.015 * call("AVGDEV", TYPICAL, timeperiod=n)),
        )
        for n in (14, 20)
    ),
    Pair("WILLR_14", theirs("willr", length=14)),
    Pair(
        "CMO_14", theirs("cmo", length=14), "pandas-ta takes plain sums, TA-Lib Wilder's means",
        call("CMOU", timeperiod=14),
    ),
    Pair("MOM_10", theirs("mom", length=10)),
    *(Pair(f"ROC_{n}", theirs("roc", length=n)) for n in (1, 5, 10, 20)),
    Pair("APO_12_26", theirs("apo", fast=12, slow=26, mamode="ema")),
    Pair("PPO_12_26", theirs("ppo", fast=12, slow=26, signal=9, mamode="ema")),
    Pair("TRIX_30", theirs("trix", length=30, signal=9, drift=1), WARMS_UP),
    Pair("TSI_25_13", theirs("tsi", fast=13, slow=25, signal=13, drift=1), WARMS_UP),
    Pair(
        "UO_7_14_28", theirs("uo", fast=7, medium=14, slow=28),
        "pandas-ta counts the first bar, which has no close before",
    ),
    Pair("AO_5_34", theirs("ao", fast=5, slow=34)),
    Pair("AC_5_34_5", None, "pandas-ta has no Accelerator"),
    Pair("BOP", theirs("bop")),
    Pair("COPPOCK_10_11_14", theirs("coppock", length=10, fast=11, slow=14)),
    Pair(
        "DPO_20", theirs("dpo", length=20, centered=False), SHIFTED, CLOSE - call("SMA", timeperiod=20).later(11),
    ),
    Pair("ER_10", theirs("er", length=10, drift=1)),
    Pair("ERIbull_13", theirs("eri", length=13)),
    Pair("ERIbear_13", theirs("eri", 1, length=13)),
    Pair("SMI_13_25_2_9", None, "pandas-ta's `smi` is another figure: the True Strength Index with a signal"),
    Pair("SMIs_13_25_2_9", None, "likewise"),
    Pair("IMI_14", None, "pandas-ta has no Intraday Momentum Index"),
)  # fmt: skip
VOLATILITY = (
    *(
        Pair(f"BB{part}_20_2", theirs("bbands", place, length=20, lower_std=2.0, upper_std=2.0, ddof=0))
        for place, part in ((2, "U"), (1, "M"), (0, "L"))
    ),
    *(
        Pair(f"KC{part}_20_10_2", theirs("kc", place, length=20, scalar=2.0, tr=True, mamode="ema"), COVER, proof)
        for place, part, proof in ((2, "U", EMA_20 + 2 * RANGE_20), (1, "M", EMA_20), (0, "L", EMA_20 - 2 * RANGE_20))
    ),
    *(
        Pair(f"DC{part}_20", theirs("donchian", place, lower_length=20, upper_length=20))
        for place, part in ((2, "U"), (1, "M"), (0, "L"))
    ),
    *(
        Pair(f"ACC{part}_20", theirs("accbands", place, length=20, c=4, mamode="sma"))
        for place, part in ((2, "U"), (1, "M"), (0, "L"))
    ),
    Pair("ATR_14", theirs("atr", length=14, mamode="rma"), FIRST_VALUE),
    Pair("NATR_14", theirs("natr", length=14, mamode="rma"), FIRST_VALUE),
    Pair("TRANGE", theirs("true_range", drift=1), "pandas-ta gives the first bar its own reach"),
    Pair("MASSI_9_25", theirs("massi", fast=9, slow=25), WARMS_UP),
    Pair(
        "RVI_14_10", theirs("rvi", length=14, mamode="ema", drift=1), RELATIVE, 100 * RISING / (RISING + FALLING),
    ),
    Pair("ADR_14", None, "pandas-ta has no Average Day Range"),
    Pair("CVI_10_10", None, "pandas-ta has no Chaikin Volatility"),
)  # fmt: skip
VOLUMES = (
    Pair(
        "OBV", theirs("obv"), "TA-Lib begins with the first bar's volume, pandas-ta with the second's",
        call("OBV") - each("first", lambda volume: np.full(len(volume), volume[0]), VOLUME),
    ),
    Pair("AD", theirs("ad")),
    Pair("ADOSC_3_10", theirs("adosc", fast=3, slow=10), "TA-Lib starts both means with AD's first figure"),
    Pair("CMF_20", theirs("cmf", length=20)),
    Pair("MFI_14", theirs("mfi", length=14, drift=1), TIES, 100 * FLOW_UP / (FLOW_UP + FLOW_DOWN)),
    Pair("EFI_13", theirs("efi", length=13, mamode="ema", drift=1), "pandas-ta's mean counts the first bar's 0"),
    Pair("PVT", theirs("pvt", drift=1), "pandas-ta takes the change in percent, TA-Lib as a ratio", 100 * call("PVT")),
    Pair(
        "NVI", theirs("nvi", length=1, initial=1000), SUMMED,
        1000 + running_sum(change("volume falls", "less", VOLUME) * call("ROC", timeperiod=1)),
    ),
    Pair(
        "PVI", theirs("pvi", length=1, initial=1000), TYPO,
        1000 + 10 * (change("volume rises", "greater", VOLUME) * call("ROC", timeperiod=1)),
    ),
    Pair("PVO_12_26", theirs("pvo", fast=12, slow=26, signal=9)),
    Pair("RVOL_20", None, "pandas-ta has no relative volume"),
    Pair("VWAP_D", theirs("vwap", anchor="Y")),
    Pair("MARKETFI", None, "pandas-ta has no Market Facilitation Index"),
)  # fmt: skip
STATISTICS = (
    Pair("STDDEV_20", theirs("stdev", length=20, ddof=0)),
    Pair("VAR_20", theirs("variance", length=20, ddof=0)),
    Pair("LINREG_14", theirs("linreg", length=14)),
    Pair("LINREG_SLOPE_14", theirs("linreg", length=14, slope=True)),
    Pair("LINREG_ANGLE_14", theirs("linreg", length=14, angle=True, degrees=True)),
    Pair(
        "TSF_14", theirs("linreg", length=14, tsf=True), BEHIND,
        call("LINEARREG", timeperiod=14) - call("LINEARREG_SLOPE", timeperiod=14),
    ),
    Pair("PERCENTRANK_100", None, "pandas-ta has no percent rank"),
    Pair("BETA_5", None, "pandas-ta has no beta"),
    Pair("CORREL_30", None, "pandas-ta has no correlation of two fields"),
    Pair(
        "ZSCORE_30", theirs("zscore", length=30, std=1.0), "pandas-ta's deviation divides by 30 − 1, ours by 30",
        call("ZSCORE_30") * number(float(np.sqrt(29 / 30))),
    ),
    Pair("PARKINSON_20", None, "pandas-ta has no Parkinson volatility"),
)  # fmt: skip
PAIRS: tuple[Pair, ...] = (*AVERAGES, *TREND, *MOMENTUM, *VOLATILITY, *VOLUMES, *STATISTICS, *PATTERNS, *EXTRA)
"""Every column once."""
