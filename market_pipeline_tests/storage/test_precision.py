"""Twenty significant bits at most, and thirty-seven for totals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from market_pipeline.storage.precision import shorten, shorten_total, stored_column


def test_the_relative_error_is_below_one_millionth() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=200_000) * 10.0 ** random.integers(-8, 9, 200_000)
    error = np.abs(shorten(values).astype(np.float64) - values) / np.abs(values)
    assert 9.0e-7 < error.max() < 1e-6


def test_the_lowest_four_bits_of_each_float32_are_zero() -> None:
    bits = shorten(np.random.default_rng(3).normal(size=1000)).view(np.uint32)
    assert not (bits & 0b1111).any()
    assert 0.1 < np.mean((bits & 0b10000) != 0) < 0.4  # without the choice it were 0.5


def test_exact_values_stay_exact() -> None:
    values = np.array([0.0, 1.0, -2.5, 100.0, 504.25, 1_048_575.0])
    assert shorten(values).tolist() == [0.0, 1.0, -2.5, 100.0, 504.25, 1_048_575.0]


def test_a_value_close_to_a_rounder_one_takes_that() -> None:
    assert shorten(np.array([1.9999990001])).tolist() == [2.0]


def test_totals_keep_whole_numbers_and_eleven_digits() -> None:
    found = shorten_total(np.array([98_765_432_101.0, 0.0, -1 / 3, np.nan]))
    assert found[:2].tolist() == [98_765_432_101.0, 0.0]
    assert abs(found[2] * 3 + 1) < 1e-11
    assert np.isnan(found[3])


def test_what_is_not_a_finite_number_stays_what_it_is() -> None:
    found = shorten(np.array([np.nan, np.inf, -np.inf]))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [np.inf, -np.inf]


def test_what_a_column_cannot_hold_as_a_finite_number_is_null() -> None:
    values = np.array([np.nan, np.inf, -np.inf, 1e39, -1e300, -3e38, 2.5])
    found = stored_column(values, pa.float32()).to_pylist()
    assert found[:5] == [None] * 5
    assert abs(found[5] / -3e38 - 1) < 1e-6
    assert found[6] == 2.5
