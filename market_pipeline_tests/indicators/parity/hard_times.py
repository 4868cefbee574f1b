"""Where bars are flat, silent or tied, pandas-ta and TA-Lib part in more ways than on a lively walk."""

from __future__ import annotations

from collections.abc import Mapping

ZERO_BY_ZERO: Mapping[str, float] = {
    "VHF_28": 0.0,
    "WILLR_14": 0.0,
    "UO_7_14_28": 0.0,
    "ER_10": 1.0,
    "CMF_20": 0.0,
    "PVO_12_26": 0.0,
    "VWAP_D": 0.0,
}
"""TA-Lib's figure where a window has no range, no move or no volume; pandas-ta has none."""

EPSILON_BY_EPSILON = "a bar of one price: pandas-ta adds 2e-16 above and below the line and has 1, TA-Lib has 0"

ON_RECORDED_MINUTES: Mapping[str, str] = {
    "BOP": EPSILON_BY_EPSILON,
    "ER_10": "ten equal closes: pandas-ta has no figure, TA-Lib 1",
    "VWAP_D": "a first bar without volume: pandas-ta has no figure, TA-Lib 0",
    "KAMA_10": "the start is forgotten more slowly while the price stands still",
    "SUPERTd_10_3": "as SUPERT_10_3: the band that pandas-ta forgets decides a reversal",
    "CTI_12": "rounding: twelve closes that are all but equal have no line to correlate with",
    "LINREG_SLOPE_14": "rounding: 1.2e-9 of the median slope, where SPY moves by a millionth of its price a minute",
    "LINREG_ANGLE_14": "likewise",
}
"""What lies farther apart on recorded minutes of six symbols than on the walk, and why."""
