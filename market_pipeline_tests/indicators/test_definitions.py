"""TA-Lib's youngest functions rebuilt from its oldest: averages, extremes and deviations, as their descriptions say."""

from __future__ import annotations

import numpy as np
import talib

from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many
from market_pipeline_tests.indicators.situations import walk

WINDOW = walk()
HIGH, LOW, CLOSE = WINDOW.high, WINDOW.low, WINDOW.close
VALUES = dict(zip((column.column for column in columns()), compute_many([WINDOW], [0]).T, strict=True))


def assert_rebuilt(column: str, rebuilt: np.ndarray, *, from_bar: int) -> None:
    """Compare the newest values of both, from the bar on at which the column must have its first."""
    ours = VALUES[column]
    assert np.isnan(ours[:from_bar]).all()
    assert np.allclose(ours[from_bar:], rebuilt[-len(ours[from_bar:]) :], rtol=1e-9, atol=1e-9)


def smoothed(values: np.ndarray, *periods: int) -> np.ndarray:
    """Apply exponential means one after the other, each without the warm-up of the one before."""
    for period in periods:
        values = talib.EMA(np.ascontiguousarray(values), period)[period - 1 :]
    return values


def test_tsi_is_the_twice_smoothed_change_against_its_size():
    change = np.diff(CLOSE)
    assert_rebuilt("TSI_25_13", 100 * smoothed(change, 25, 13) / smoothed(np.abs(change), 25, 13), from_bar=37)


def test_smi_is_the_twice_smoothed_distance_from_the_middle_against_half_the_range():
    highest, lowest = talib.MAX(HIGH, 13)[12:], talib.MIN(LOW, 13)[12:]
    distance = CLOSE[12:] - (highest + lowest) / 2
    smi = 100 * smoothed(distance, 25, 2) / (smoothed(highest - lowest, 25, 2) / 2)
    assert_rebuilt("SMIs_13_25_2_9", smoothed(smi, 9), from_bar=45)


def test_kdj_is_the_stochastic_in_wilders_means():
    highest, lowest = talib.MAX(HIGH, 9)[8:], talib.MIN(LOW, 9)[8:]
    k = talib.RMA(100 * (CLOSE[8:] - lowest) / (highest - lowest), 3)[2:]
    d = talib.RMA(k, 3)[2:]
    assert_rebuilt("KDJk_9_3", k, from_bar=12)
    assert_rebuilt("KDJj_9_3", 3 * k[2:] - 2 * d, from_bar=12)


def test_rvi_counts_deviations_up_or_down():
    deviation, change = talib.STDDEV(CLOSE, 10, 1.0)[9:], np.diff(CLOSE)[8:]
    up = talib.RMA(np.where(change > 0, deviation, 0.0), 14)
    down = talib.RMA(np.where(change < 0, deviation, 0.0), 14)
    assert_rebuilt("RVI_14_10", 100 * up / (up + down), from_bar=22)


def test_chaikins_volatility_is_the_change_of_the_mean_range():
    mean_range = smoothed(HIGH - LOW, 10)
    assert_rebuilt("CVI_10_10", 100 * (mean_range[10:] / mean_range[:-10] - 1), from_bar=19)


def test_the_mass_index_sums_the_ratio_of_two_mean_ranges():
    once = smoothed(HIGH - LOW, 9)
    ratio = once[8:] / smoothed(once, 9)
    assert_rebuilt("MASSI_9_25", np.convolve(ratio, np.ones(25), mode="valid"), from_bar=40)


def test_keltners_middle_is_the_mean_of_the_typical_price():
    assert_rebuilt("KCM_20_10_2", smoothed((HIGH + LOW + CLOSE) / 3, 20), from_bar=19)


def test_the_hull_mean_is_a_short_weighted_mean_of_twice_the_fast_less_the_slow():
    difference = (2 * talib.WMA(CLOSE, 10) - talib.WMA(CLOSE, 20))[19:]
    assert_rebuilt("HMA_20", talib.WMA(difference, 4)[3:], from_bar=22)


def test_the_triangular_mean_of_twenty_is_a_mean_of_eleven_means_of_ten():
    assert_rebuilt("TRIMA_20", talib.SMA(talib.SMA(CLOSE, 10)[9:], 11)[10:], from_bar=19)


def test_the_mean_without_lag_is_that_of_closes_carried_on_by_their_last_nine_bars():
    assert_rebuilt("ZLEMA_20", smoothed(2 * CLOSE[9:] - CLOSE[:-9], 20), from_bar=28)


def test_tillsons_mean_is_a_generalised_double_mean_applied_three_times():
    e3, e4, e5, e6 = (smoothed(CLOSE, *[5] * times)[-336:] for times in (3, 4, 5, 6))
    cube_of_both = 1.7**3 * e3 - 3 * 1.7**2 * 0.7 * e4 + 3 * 1.7 * 0.7**2 * e5 - 0.7**3 * e6
    assert_rebuilt("T3_5_0.7", cube_of_both, from_bar=24)


def test_the_index_of_falling_volume_compounds_the_changes_of_those_bars():
    moves = np.where(np.diff(WINDOW.volume[240:]) < 0, CLOSE[241:] / CLOSE[240:-1], 1.0)
    assert_rebuilt("NVI", 1000 * np.cumprod(np.r_[1.0, moves]), from_bar=240)


def test_kaufmans_mean_weighs_by_the_square_of_the_scaled_efficiency():
    weight = (VALUES["ER_10"] * (2 / 3 - 2 / 31) + 2 / 31) ** 2
    kama = [CLOSE[9]]
    for bar in range(10, 360):
        kama.append(kama[-1] + weight[bar] * (CLOSE[bar] - kama[-1]))
    assert_rebuilt("KAMA_10", np.array(kama[1:]), from_bar=10)


def test_the_percent_rank_counts_the_closes_below():
    rank = [100 * np.mean(CLOSE[bar - 100 : bar] < CLOSE[bar]) for bar in range(100, 360)]
    assert_rebuilt("PERCENTRANK_100", np.array(rank), from_bar=100)


def test_an_acceleration_band_widens_with_the_relative_range():
    width = 4 * (HIGH - LOW) / (HIGH + LOW)
    assert_rebuilt("ACCU_20", talib.SMA(HIGH * (1 + width), 20), from_bar=19)
    assert_rebuilt("ACCL_20", talib.SMA(LOW * (1 - width), 20), from_bar=19)


def test_beta_is_the_slope_of_the_lows_changes_on_the_highs():
    on, of = HIGH[196:201] / HIGH[195:200] - 1, LOW[196:201] / LOW[195:200] - 1
    assert np.isclose(VALUES["BETA_5"][200], np.cov(on, of, bias=True)[0, 1] / on.var(), rtol=1e-9)
