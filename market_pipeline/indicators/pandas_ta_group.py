"""What TA-Lib lacks, from pandas-ta: for tier-1 symbols only, as pandas costs 100 times as much a column.

Every parameter is stated, and no look-ahead is let in. The averages inside these functions are TA-Lib's, which is
always installed here: pandas-ta's own are numba's, which would compile for seconds and write into site-packages.
pandas-ta is frozen at 0.4.71b0; its column names are kept to the letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

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
    PERCENT,
    PRICE,
    RATIO,
    SHARES,
    FloatArray,
    Group,
    Indicator,
    Kind,
)

if TYPE_CHECKING:
    import pandas as pd

EXCLUDED: Mapping[str, str] = {
    "cci": "wrong: parentheses are missing in tp - mean / (c · mad)",
    "dpo": "looks ahead: centred by default",
    "ichimoku": "looks ahead: chikou is the close of 26 bars later",
    "eom": "infinite after a minute without volume, which is an ordinary minute",
    "rwi": "not the published Random Walk Index, which takes the greatest of several spans",
    "stc": "11 ms a symbol: loops over bars in Python",
    "qqe": "49 ms a symbol, likewise",
    "hilo": "21 ms a symbol, likewise",
    "alligator": "29 ms a symbol, likewise",
    "exhc": "numba compiles it for 2.9 s at the first call of each process",
    "reflex": "likewise, 0.2 s",
    "trendflex": "likewise, 0.2 s",
}
"""pandas-ta functions that do not belong in the group, and why (measured on 1,125 bars)."""

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
}
"""Bars before the first value of all columns of a call, as seen: pandas-ta does not tell."""

_MEMORY: Mapping[str, int] = {"fisher": 150}
"""Bars before its own window that a value still feels, where feeding no more saves 2 ms a symbol (0.67¹⁵⁰)."""


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
        text="Carter's squeeze: mean of 6 of a 12-bar change; ON: Bollinger inside Keltner, OFF: outside, NO: neither",
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
        text="Chande-Kroll stops: extreme of 10 bars ∓ 3 ATR, then extreme of 20; l: long, s: short",
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
)


def fill(indicator: Indicator, spans: Sequence[Span], out: FloatArray) -> None:
    """Write the indicator's values of all spans into `out` (outputs × rows), which holds NaN before.

    Where pandas-ta divides by zero there is no value: infinities become NaN.
    """
    kind, warm_up = start_kind(indicator), indicator.stated_warm_up or 0
    for span in spans:
        start = span.starts[kind]
        bar = max(span.first, start + warm_up)
        if bar >= span.end:
            continue
        start = max(start, bar - warm_up - _MEMORY.get(indicator.function, bar))
        result = _call(indicator, [span.fields[FIELDS.index(name)][start:] for name in indicator.inputs])
        if result is None:
            continue
        for output, name in enumerate(indicator.columns):
            values = result[name].to_numpy(dtype=np.float64)[bar - start :]
            out[output, span.rows_from(bar)] = np.where(np.isfinite(values), values, np.nan)


def _call(indicator: Indicator, arrays: Sequence[FloatArray]) -> pd.DataFrame | None:
    """Return pandas-ta's columns, None when it finds the bars too few."""
    import pandas as pd
    import pandas_ta

    series = {name: pd.Series(array) for name, array in zip(indicator.inputs, arrays, strict=True)}
    with np.errstate(all="ignore"):
        result = getattr(pandas_ta, indicator.function)(**series, **indicator.params)
    return result.to_frame() if isinstance(result, pd.Series) else result
