"""Averages of the price: where it lies once the noise is taken out. All in the price's currency."""

from __future__ import annotations

from market_pipeline.indicators.indicator import CLOSE, CLOSE_VOLUME, HIGH_LOW, PRICE, Indicator, fresh, ta

AVERAGES: tuple[Indicator, ...] = (
    *(
        ta(f"SMA_{n}", "SMA", of=CLOSE, kind=PRICE, text=f"mean of the last {n} closes", timeperiod=n)
        for n in (5, 10, 20, 50, 100, 200)
    ),
    *(
        ta(f"EMA_{n}", "EMA", of=CLOSE, kind=PRICE, text=f"exponential mean, weight 2/({n}+1), seed SMA", timeperiod=n)
        for n in (5, 9, 12, 20, 26, 50, 100, 200)
    ),
    *(
        ta(
            f"WMA_{n}",
            "WMA",
            of=CLOSE,
            kind=PRICE,
            text=f"mean weighted {n}, {n - 1}, … 1 from the newest",
            timeperiod=n,
        )
        for n in (10, 20)
    ),
    ta("DEMA_20", "DEMA", of=CLOSE, kind=PRICE, text="2·EMA − EMA(EMA)", timeperiod=20),
    ta("TEMA_20", "TEMA", of=CLOSE, kind=PRICE, text="3·EMA − 3·EMA(EMA) + EMA(EMA(EMA))", timeperiod=20),
    ta("TRIMA_20", "TRIMA", of=CLOSE, kind=PRICE, text="SMA 11 of SMA 10: weights rise and fall", timeperiod=20),
    ta(
        "KAMA_10",
        "KAMA",
        of=CLOSE,
        kind=PRICE,
        text="exponential mean, weight (ER·(2/3 − 2/31) + 2/31)²",
        timeperiod=10,
    ),
    ta(
        "T3_5_0.7",
        "T3",
        of=CLOSE,
        kind=PRICE,
        text="(EMA·1.7 − EMA(EMA)·0.7) applied three times",
        timeperiod=5,
        vfactor=0.7,
    ),
    ta("HMA_20", "HMA", of=CLOSE, kind=PRICE, text="WMA 4 of 2·WMA 10 − WMA 20", timeperiod=20),
    ta(
        "ZLEMA_20",
        "ZLEMA",
        of=CLOSE,
        kind=PRICE,
        text="EMA 20 of 2·close − close 9 bars ago",
        timeperiod=20,
    ),
    ta("RMA_14", "RMA", of=CLOSE, kind=PRICE, text="Wilder's mean, weight 1/14, seed SMA", timeperiod=14),
    ta("VWMA_20", "VWMA", of=CLOSE_VOLUME, kind=PRICE, text="Σ close·volume / Σ volume of 20 bars", timeperiod=20),
    fresh(ta("MIDPOINT_14", "MIDPOINT", of=CLOSE, kind=PRICE, text="(max + min)/2 of 14 closes", timeperiod=14)),
    fresh(
        ta("MIDPRICE_14", "MIDPRICE", of=HIGH_LOW, kind=PRICE, text="(highest + lowest)/2 of 14 bars", timeperiod=14)
    ),
    ta(
        "MAMA_0.5_0.05 FAMA_0.5_0.05",
        "MAMA",
        of=CLOSE,
        kind=PRICE,
        text="exponential mean, weight 0.5 / degrees the cycle's phase moved, 0.05 … 0.5; FAMA: of MAMA, half of it",
        fastlimit=0.5,
        slowlimit=0.05,
    ),
    ta("HT_TRENDLINE", "HT_TRENDLINE", of=CLOSE, kind=PRICE, text="WMA 4 of the means of a dominant cycle (Hilbert)"),
)
