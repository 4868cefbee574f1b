"""Values that can be worked out on paper, so that a fault common to all of TA-Lib's interfaces would show."""

from __future__ import annotations

import numpy as np
import pytest

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many

NAMES = [column.column for column in columns()]
UP_AND_DOWN = np.cumsum([100.0, 1, 1, -1, 1, 1, 1, -1, 1, -1, 1, 1, -1, 1, 1])


def last(column: str, closes, *, reach=0.0, volumes=None) -> float:
    """Return the column's newest value for bars that reach `reach` above and below their close."""
    close = np.asarray(closes, dtype=np.float64)
    volume = np.ones(len(close)) if volumes is None else np.asarray(volumes, dtype=np.float64)
    window = BarWindow("PAPER", close, close + reach, close - reach, close, volume, session_start=0)
    return float(compute_many([window], [len(close) - 1])[0, NAMES.index(column)])


def test_the_simple_mean_of_one_to_five_is_three():
    assert last("SMA_5", [1, 2, 3, 4, 5]) == 3.0


def test_the_exponential_mean_starts_with_the_simple_one_and_moves_a_third_of_the_way():
    assert last("EMA_5", [1, 2, 3, 4, 5, 6]) == 4.0


def test_a_weighted_mean_of_ten_counts_the_newest_ten_times():
    assert last("WMA_10", range(1, 11)) == pytest.approx(7.0, rel=1e-12)


def test_rsi_of_ten_rises_and_four_falls_by_one_is_ten_fourteenths():
    assert last("RSI_14", UP_AND_DOWN) == pytest.approx(1000 / 14, rel=1e-12)


def test_rsi_without_any_move_is_zero_by_talibs_rule():
    assert last("RSI_14", [100.0] * 20) == 0.0


def test_cmo_of_ten_rises_and_four_falls_is_six_fourteenths():
    assert last("CMO_14", UP_AND_DOWN) == pytest.approx(600 / 14, rel=1e-12)


@pytest.mark.parametrize("column", ["TSI_25_13", "SMI_13_25_2_9", "RVI_14_10", "RSI_14", "AROONOSC_14", "KDJk_9_3"])
def test_a_steady_rise_is_the_full_hundred(column):
    assert last(column, np.arange(100.0, 200.0)) == pytest.approx(100.0, rel=1e-12)


@pytest.mark.parametrize("column", ["TSI_25_13", "SMI_13_25_2_9", "CMO_14", "AROONOSC_14", "WILLR_14"])
def test_a_steady_fall_is_minus_the_full_hundred(column):
    assert last(column, np.arange(200.0, 100.0, -1)) == pytest.approx(-100.0, rel=1e-12)


def test_the_average_true_range_of_bars_two_high_without_moves_is_two():
    assert last("ATR_14", [100.0] * 30, reach=1.0) == pytest.approx(2.0, rel=1e-12)
    assert last("NATR_14", [100.0] * 30, reach=1.0) == pytest.approx(2.0, rel=1e-12)


def test_chaikins_volatility_of_an_unchanging_range_is_zero():
    assert last("CVI_10_10", UP_AND_DOWN.tolist() * 3, reach=1.0) == pytest.approx(0.0, abs=1e-12)


def test_bollingers_bands_of_alternating_ninety_nine_and_hundred_one_lie_two_away():
    closes = [99.0, 101.0] * 10
    bands = [last(column, closes) for column in ("BBL_20_2", "BBM_20_2", "BBU_20_2")]
    assert bands == pytest.approx([98.0, 100.0, 102.0], rel=1e-12)


def test_donchians_channel_spans_the_extremes_of_twenty_bars():
    closes = [500.0, *range(100, 120)]
    assert [last(f"DC{line}_20", closes, reach=1.0) for line in "LMU"] == [99.0, 109.5, 120.0]


def test_obv_adds_the_volume_of_rises_and_takes_off_that_of_falls():
    assert last("OBV", [10, 11, 10.5, 10.5, 12], volumes=[100, 20, 3, 7, 50]) == 100 + 20 - 3 + 50


def test_vwap_weights_prices_by_volume():
    assert last("VWAP_D", [10, 20], volumes=[300, 100]) == pytest.approx(12.5, rel=1e-12)


def test_price_volume_trend_adds_volume_times_relative_change():
    assert last("PVT", [10, 11, 5.5], volumes=[1, 100, 40]) == pytest.approx(100 * 0.1 - 40 * 0.5, rel=1e-12)


def test_the_negative_volume_index_moves_only_as_volume_falls():
    assert last("NVI", [10, 11, 12.1], volumes=[100, 50, 80]) == pytest.approx(1100.0, rel=1e-12)
    assert last("PVI", [10, 11, 12.1], volumes=[100, 50, 80]) == pytest.approx(1100.0, rel=1e-12)


def test_relative_volume_compares_with_the_twenty_bars_before():
    assert last("RVOL_20", [10.0] * 21, volumes=[100] * 20 + [250]) == pytest.approx(2.5, rel=1e-12)


def test_the_rate_of_change_is_in_percent():
    assert last("ROC_1", [100, 103]) == pytest.approx(3.0, rel=1e-12)


def test_the_regression_of_a_straight_line_is_the_line_itself():
    closes = np.arange(100.0, 128.0, 2.0)
    assert last("LINREG_14", closes) == pytest.approx(126.0, rel=1e-12)
    assert last("LINREG_SLOPE_14", closes) == pytest.approx(2.0, rel=1e-12)
    assert last("TSF_14", closes) == pytest.approx(128.0, rel=1e-12)


def test_a_straight_path_is_fully_efficient():
    assert last("ER_10", np.arange(100.0, 120.0)) == pytest.approx(1.0, rel=1e-12)
    assert last("VHF_28", np.arange(100.0, 140.0)) == pytest.approx(27 / 28, rel=1e-12)


def test_the_detrended_price_compares_with_a_close_of_the_past():
    closes = np.arange(100.0, 120.0)
    assert last("DPO_20", closes) == pytest.approx(closes[-1 - 11] - closes.mean(), abs=1e-9)
