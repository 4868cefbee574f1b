"""One indicator on bars of one's own: columns, TA-Lib, pandas-ta, and what is refused with which words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import talib

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline.indicators.indicator import FIELDS
from market_pipeline.indicators.on_demand import compute_one
from market_pipeline.indicators.pandas_ta_group import EXCLUDED
from market_pipeline_tests.indicators.situations import walk, with_unknown_volume

WINDOW = walk()
BARS = dict(zip(FIELDS, WINDOW.fields, strict=True))


def test_a_talib_function_takes_parameters_that_no_column_has():
    values = compute_one("RSI", {"timeperiod": 9}, bars=BARS)
    assert list(values) == ["real"]
    assert np.array_equal(values["real"], talib.RSI(WINDOW.close, timeperiod=9), equal_nan=True)


def test_a_function_of_several_outputs_gives_each_by_talibs_name_for_it():
    values = compute_one("MACD", {"fastperiod": 5, "slowperiod": 35, "signalperiod": 5}, bars=BARS)
    assert list(values) == ["macd", "macdsignal", "macdhist"]
    assert np.array_equal(values["macdhist"], talib.MACD(WINDOW.close, 5, 35, 5)[2], equal_nan=True)


@pytest.mark.parametrize("column", columns(), ids=lambda column: column.column)
def test_a_column_has_the_bits_of_the_warehouse(column):
    place = [c.column for c in columns()].index(column.column)
    expected = compute_many([WINDOW], [0], tier_1={"WALK"})[:, place]
    found = compute_one(column.column, {}, bars=BARS, session_start=240)
    assert list(found) == [column.column]
    assert np.array_equal(found[column.column], expected, equal_nan=True)


def test_other_fields_take_the_place_of_the_usual_ones():
    values = compute_one("SMA", {"timeperiod": 3}, bars=BARS, inputs=("high",))
    assert np.array_equal(values["real"], talib.SMA(WINDOW.high, 3), equal_nan=True)


def test_bars_may_be_a_frame_of_whole_numbers_without_the_fields_that_are_not_read():
    frame = pd.DataFrame({"close": [1, 2, 3, 4]})
    assert compute_one("SMA", {"timeperiod": 2}, bars=frame)["real"].tolist()[1:] == [1.5, 2.5, 3.5]


def test_volume_alone_is_enough_for_an_indicator_of_volume():
    values = compute_one("RVOL", {"timeperiod": 2}, bars={"volume": [10.0, 30.0, 40.0]})
    assert values["real"][-1] == 2.0


def test_unknown_volume_gives_no_value():
    bars = dict(zip(FIELDS, with_unknown_volume(WINDOW, 359).fields, strict=True))
    assert np.isnan(compute_one("OBV", {}, bars=bars)["OBV"][-1])


def test_a_pattern_says_nothing_while_it_warms_up():
    values = compute_one("CDLDOJISTAR", {}, bars=BARS)["integer"]
    assert np.isnan(values[:11]).all()
    assert set(values[11:]) <= {-100.0, 0.0, 100.0}


def test_a_function_of_pandas_ta_computes_with_its_own_averages_and_names():
    values = compute_one("mcgd", {"length": 2, "c": 1.0}, bars={"close": [10.0, 11.0]})
    assert list(values) == ["MCGD_2"]
    assert values["MCGD_2"][1] == 10.0 + 1.0 / (2 * (11.0 / 10.0) ** 4)


def test_a_function_of_pandas_ta_does_not_depend_on_talib_being_there():
    assert np.isfinite(compute_one("rsi", {"length": 14}, bars=BARS)["RSI_14"][1])  # TA-Lib waits for 14 bars


@pytest.mark.parametrize(
    ("function", "params", "message"),
    [
        ("RSI", {}, r"takes \('timeperiod',\).*gives \(\).*state each parameter"),
        ("RSI", {"period": 14}, r"takes \('timeperiod',\).*gives \('period',\)"),
        ("NOSUCH", {}, "compute NOSUCH on demand: TA-Lib has no such function; a retry cannot help"),
        ("nosuch", {}, "neither a column, nor TA-Lib's .* nor pandas-ta's; a retry cannot help: correct the name"),
        ("alma", {"size": 9}, r"it takes \['close', 'length'.*given are \['size'\]; .* correct the parameters"),
        ("cci", {"length": 20}, f"pandas-ta's function is excluded: {EXCLUDED['cci'][:20]}.*use TA-Lib's instead"),
        ("aroon", {"length": 5000}, "pandas-ta returned nothing; .* give it more bars"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_the_reason(function, params, message):
    with pytest.raises(IndicatorError, match=message):
        compute_one(function, params, bars=BARS)


def test_a_field_that_is_missing_is_named():
    with pytest.raises(IndicatorError, match=r"compute ATR on demand: the bars have no 'high'; .* add that field"):
        compute_one("ATR", {"timeperiod": 14}, bars={"close": WINDOW.close})


def test_too_few_inputs_are_refused():
    with pytest.raises(IndicatorError, match=r"it reads \['high', 'low'\], `inputs` names \('close',\)"):
        compute_one("MIDPRICE", {"timeperiod": 14}, bars=BARS, inputs=("close",))


def test_a_price_that_is_no_number_is_refused():
    with pytest.raises(IndicatorError, match="take SMA's bars for indicators: a price is NaN or infinite"):
        compute_one("SMA", {"timeperiod": 2}, bars={"close": [1.0, np.nan, 2.0]})
