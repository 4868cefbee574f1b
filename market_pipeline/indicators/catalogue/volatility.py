"""Volatility: how far the price swings, and the bands drawn from that."""

from __future__ import annotations

from market_pipeline.indicators.indicator import (
    CLOSE,
    HIGH_LOW,
    HLC,
    INDEX,
    OSCILLATOR,
    PERCENT,
    PRICE,
    Indicator,
    fresh,
    ta,
)

VOLATILITY: tuple[Indicator, ...] = (
    ta(
        "BBU_20_2 BBM_20_2 BBL_20_2",
        "BBANDS",
        of=CLOSE,
        kind=PRICE,
        text="Bollinger: SMA 20 (M) ± 2 population standard deviations (U, L)",
        timeperiod=20,
        nbdevup=2.0,
        nbdevdn=2.0,
        matype=0,
    ),
    ta(
        "KCU_20_10_2 KCM_20_10_2 KCL_20_10_2",
        "KC",
        of=HLC,
        kind=PRICE,
        text="Keltner: EMA 20 of the typical price (M) ± 2 ATR 10 (U, L)",
        timeperiod=20,
        atrperiod=10,
        nbdev=2.0,
    ),
    fresh(
        ta(
            "DCU_20 DCM_20 DCL_20",
            "DONCHIAN",
            of=HIGH_LOW,
            kind=PRICE,
            text="highest high (U) and lowest low (L) of 20 bars; M: their middle",
            timeperiod=20,
        )
    ),
    ta(
        "ACCU_20 ACCM_20 ACCL_20",
        "ACCBANDS",
        of=HLC,
        kind=PRICE,
        text="SMA 20 of high·(1 + w) (U), close (M), low·(1 − w) (L), w = 4·(high − low)/(high + low)",
        timeperiod=20,
    ),
    ta("ATR_14", "ATR", of=HLC, kind=PRICE, text="Wilder's mean of the true range", timeperiod=14),
    ta("NATR_14", "NATR", of=HLC, kind=PERCENT, text="ATR / close", timeperiod=14),
    fresh(ta("TRANGE", "TRANGE", of=HLC, kind=PRICE, text="high − low, a gap from the previous close included")),
    ta(
        "MASSI_9_25",
        "MASSI",
        of=HIGH_LOW,
        kind=INDEX,
        text="sum over 25 bars of EMA 9 of the range / EMA 9 of that EMA",
        fastperiod=9,
        slowperiod=25,
    ),
    ta(
        "RVI_14_10",
        "RVI",
        of=CLOSE,
        kind=OSCILLATOR,
        text="RSI of the standard deviation of 10 closes, counted up or down by the close's direction",
        timeperiod=14,
        stddevperiod=10,
    ),
    ta("ADR_14", "ADR", of=HIGH_LOW, kind=PRICE, text="mean of high − low", timeperiod=14),
    ta("CVI_10_10", "CVI", of=HIGH_LOW, kind=PERCENT, text="change of EMA(high − low)", timeperiod=10, rocperiod=10),
)
