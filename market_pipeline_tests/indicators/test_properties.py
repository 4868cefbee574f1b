"""What must hold of every column, whoever computes it: no look-ahead, an honest window, the same when asked again.

That batch and stream agree is tested beside the streaming engine.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import all_indicators, columns
from market_pipeline.indicators.engine import compute, compute_many
from market_pipeline.indicators.indicator import Anchor, FloatArray, Group, Indicator
from market_pipeline.indicators.talib_calls import warm_up
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline_tests.indicators.situations import SITUATIONS, first_bars, walk
from market_pipeline_tests.storage.desk import DAY, NOON, minute, open_warehouse, rows_of

every = pytest.mark.parametrize("indicator", all_indicators(), ids=lambda indicator: indicator.columns[0])
fresh_ones = pytest.mark.parametrize(
    "indicator", [i for i in all_indicators() if i.is_tail_exact or i.group is Group.CUSTOM], ids=lambda i: i.columns[0]
)
LONG = {name: window for name, window in SITUATIONS.items() if len(window) > 200}
CENTRED = {"skew", "kurtosis"}
"""pandas takes the mean of all its bars off before it sums third and fourth powers: rounding knows the future, by
2e-6 of the kurtosis of a window that all but stands still."""


def of(indicator: Indicator, window: BarWindow, *, first: int = 0) -> FloatArray:
    return compute(window, first=first, indicators=(indicator,))


def is_same(indicator: Indicator, some: FloatArray, other: FloatArray) -> bool:
    """Compare bits; a pandas column to 1e-7 where rounding depends on the number of bars, custom ones to 1e-12."""
    tolerance = {Group.TALIB: 0.0, Group.CUSTOM: 1e-12, Group.PANDAS_TA: 1e-9}[indicator.group]
    if indicator.function in CENTRED:
        tolerance = 1e-5
    return np.allclose(some, other, rtol=tolerance, atol=tolerance, equal_nan=True)


@every
def test_no_value_changes_when_the_future_arrives(indicator: Indicator):
    for name, window in LONG.items():
        whole = of(indicator, window)
        for bars in (1, 5, 61, 199, window.session_start, window.session_start + 1, len(window) - 1):
            before = of(indicator, first_bars(window, min(bars, len(window))))
            assert is_same(indicator, before, whole[:, : before.shape[1]]), f"{name}, {bars} bars"


@every
def test_the_shortest_past_with_a_value_has_one_bar_more_than_the_warm_up(indicator: Indicator):
    needed = warm_up(indicator)
    if indicator.anchor is Anchor.SESSION:
        needed += 240
    lively = walk(bars=600)
    assert np.isnan(of(indicator, first_bars(lively, needed))).all()
    assert np.isfinite(of(indicator, first_bars(lively, needed + 1))[:, -1]).all()


@fresh_ones
def test_a_column_that_claims_to_need_its_own_bars_alone_does(indicator: Indicator):
    needed = warm_up(indicator) + 1
    for name, window in LONG.items():
        whole = of(indicator, window)
        for end in range(needed, len(window) + 1, 37):
            alone = BarWindow("ALONE", *(field[end - needed : end] for field in window.fields), session_start=0)
            assert is_same(indicator, of(indicator, alone)[:, -1], whole[:, end - 1]), f"{name}, bar {end - 1}"


@every
def test_asked_again_in_portions_or_backwards_the_values_are_the_same(indicator: Indicator):
    window = walk(seed=11)
    whole = of(indicator, window)
    edges = [0, 17, 240, 241, 359, 360]
    for start, end in reversed(list(pairwise(edges))):
        assert is_same(indicator, of(indicator, first_bars(window, end), first=start), whole[:, start:end])
    assert np.array_equal(of(indicator, window), whole, equal_nan=True)


def test_all_columns_together_have_the_bits_of_each_alone():
    window = SITUATIONS["a halt over the session's start"]
    together = compute_many([window], [300], tier_1={window.symbol})
    alone = np.concatenate([of(indicator, window, first=300) for indicator in all_indicators()])
    assert np.array_equal(together.T, alone, equal_nan=True)


def test_a_slice_written_again_whole_or_in_part_holds_the_same_bits(tmp_path: Path):
    table, names = indicators_1m(), [column.column for column in columns()]
    values = compute_many([walk()], [240], tier_1={"WALK"})
    where = {"market": "casablanca", "session_date": DAY, "known_at": NOON, "symbol": "WALK"}
    cells = [{n: None if np.isnan(v) else v for n, v in zip(names, row, strict=True)} for row in values.tolist()]
    rows = rows_of(table, (where | {"interval_start": minute(n)} | row for n, row in enumerate(cells)))
    warehouse = open_warehouse(tmp_path, table)
    warehouse.write(table, "casablanca", rows)
    first = warehouse.read(table, "casablanca", sessions=[DAY])
    for part in (rows, rows.slice(60, 30), rows.slice(119)):
        warehouse.write(table, "casablanca", part)
        assert warehouse.read(table, "casablanca", sessions=[DAY]).equals(first)
    assert first.num_rows == 120
