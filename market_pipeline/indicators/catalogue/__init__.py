"""Every indicator there is, as data: a line here, or a function in ../custom/, is all that a new one takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.catalogue.averages import AVERAGES
from market_pipeline.indicators.catalogue.momentum import MOMENTUM
from market_pipeline.indicators.catalogue.patterns import PATTERNS
from market_pipeline.indicators.catalogue.statistics import STATISTICS
from market_pipeline.indicators.catalogue.trend import TREND
from market_pipeline.indicators.catalogue.volatility import VOLATILITY
from market_pipeline.indicators.catalogue.volume import VOLUMES
from market_pipeline.indicators.indicator import Indicator
from market_pipeline.indicators.pandas_ta_group import PANDAS_TA_GROUP
from market_pipeline.indicators.registry import custom_indicators

_FAMILIES = {
    "averages": AVERAGES,
    "trend": TREND,
    "momentum": MOMENTUM,
    "volatility": VOLATILITY,
    "volume": VOLUMES,
    "statistics": STATISTICS,
    "patterns": PATTERNS,
}

CATALOGUE: tuple[Indicator, ...] = tuple(
    replace(indicator, family=family) for family, members in _FAMILIES.items() for indicator in members
)
"""The indicators that TA-Lib computes, for every symbol of every market."""
TWINS: Mapping[str, str] = {"BBM_20_2": "SMA_20", "ACCM_20": "SMA_20"}
"""Column → the column that it equals to the last bit, by definition; the disk keeps one of them."""


@dataclass(frozen=True)
class IndicatorColumn:
    """One column as outsiders see it. `warm_up` is the number of bars before the first value."""

    column: str
    function: str
    inputs: tuple[str, ...]
    params: Mapping[str, float | str]
    anchor: str
    unit: str
    range: tuple[float, float] | None
    warm_up: int
    source: str
    description: str
    storage_type: str
    group: str
    family: str


@cache
def all_indicators() -> tuple[Indicator, ...]:
    """Return TA-Lib's, pandas-ta's and our own indicators, in the order of the columns.

    Raise IndicatorError when two of them fill the same column; DuckDB does not tell upper from lower case.
    """
    indicators = (*CATALOGUE, *PANDAS_TA_GROUP, *custom_indicators())
    counts = Counter(name.lower() for indicator in indicators for name in indicator.columns)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise IndicatorError(
            f"read the indicators: columns {twice} are filled more than once (case does not count); "
            "a retry cannot help: rename one of each in indicators/catalogue or indicators/custom"
        )
    return indicators


@cache
def columns() -> tuple[IndicatorColumn, ...]:
    """Return one entry for each column that compute_many fills, in its order. Imports TA-Lib for the warm-ups."""
    from market_pipeline.indicators.talib_calls import warm_up

    return tuple(
        _describe(indicator, position, warm_up(indicator))
        for indicator in all_indicators()
        for position in range(len(indicator.columns))
    )


def _describe(indicator: Indicator, position: int, warm_up_bars: int) -> IndicatorColumn:
    kind = indicator.kinds[position]
    return IndicatorColumn(
        column=indicator.columns[position],
        function=indicator.function,
        inputs=indicator.inputs,
        params=dict(indicator.params),
        anchor=indicator.anchor.value,
        unit=kind.unit,
        range=kind.range,
        warm_up=warm_up_bars,
        source=indicator.source,
        description=indicator.description,
        storage_type=kind.storage_type,
        group=indicator.group.value,
        family=indicator.family,
    )
