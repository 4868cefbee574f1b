"""The catalogue as data: complete, unambiguous, and true about itself."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import talib.abstract

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators import catalogue, talib_calls
from market_pipeline.indicators.catalogue import CATALOGUE, all_indicators, columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.indicators.indicator import Anchor, Indicator
from market_pipeline_tests.indicators.situations import SITUATIONS, walk

by_columns = pytest.mark.parametrize("indicator", CATALOGUE, ids=lambda indicator: indicator.columns[0])


def test_talib_fills_at_least_141_columns():
    assert sum(len(indicator.columns) for indicator in CATALOGUE) >= 141


def test_the_groups_come_in_the_order_talib_then_pandas_ta_then_our_own():
    groups = [column.group for column in columns()]
    assert list(dict.fromkeys(groups)) == ["talib", "pandas_ta", "custom"]


@pytest.mark.parametrize(
    "name", ["RSI_14", "MACD_12_26_9", "MACDs_12_26_9", "MACDh_12_26_9", "BBU_20_2", "STOCHk_14_3_3", "SUPERT_10_3",
             "SUPERTd_10_3", "PSAR_0.02_0.2", "VWAP_D", "FISHERT_9_1", "CHOP_14_1_100.0", "ZSCORE_30"]
)  # fmt: skip
def test_a_column_has_the_name_that_users_of_talib_and_pandas_ta_know(name):
    assert name in {column.column for column in columns()}


def test_no_two_columns_differ_by_case_alone():
    names = [column.column.lower() for column in columns()]
    assert len(names) == len(set(names))


def test_a_column_name_needs_nothing_but_quotes_in_sql():
    assert [c.column for c in columns() if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", c.column)] == []


def test_a_name_given_twice_is_refused_whatever_its_case(monkeypatch):
    monkeypatch.setattr(catalogue, "PANDAS_TA_GROUP", (replace(CATALOGUE[0], columns=("sma_5",)),))
    with pytest.raises(IndicatorError, match=r"columns \['sma_5'\] are filled more than once"):
        all_indicators.__wrapped__()


@by_columns
def test_every_parameter_of_the_talib_function_is_stated(indicator: Indicator):
    assert set(indicator.params) == set(talib.abstract.Function(indicator.function).parameters)


def test_a_parameter_left_to_its_default_is_refused():
    careless = replace(CATALOGUE[0], params={})
    with pytest.raises(IndicatorError, match=r"takes \('timeperiod',\).*gives \(\).*state each parameter"):
        talib_calls.bind(careless)


@by_columns
def test_every_column_has_a_unit_a_meaning_and_a_page(indicator: Indicator):
    assert len(indicator.kinds) == len(indicator.columns)
    assert all(kind.unit for kind in indicator.kinds)
    assert indicator.description
    assert indicator.source == f"https://ta-lib.org/functions/{indicator.function.lower()}"


def test_exactly_the_running_totals_start_anew_with_each_session():
    anew = [indicator.function for indicator in CATALOGUE if indicator.anchor is Anchor.SESSION]
    assert sorted(anew) == ["AD", "NVI", "OBV", "PVI", "PVT", "VWAP"]


def test_totals_are_stored_in_float64_patterns_in_int16_and_the_rest_in_float32():
    types = {column.column: column.storage_type for column in columns()}
    assert {name for name, type_ in types.items() if type_ == "float64"} == {"OBV", "AD", "PVT"}
    assert types["CDLDOJI"] == types["SUPERTd_10_3"] == "int16"
    assert types["RSI_14"] == types["VWAP_D"] == types["ZSCORE_30"] == "float32"


def test_the_warm_up_is_the_number_of_bars_before_the_first_value():
    window = walk(bars=600)
    values = compute_many([window], [0], tier_1={"WALK"})
    first = {c.column: int(np.argmax(~np.isnan(values[:, i]))) for i, c in enumerate(columns())}
    start = {c.column: window.session_start if c.anchor == "session" else 0 for c in columns()}
    assert {name: bar - start[name] for name, bar in first.items()} == {c.column: c.warm_up for c in columns()}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_no_value_leaves_the_stated_range(situation):
    window = SITUATIONS[situation]
    values = compute_many([window], [0], tier_1={window.symbol})
    for place, column in enumerate(columns()):
        low, high = column.range or (-np.inf, np.inf)
        seen = values[:, place]
        assert not ((seen < low - 1e-9) | (seen > high + 1e-9)).any(), column.column


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_value_survives_its_storage_type_to_a_millionth(situation):
    window = SITUATIONS[situation]
    values = compute_many([window], [0], tier_1={window.symbol})
    for place, column in enumerate(columns()):
        seen = values[np.isfinite(values[:, place]), place]
        assert np.allclose(seen.astype(column.storage_type), seen, rtol=1e-6, atol=0), column.column


def test_reading_the_definitions_loads_no_computing_library():
    code = (
        "import sys; from market_pipeline.indicators.catalogue import all_indicators; all_indicators();"
        "print({'talib', 'pandas', 'pandas_ta'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@by_columns
def test_the_figures_in_a_name_are_parameters(indicator: Indicator):
    stated = [float(value) for value in indicator.params.values()]
    for name in indicator.columns:
        figures = [float(part) for part in name.split("_")[1:] if part[0].isdigit()]
        assert [figure for figure in figures if figure not in stated] == []
        assert all(figures.count(figure) <= stated.count(figure) for figure in figures)
