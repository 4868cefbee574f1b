"""Every TA-Lib column beside TA-Lib called directly: equal to the last bit, on recorded minutes of two markets.

The synthetic situations (ties, halts, no volume, five bars, prices of a millionth …) are compared in test_engine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import CATALOGUE, columns
from market_pipeline.indicators.engine import compute, compute_many
from market_pipeline_tests.indicators.parity.real_bars import SYMBOLS, real_bars
from market_pipeline_tests.indicators.parity.talib_direct import straight_from_talib


def test_the_catalogue_holds_at_least_141_columns_of_talib_and_160_in_all():
    assert sum(column.group == "talib" for column in columns()) >= 141
    assert len(columns()) >= 160


@pytest.fixture(scope="module")
def windows(realdata: Path) -> list[BarWindow]:
    """Return each symbol's five sessions, the last two fifths of which are taken for the present session."""
    bars = {symbol: real_bars(realdata, symbol) for symbol in SYMBOLS}
    return [BarWindow(symbol, **b, session_start=3 * len(b["close"]) // 5) for symbol, b in bars.items()]


@pytest.mark.realdata
@pytest.mark.parametrize("indicator", CATALOGUE, ids=lambda indicator: indicator.columns[0])
def test_recorded_minutes_of_both_markets_give_talibs_bits(windows, indicator):
    for window in windows:
        ours = compute(window, first=0, indicators=(indicator,))
        assert np.array_equal(ours, straight_from_talib(indicator, window), equal_nan=True), window.symbol


@pytest.mark.realdata
def test_one_minute_of_the_whole_catalogue_gives_the_bits_of_the_session(windows):
    firsts = [len(window) - 1 for window in windows]
    minute = compute_many(windows, firsts, indicators=CATALOGUE)
    for row, window in zip(minute, windows, strict=True):
        newest = np.concatenate([straight_from_talib(indicator, window)[:, -1] for indicator in CATALOGUE])
        assert np.array_equal(row, newest, equal_nan=True), window.symbol
