"""Trend: is there one, which way, how strong."""

from __future__ import annotations

from market_pipeline.indicators.indicator import (
    CLOSE,
    DIRECTION,
    HIGH_LOW,
    HLC,
    OPEN_CLOSE,
    OSCILLATOR,
    PRICE,
    RATIO,
    SHARE_OF_ONE,
    SIGNED_OSCILLATOR,
    Indicator,
    fresh,
    ta,
)

TREND: tuple[Indicator, ...] = (
    ta(
        "PSAR_0.02_0.2",
        "SAR",
        of=HIGH_LOW,
        kind=PRICE,
        text="Wilder's stop: + a·(extreme − stop) each bar, a = 0.02, 0.04 … 0.2 with each new extreme; turns when hit",
        acceleration=0.02,
        maximum=0.2,
    ),
    ta(
        "SUPERT_10_3 SUPERTd_10_3",
        "SUPERTREND",
        of=HLC,
        kind=(PRICE, DIRECTION),
        text="stop 3 ATR from the middle that never loosens; d: 1 while the close is above it, else −1",
        timeperiod=10,
        multiplier=3.0,
    ),
    ta("ADX_14", "ADX", of=HLC, kind=OSCILLATOR, text="Wilder's mean of DX: strength, either way", timeperiod=14),
    ta("ADXR_14", "ADXR", of=HLC, kind=OSCILLATOR, text="mean of ADX now and 13 bars ago", timeperiod=14),
    ta("DX_14", "DX", of=HLC, kind=OSCILLATOR, text="100·|+DI − −DI| / (+DI + −DI)", timeperiod=14),
    ta("DMP_14", "PLUS_DI", of=HLC, kind=OSCILLATOR, text="+DI: upward moves as part of the true range", timeperiod=14),
    ta("DMN_14", "MINUS_DI", of=HLC, kind=OSCILLATOR, text="−DI: downward moves, likewise", timeperiod=14),
    fresh(
        ta(
            "AROOND_14 AROONU_14",
            "AROON",
            of=HIGH_LOW,
            kind=OSCILLATOR,
            text="100·(14 − bars since the lowest low)/14; U: since the highest high",
            timeperiod=14,
        )
    ),
    fresh(ta("AROONOSC_14", "AROONOSC", of=HIGH_LOW, kind=SIGNED_OSCILLATOR, text="Aroon up − down", timeperiod=14)),
    ta(
        "VTXP_14 VTXM_14", "VORTEX", of=HLC, kind=RATIO, text="Σ|high − last low| / Σ true range; M: low", timeperiod=14
    ),
    fresh(ta("VHF_28", "VHF", of=CLOSE, kind=SHARE_OF_ONE, text="range of 28 closes / Σ|changes|", timeperiod=28)),
    ta("QSTICK_10", "QSTICK", of=OPEN_CLOSE, kind=PRICE, text="mean of close − open", timeperiod=10),
)
