"""Our own indicators: found by themselves, honest about their window, never looking ahead."""

from __future__ import annotations

import math

import numpy as np
import pytest

from market_pipeline.errors import IndicatorError
from market_pipeline.indicators.contract import broken_promises
from market_pipeline.indicators.custom.parkinson import parkinson
from market_pipeline.indicators.custom.zscore import zscore
from market_pipeline.indicators.engine import compute, compute_many
from market_pipeline.indicators.indicator import Indicator
from market_pipeline.indicators.registry import custom_indicators, indicator
from market_pipeline_tests.indicators.situations import SITUATIONS, first_bars, flat, walk, with_unknown_volume

each = pytest.mark.parametrize("definition", custom_indicators(), ids=lambda definition: definition.columns[0])


def test_every_module_of_the_folder_is_found():
    assert [definition.columns for definition in custom_indicators()] == [("PARKINSON_20",), ("ZSCORE_30",)]


@each
def test_a_function_keeps_every_promise(definition: Indicator):
    assert [str(found) for found in broken_promises(definition)] == []


@each
@pytest.mark.parametrize("situation", SITUATIONS)
def test_there_is_a_finite_value_once_warm_and_none_before(definition: Indicator, situation: str):
    window = SITUATIONS[situation]
    values = compute(window, first=0, indicators=(definition,))
    warm_up = definition.params["window"] - 1
    assert np.isnan(values[:, :warm_up]).all()
    assert np.isfinite(values[:, warm_up:]).all()


@each
def test_symbols_together_get_the_values_of_each_alone(definition: Indicator):
    windows = [walk(seed=seed) for seed in range(4)]
    together = compute_many([*windows, first_bars(walk(), 7)], [359] * 4 + [6], indicators=(definition,))
    alone = [compute(window, first=359, indicators=(definition,))[:, 0] for window in windows]
    assert np.allclose(together[:4], alone, rtol=1e-9, atol=0)
    assert np.isnan(together[4]).all()


def test_the_zscore_of_twenty_nine_zeroes_and_a_one_is_the_root_of_twenty_nine():
    assert zscore(np.array([100.0] * 29 + [101.0]))[-1] == pytest.approx(math.sqrt(29), rel=1e-9)


def test_the_zscore_of_a_flat_price_is_zero_even_where_its_mean_is_rounded():
    assert zscore(np.full(40, 0.1))[29:].tolist() == [0.0] * 11


def test_parkinsons_volatility_of_bars_that_span_one_percent():
    low = np.full(20, 100.0)
    assert parkinson(low * 1.01, low)[-1] == pytest.approx(0.597578, rel=1e-5)


def test_parkinsons_volatility_of_flat_bars_is_zero():
    assert parkinson(flat().high, flat().low)[-1] == 0.0


def test_unknown_volume_does_not_touch_an_indicator_of_prices():
    window = with_unknown_volume(walk(), 359)
    assert np.isfinite(compute(window, first=359, indicators=custom_indicators())).all()


@pytest.mark.parametrize(("inputs", "window"), [("closing", 5), ("", 5), ("close", 0)])
def test_a_decorator_that_cannot_be_right_is_refused(inputs, window):
    with pytest.raises(IndicatorError, match=r"register 'X_1' of .* correct the decorator"):
        indicator("X_1", inputs, window=window, unit="percent", description="nothing")
