"""pandas-ta's group, which finds TA-Lib installed and takes its averages, beside pandas-ta without TA-Lib."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from market_pipeline.indicators.pandas_ta_group import PANDAS_TA_GROUP
from market_pipeline_tests.indicators.parity.pair import Pair, theirs
from market_pipeline_tests.indicators.parity.recipe import HIGH, LOW, Recipe, call, each

TOGETHER = "the columns of one call begin together with us, when the last of them has a figure"
FIRST_BAR = "without TA-Lib the first bar, which has no close before, counts with its own reach"
DIVISOR = "without TA-Lib the bands' deviation divides by 20 − 1, with it by 20"
MODE = "without TA-Lib its ATR is the plain mean that `mamode` asks for, with it Wilder's"

REACH = 1.5 * call("SMA", call("TRANGE"), timeperiod=20)
BAND = 2 * float(np.sqrt(20 / 19)) * call("STDDEV", timeperiod=20, nbdev=1.0)
PLAIN_ATR = call("SMA", call("TRANGE"), timeperiod=10)


def _is_less(one: Recipe, other: Recipe) -> Recipe:
    return each("less", lambda a, b: (a < b).astype(np.float64), one, other)


WHY: Mapping[str, str] = {
    "FISHERT_9_1": TOGETHER,
    "KST_10_15_20_30_10_10_10_15": TOGETHER,
    "CHOP_14_1_100.0": FIRST_BAR,
    "SQZ_20_2.0_20_1.5": TOGETHER,
    "SQZ_ON": DIVISOR,
    "SQZ_OFF": DIVISOR,
    "SQZ_NO": "pandas-ta says that there is neither while its bands still fill",
    "PGO_14": FIRST_BAR,
    "CKSPl_10_3.0_20": MODE,
    "CKSPs_10_3.0_20": MODE,
    "KVO_34_55_13": TOGETHER,
}
PROOFS: Mapping[str, Recipe] = {
    "SQZ_ON": _is_less(BAND, REACH),
    "SQZ_OFF": _is_less(REACH, BAND),
    "CKSPl_10_3.0_20": call("MAX", call("MAX", HIGH, timeperiod=10) - 3 * PLAIN_ATR, timeperiod=20),
    "CKSPs_10_3.0_20": call("MIN", call("MIN", LOW, timeperiod=10) + 3 * PLAIN_ATR, timeperiod=20),
}
EXTRA = tuple(
    Pair(column, theirs(definition.function, column, **definition.params), WHY.get(column, ""), PROOFS.get(column))
    for definition in PANDAS_TA_GROUP
    for column in definition.columns
)
