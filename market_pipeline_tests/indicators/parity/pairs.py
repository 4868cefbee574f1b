"""Every column of TA-Lib's and of ours beside pandas-ta's own computation."""

from __future__ import annotations

from market_pipeline_tests.indicators.parity.pair import Pair, theirs

AVERAGES = (
    *(Pair(f"SMA_{n}", theirs("sma", length=n)) for n in (5, 10, 20, 50, 100, 200)),
    *(Pair(f"EMA_{n}", theirs("ema", length=n)) for n in (5, 9, 12, 20, 26, 50, 100, 200)),
    *(Pair(f"WMA_{n}", theirs("wma", length=n)) for n in (10, 20)),
    Pair("DEMA_20", theirs("dema", length=20)),
    Pair("TEMA_20", theirs("tema", length=20)),
    Pair("TRIMA_20", theirs("trima", length=20)),
    Pair("KAMA_10", theirs("kama", length=10, fast=2, slow=30, drift=1)),
    Pair("T3_5_0.7", theirs("t3", length=5, a=0.7)),
    Pair("HMA_20", theirs("hma", length=20, mamode="wma")),
    Pair("ZLEMA_20", theirs("zlma", length=20, mamode="ema")),
    Pair("RMA_14", theirs("rma", length=14)),
    Pair("VWMA_20", theirs("vwma", length=20)),
    Pair("MIDPOINT_14", theirs("midpoint", length=14)),
    Pair("MIDPRICE_14", theirs("midprice", length=14)),
    Pair("MAMA_0.5_0.05", theirs("mama", fastlimit=0.5, slowlimit=0.05)),
    Pair("FAMA_0.5_0.05", theirs("mama", 1, fastlimit=0.5, slowlimit=0.05)),
    Pair("HT_TRENDLINE", theirs("ht_trendline")),
)
TREND = (
    Pair("PSAR_0.02_0.2", theirs("psar", af0=0.02, af=0.02, max_af=0.2)),
    Pair("SUPERT_10_3", theirs("supertrend", length=10, atr_length=10, multiplier=3.0)),
    Pair("SUPERTd_10_3", theirs("supertrend", 1, length=10, atr_length=10, multiplier=3.0)),
    Pair("ADX_14", theirs("adx", length=14)),
    Pair("ADXR_14", theirs("adx", 1, length=14)),
    Pair("DX_14", None, "pandas-ta shows DX only in its mean, ADX"),
    Pair("DMP_14", theirs("adx", 2, length=14)),
    Pair("DMN_14", theirs("adx", 3, length=14)),
    Pair("AROOND_14", theirs("aroon", length=14)),
    Pair("AROONU_14", theirs("aroon", 1, length=14)),
    Pair("AROONOSC_14", theirs("aroon", 2, length=14)),
    Pair("VTXP_14", theirs("vortex", length=14, drift=1)),
    Pair("VTXM_14", theirs("vortex", 1, length=14, drift=1)),
    Pair("VHF_28", theirs("vhf", length=28, drift=1)),
    Pair("QSTICK_10", theirs("qstick", length=10, mamode="sma")),
)
MOMENTUM = (
    *(Pair(f"RSI_{n}", theirs("rsi", length=n)) for n in (7, 14, 21)),
    *(
        Pair(f"MACD{part}_12_26_9", theirs("macd", place, fast=12, slow=26, signal=9))
        for place, part in ((0, ""), (2, "s"), (1, "h"))
    ),
    Pair("STOCHk_14_3_3", theirs("stoch", k=14, d=3, smooth_k=3)),
    Pair("STOCHd_14_3_3", theirs("stoch", 1, k=14, d=3, smooth_k=3)),
    Pair("STOCHFk_14_3", theirs("stochf", k=14, d=3)),
    Pair("STOCHFd_14_3", theirs("stochf", 1, k=14, d=3)),
    Pair("STOCHRSIk_14_14_3", theirs("stochrsi", length=14, rsi_length=14, k=1, d=3)),
    Pair("STOCHRSId_14_14_3", theirs("stochrsi", 1, length=14, rsi_length=14, k=1, d=3)),
    *(Pair(f"KDJ{'kdj'[place]}_9_3", theirs("kdj", place, length=9, signal=3)) for place in range(3)),
    *(Pair(f"CCI_{n}", theirs("cci", length=n, c=0.015)) for n in (14, 20)),
    Pair("WILLR_14", theirs("willr", length=14)),
    Pair("CMO_14", theirs("cmo", length=14)),
    Pair("MOM_10", theirs("mom", length=10)),
    *(Pair(f"ROC_{n}", theirs("roc", length=n)) for n in (1, 5, 10, 20)),
    Pair("APO_12_26", theirs("apo", fast=12, slow=26, mamode="ema")),
    Pair("PPO_12_26", theirs("ppo", fast=12, slow=26, signal=9, mamode="ema")),
    Pair("TRIX_30", theirs("trix", length=30, signal=9, drift=1)),
    Pair("TSI_25_13", theirs("tsi", fast=13, slow=25, signal=13, drift=1)),
    Pair("UO_7_14_28", theirs("uo", fast=7, medium=14, slow=28)),
    Pair("AO_5_34", theirs("ao", fast=5, slow=34)),
    Pair("AC_5_34_5", None, "pandas-ta has no Accelerator"),
    Pair("BOP", theirs("bop")),
    Pair("COPPOCK_10_11_14", theirs("coppock", length=10, fast=11, slow=14)),
    Pair("DPO_20", theirs("dpo", length=20, centered=False)),
    Pair("ER_10", theirs("er", length=10, drift=1)),
    Pair("ERIbull_13", theirs("eri", length=13)),
    Pair("ERIbear_13", theirs("eri", 1, length=13)),
    Pair("SMI_13_25_2_9", None, "pandas-ta's `smi` is another: the True Strength Index with a signal"),
    Pair("SMIs_13_25_2_9", None, "likewise"),
    Pair("IMI_14", None, "pandas-ta has no Intraday Momentum Index"),
)
VOLATILITY = (
    *(
        Pair(f"BB{part}_20_2", theirs("bbands", place, length=20, lower_std=2.0, upper_std=2.0, ddof=0))
        for place, part in ((2, "U"), (1, "M"), (0, "L"))
    ),
    *(
        Pair(f"KC{part}_20_10_2", theirs("kc", place, length=20, scalar=2.0, tr=True, mamode="ema"))
        for place, part in ((2, "U"), (1, "M"), (0, "L"))
    ),
    *(
        Pair(f"DC{part}_20", theirs("donchian", place, lower_length=20, upper_length=20))
        for place, part in ((2, "U"), (1, "M"), (0, "L"))
    ),
    *(
        Pair(f"ACC{part}_20", theirs("accbands", place, length=20, c=4, mamode="sma"))
        for place, part in ((2, "U"), (1, "M"), (0, "L"))
    ),
    Pair("ATR_14", theirs("atr", length=14, mamode="rma")),
    Pair("NATR_14", theirs("natr", length=14, mamode="rma")),
    Pair("TRANGE", theirs("true_range", drift=1)),
    Pair("MASSI_9_25", theirs("massi", fast=9, slow=25)),
    Pair("RVI_14_10", theirs("rvi", length=14, mamode="ema", drift=1)),
    Pair("ADR_14", None, "pandas-ta has no Average Day Range"),
    Pair("CVI_10_10", None, "pandas-ta has no Chaikin Volatility"),
)
VOLUMES = (
    Pair("OBV", theirs("obv")),
    Pair("AD", theirs("ad")),
    Pair("ADOSC_3_10", theirs("adosc", fast=3, slow=10)),
    Pair("CMF_20", theirs("cmf", length=20)),
    Pair("MFI_14", theirs("mfi", length=14, drift=1)),
    Pair("EFI_13", theirs("efi", length=13, mamode="ema", drift=1)),
    Pair("PVT", theirs("pvt", drift=1)),
    Pair("NVI", theirs("nvi", length=1, initial=1000)),
    Pair("PVI", theirs("pvi", length=1, initial=1000)),
    Pair("PVO_12_26", theirs("pvo", fast=12, slow=26, signal=9)),
    Pair("RVOL_20", None, "pandas-ta has no relative volume"),
    Pair("VWAP_D", theirs("vwap", anchor="Y")),
    Pair("MARKETFI", None, "pandas-ta has no Market Facilitation Index"),
)
STATISTICS = (
    Pair("STDDEV_20", theirs("stdev", length=20, ddof=0)),
    Pair("VAR_20", theirs("variance", length=20, ddof=0)),
    Pair("LINREG_14", theirs("linreg", length=14)),
    Pair("LINREG_SLOPE_14", theirs("linreg", length=14, slope=True)),
    Pair("LINREG_ANGLE_14", theirs("linreg", length=14, angle=True, degrees=True)),
    Pair("TSF_14", theirs("linreg", length=14, tsf=True)),
    Pair("PERCENTRANK_100", None, "pandas-ta has no percent rank"),
    Pair("BETA_5", None, "pandas-ta has no beta"),
    Pair("CORREL_30", None, "pandas-ta has no correlation of two fields"),
    Pair("ZSCORE_30", theirs("zscore", length=30, std=1.0)),
    Pair("PARKINSON_20", None, "pandas-ta has no Parkinson volatility"),
)
PAIRS = (*AVERAGES, *TREND, *MOMENTUM, *VOLATILITY, *VOLUMES, *STATISTICS)
