"""pandas-ta's group, computed by us, beside pandas-ta without TA-Lib."""

from __future__ import annotations

from collections.abc import Mapping

from market_pipeline.indicators.pandas_ta_group import PANDAS_TA_GROUP
from market_pipeline_tests.indicators.parity.pair import Pair, theirs

TOGETHER = "the columns of one call begin together with us, when the last of them has a figure"
ROUNDING = (
    "pandas adds each bar to running sums and takes it off again, ours sums each window: rounding of 8e-6 at most"
)
SEED = "pandas-ta's means start at the first bar with a figure, TA-Lib's after a whole period"
SCHAFF = "pandas-ta's stands still while the lowest MACD of ten bars is not above 0; ours follows Schaff's definition"
FIRST_BAR = "without TA-Lib the first bar, which has no close before, counts with its own reach"

WHY: Mapping[str, str] = {
    "FISHERT_9_1": TOGETHER,
    "KST_10_15_20_30_10_10_10_15": TOGETHER,
    "CHOP_14_1_100.0": FIRST_BAR,
    "SQZ_20_2.0_20_1.5": TOGETHER,
    "SQZ_NO": "pandas-ta says that there is neither while its bands still fill",
    "PGO_14": FIRST_BAR,
    "KVO_34_55_13": TOGETHER,
    "SQZ_ON": TOGETHER,
    "SQZ_OFF": TOGETHER,
    "CKSPl_10_3.0_20": FIRST_BAR,
    "SKEW_30": ROUNDING,
    "KURT_30": ROUNDING,
    "ISA_9": TOGETHER,
    "ITS_9": TOGETHER,
    "IKS_26": TOGETHER,
    "QQE_14_5_4.236": SEED,
    "QQE_14_5_4.236_RSIMA": SEED,
    "STC_10_12_26_0.5": SCHAFF,
}
EXTRA = tuple(
    Pair(column, theirs(definition.function, column, **definition.params), WHY.get(column, ""))
    for definition in PANDAS_TA_GROUP
    for column in definition.columns
)
