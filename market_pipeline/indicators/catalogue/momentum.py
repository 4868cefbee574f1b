"""Momentum: how fast the price moves, and whether it is tired. Types of average: 0 simple, 1 exponential, 13 Wilder."""

from __future__ import annotations

from market_pipeline.indicators.indicator import (
    CLOSE,
    HIGH_LOW,
    HLC,
    INDEX,
    OHLC,
    OPEN_CLOSE,
    OSCILLATOR,
    PERCENT,
    PRICE,
    SHARE_OF_ONE,
    SIGNED_OSCILLATOR,
    SIGNED_SHARE,
    Indicator,
    Kind,
    fresh,
    ta,
)

MOMENTUM: tuple[Indicator, ...] = (
    *(
        ta(
            f"RSI_{n}",
            "RSI",
            of=CLOSE,
            kind=OSCILLATOR,
            text="100·gains/(gains + losses), Wilder's means",
            timeperiod=n,
        )
        for n in (7, 14, 21)
    ),
    ta(
        "MACD_12_26_9 MACDs_12_26_9 MACDh_12_26_9",
        "MACD",
        of=CLOSE,
        kind=PRICE,
        text="EMA 12 − EMA 26; s: its EMA 9, the signal; h: MACD − signal",
        fastperiod=12,
        slowperiod=26,
        signalperiod=9,
    ),
    ta(
        "STOCHk_14_3_3 STOCHd_14_3_3",
        "STOCH",
        of=HLC,
        kind=OSCILLATOR,
        text="place of the close in the range of 14 bars, mean of 3; d: mean of 3 of it",
        fastk_period=14,
        slowk_period=3,
        slowk_matype=0,
        slowd_period=3,
        slowd_matype=0,
    ),
    ta(
        "STOCHFk_14_3 STOCHFd_14_3",
        "STOCHF",
        of=HLC,
        kind=OSCILLATOR,
        text="place of the close in the range of 14 bars; d: mean of 3 of it",
        fastk_period=14,
        fastd_period=3,
        fastd_matype=0,
    ),
    ta(
        "STOCHRSIk_14_14_3 STOCHRSId_14_14_3",
        "STOCHRSI",
        of=CLOSE,
        kind=OSCILLATOR,
        text="place of RSI 14 in its own range of 14 bars; d: mean of 3 of it",
        timeperiod=14,
        fastk_period=14,
        fastd_period=3,
        fastd_matype=0,
    ),
    ta(
        "KDJk_9_3 KDJd_9_3 KDJj_9_3",
        "KDJ",
        of=HLC,
        kind=(OSCILLATOR, OSCILLATOR, PERCENT),
        text="stochastic of 9 bars in Wilder's mean of 3; d: again; j: 3k − 2d",
        fastk_period=9,
        slowk_period=3,
        slowk_matype=13,
        slowd_period=3,
        slowd_matype=13,
    ),
    *(
        ta(f"CCI_{n}", "CCI", of=HLC, kind=INDEX, text="(typical − mean) / (0.015 · mean deviation)", timeperiod=n)
        for n in (14, 20)
    ),
    fresh(
        ta(
            "WILLR_14",
            "WILLR",
            of=HLC,
            kind=Kind("percent", (-100.0, 0.0)),
            text="−100·(highest − close)/(highest − lowest)",
            timeperiod=14,
        )
    ),
    ta("CMO_14", "CMO", of=CLOSE, kind=SIGNED_OSCILLATOR, text="100·(gains − losses)/(both), Wilder", timeperiod=14),
    fresh(ta("MOM_10", "MOM", of=CLOSE, kind=PRICE, text="close − close 10 bars ago", timeperiod=10)),
    *(
        fresh(ta(f"ROC_{n}", "ROC", of=CLOSE, kind=PERCENT, text=f"change of the close over {n} bars", timeperiod=n))
        for n in (1, 5, 10, 20)
    ),
    ta("APO_12_26", "APO", of=CLOSE, kind=PRICE, text="EMA 12 − EMA 26", fastperiod=12, slowperiod=26, matype=1),
    ta("PPO_12_26", "PPO", of=CLOSE, kind=PERCENT, text="APO / EMA 26", fastperiod=12, slowperiod=26, matype=1),
    ta("TRIX_30", "TRIX", of=CLOSE, kind=PERCENT, text="one-bar change of EMA(EMA(EMA))", timeperiod=30),
    ta(
        "TSI_25_13",
        "TSI",
        of=CLOSE,
        kind=SIGNED_OSCILLATOR,
        text="100 · change / |change|, both smoothed by EMA 25, then EMA 13",
        firstperiod=25,
        secondperiod=13,
    ),
    ta(
        "UO_7_14_28",
        "ULTOSC",
        of=HLC,
        kind=OSCILLATOR,
        text="buying pressure / true range over 7, 14 and 28 bars, weighted 4:2:1",
        timeperiod1=7,
        timeperiod2=14,
        timeperiod3=28,
    ),
    ta(
        "AO_5_34", "AO", of=HIGH_LOW, kind=PRICE, text="SMA 5 − SMA 34 of the middle price", fastperiod=5, slowperiod=34
    ),
    ta(
        "AC_5_34_5",
        "AC",
        of=HIGH_LOW,
        kind=PRICE,
        text="AO − SMA 5 of AO",
        fastperiod=5,
        slowperiod=34,
        signalperiod=5,
    ),
    fresh(ta("BOP", "BOP", of=OHLC, kind=SIGNED_SHARE, text="(close − open)/(high − low)")),
    ta(
        "COPPOCK_10_11_14",
        "COPPOCK",
        of=CLOSE,
        kind=PERCENT,
        text="WMA 10 of ROC 11 + ROC 14",
        wmaperiod=10,
        roc1period=11,
        roc2period=14,
    ),
    ta("DPO_20", "DPO", of=CLOSE, kind=PRICE, text="close 11 bars ago − SMA 20: never looks ahead", timeperiod=20),
    ta("ER_10", "ER", of=CLOSE, kind=SHARE_OF_ONE, text="|change over 10 bars| / Σ|changes|", timeperiod=10),
    ta("ERIbull_13 ERIbear_13", "ERI", of=HLC, kind=PRICE, text="high − EMA 13; bear: low − EMA 13", timeperiod=13),
    ta(
        "SMI_13_25_2_9 SMIs_13_25_2_9",
        "SMI",
        of=HLC,
        kind=SIGNED_OSCILLATOR,
        text="distance of the close from the middle of 13 bars / half range, EMA 25, EMA 2; s: its EMA 9",
        timeperiod=13,
        fastperiod=2,
        slowperiod=25,
        signalperiod=9,
    ),
    fresh(ta("IMI_14", "IMI", of=OPEN_CLOSE, kind=OSCILLATOR, text="RSI of close − open, plain sums", timeperiod=14)),
)
