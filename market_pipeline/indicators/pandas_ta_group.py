"""What TA-Lib lacks, as pandas-ta defines it: its functions, parameters and column names to the letter.

It is computed by pandas_ta_direct, which needs neither pandas nor numba in a minute's process. The columns are
those of talib=False: with the default, pandas-ta's results differ with what is installed. No look-ahead is let in.
pandas-ta is frozen at 0.4.71b0; the tests have it as the oracle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from market_pipeline.indicators.bar_window import Span, start_kind
from market_pipeline.indicators.indicator import (
    CLOSE,
    FIELDS,
    FLAG,
    HIGH_LOW,
    HLC,
    HLCV,
    INDEX,
    OSCILLATOR,
    PERCENT,
    PRICE,
    RATIO,
    SHARES,
    SIGNED_SHARE,
    FloatArray,
    Group,
    Indicator,
    Kind,
)

EXCLUDED: Mapping[str, str] = {
    "cci": "wrong: parentheses are missing in tp - mean / (c · mad)",
    "stc": "wrong: stands still while the lowest MACD of ten bars is not above 0; ours follows Schaff's definition",
    "dpo": "looks ahead: centred by default",
    "ichimoku's chikou": "looks ahead: it is the close of 26 bars later",
    "eom": "infinite after a minute without volume, which is an ordinary minute",
    "rwi": "not the published Random Walk Index, which takes the greatest of several spans",
    "qqe's QQEl and QQEs": "each is the line itself while the trend is its own, and nothing else",
    "hilo": "21 ms a symbol: loops over bars in Python",
    "alligator": "29 ms a symbol, likewise",
    "exhc": "numba compiles it for 2.9 s at the first call of each process",
    "reflex": "likewise, 0.2 s",
    "trendflex": "likewise, 0.2 s",
}
"""What of pandas-ta is not taken from it, and why (times measured on 1,125 bars)."""

_WARM_UP: Mapping[str, int] = {
    "fisher": 9,
    "kst": 52,
    "chop": 14,
    "ui": 26,
    "squeeze": 20,
    "pgo": 27,
    "cksp": 37,
    "kvo": 67,
    "skew": 29,
    "kurtosis": 29,
    "cti": 11,
    "ichimoku": 76,
    "qqe": 71,
    "stc": 47,
}
"""Bars before the first value of all columns of a call."""

_MEMORY: Mapping[str, int] = {"fisher": 150, "chop": 0, "ui": 0, "skew": 0, "kurtosis": 0, "cti": 0}
"""Bars before its own window that a value still feels, where feeding no more saves time (0.67¹⁵⁰ is nothing)."""


def _pta(
    columns: str,
    function: str,
    *,
    of: tuple[str, ...],
    kind: Kind | tuple[Kind, ...],
    text: str,
    **params: float | str,
) -> Indicator:
    """Return the definition of a pandas-ta call."""
    names = tuple(columns.split())
    kinds = (kind,) * len(names) if isinstance(kind, Kind) else kind
    source = f"pandas-ta 0.4.71b0, pandas_ta.{function}"
    return Indicator(
        names, function, of, params, kinds, text, source, "extra", Group.PANDAS_TA, stated_warm_up=_WARM_UP[function]
    )


PANDAS_TA_GROUP: tuple[Indicator, ...] = (
    _pta(
        "FISHERT_9_1 FISHERTs_9_1",
        "fisher",
        of=HIGH_LOW,
        kind=INDEX,
        text="Fisher transform of the middle price's place in 9 bars (ranges under 0.001 count as that); s: a bar ago",
        length=9,
        signal=1,
    ),
    _pta(
        "KST_10_15_20_30_10_10_10_15 KSTs_9",
        "kst",
        of=CLOSE,
        kind=PERCENT,
        text="Pring's Know Sure Thing: four smoothed rates of change, weighted 1:2:3:4, times 100; s: its mean of 9",
        signal=9,
        roc1=10,
        roc2=15,
        roc3=20,
        roc4=30,
        sma1=10,
        sma2=10,
        sma3=10,
        sma4=15,
        drift=1,
    ),
    _pta(
        "CHOP_14_1_100.0",
        "chop",
        of=HLC,
        kind=PERCENT,  # true range counts gaps between bars, the range does not: it can pass 100
        text="choppiness: 100·log(Σ true range / (highest − lowest)) / log 14",
        length=14,
        atr_length=1,
        ln=False,
        scalar=100.0,
        drift=1,
    ),
    _pta(
        "UI_14",
        "ui",
        of=CLOSE,
        kind=PERCENT,
        text="Ulcer index: root mean square of the falls below the highest close of 14 bars",
        length=14,
        scalar=100,
    ),
    _pta(
        "SQZ_20_2.0_20_1.5 SQZ_ON SQZ_OFF SQZ_NO",
        "squeeze",
        of=HLC,
        kind=(PRICE, FLAG, FLAG, FLAG),
        text="Carter's squeeze: mean of 6 of a 12-bar change; ON: Bollinger (of a sample) in Keltner, OFF: outside",
        bb_length=20,
        bb_std=2.0,
        kc_length=20,
        kc_scalar=1.5,
        mom_length=12,
        mom_smooth=6,
        use_tr=True,
        tr=True,
        mamode="sma",
        prenan=False,
        asint=True,
        detailed=False,
        lazybear=False,
    ),
    _pta(
        "PGO_14",
        "pgo",
        of=HLC,
        kind=RATIO,
        text="Pretty Good Oscillator: (close − SMA 14) / EMA of ATR",
        length=14,
    ),
    _pta(
        "CKSPl_10_3.0_20 CKSPs_10_3.0_20",
        "cksp",
        of=HLC,
        kind=PRICE,
        text="Chande-Kroll stops: extreme of 10 bars ∓ 3 mean true ranges, then extreme of 20; l: long, s: short",
        p=10,
        # floats, as pandas-ta ignores whole numbers here
        x=3.0,
        q=20.0,
        tvmode=False,
        mamode="sma",
    ),
    _pta(
        "KVO_34_55_13 KVOs_34_55_13",
        "kvo",
        of=HLCV,
        kind=SHARES,
        text="Klinger: EMA 34 − EMA 55 of volume signed by the typical price's direction; s: its EMA 13",
        fast=34,
        slow=55,
        signal=13,
        mamode="ema",
        drift=1,
    ),
    _pta("SKEW_30", "skew", of=CLOSE, kind=INDEX, text="skewness of 30 closes", length=30),
    _pta("KURT_30", "kurtosis", of=CLOSE, kind=INDEX, text="excess kurtosis of 30 closes", length=30),
    _pta("CTI_12", "cti", of=CLOSE, kind=SIGNED_SHARE, text="correlation of 12 closes with a straight line", length=12),
    _pta(
        "ISA_9 ISB_26 ITS_9 IKS_26",
        "ichimoku",
        of=HIGH_LOW,
        kind=PRICE,
        text="Ichimoku: spans A and B as known 25 bars before; ITS, IKS: middles of the ranges of 9 and 26 bars",
        tenkan=9,
        kijun=26,
        senkou=52,
        include_chikou=False,
    ),
    _pta(
        "QQE_14_5_4.236 QQE_14_5_4.236_RSIMA",
        "qqe",
        of=CLOSE,
        kind=(Kind("percent"), OSCILLATOR),
        text="stop that trails the EMA 5 of RSI 14 by 4.236 of its twice smoothed changes; RSIMA: that EMA",
        length=14,
        smooth=5,
        factor=4.236,
        mamode="ema",
        drift=1,
    ),
    _pta(
        "STC_10_12_26_0.5",
        "stc",
        of=CLOSE,
        kind=OSCILLATOR,
        text="Schaff's trend cycle: MACD's place in its range of 10, smoothed by EMA 3 (a half), and the same of that",
        tc_length=10,
        fast=12,
        slow=26,
        factor=0.5,
    ),
)


def fill(indicator: Indicator, spans: Sequence[Span], out: FloatArray) -> None:
    """Write the indicator's values of all spans into `out` (outputs × rows), which holds NaN before.

    Where a formula divides by zero there is no value: infinities become NaN.
    """
    from market_pipeline.indicators.pandas_ta_direct import DIRECT  # imports TA-Lib

    kind, warm_up = start_kind(indicator), indicator.stated_warm_up or 0
    for span in spans:
        start = span.starts[kind]
        bar = max(span.first, start + warm_up)
        if bar >= span.end:
            continue
        start = max(start, bar - warm_up - _MEMORY.get(indicator.function, bar))
        arrays = [span.fields[FIELDS.index(name)][start:] for name in indicator.inputs]
        with np.errstate(all="ignore"):
            result = DIRECT[indicator.function](*arrays, **indicator.params)
        for output, column in enumerate(result):
            values = column[bar - start :]
            out[output, span.rows_from(bar)] = np.where(np.isfinite(values), values, np.nan)
