"""Every TA-Lib column beside TA-Lib called directly: equal to the last bit, on recorded minutes of two markets.

The synthetic situations (ties, halts, no volume, five bars, prices of a millionth …) are compared in test_engine.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from market_pipeline.errors import IndicatorError
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


NASTY = ("zeros", "penny", "toobig", "max", "mismatch", "intraday", "bitcoin", "msft", "_issue0859.adx.nan")
"""Recorded bars that broke another library: all zero, pennies, a quadrillion, dates in disorder, no volume."""


@pytest.fixture(scope="module", params=NASTY)
def nasty(realdata: Path, request: pytest.FixtureRequest) -> BarWindow:
    path = realdata / "reference" / "stock.indicators" / "quotes" / f"{request.param}.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))[1:]
    fields = [np.array([float(row[place]) for row in rows]) for place in range(1, 6)]
    return BarWindow(request.param, *fields, session_start=len(rows) // 2)


@pytest.mark.realdata
def test_bars_that_broke_another_library_give_talibs_bits(nasty):
    ours = compute_many([nasty], [0], indicators=CATALOGUE).T
    expected = np.concatenate([straight_from_talib(indicator, nasty) for indicator in CATALOGUE])
    assert np.array_equal(ours, expected, equal_nan=True)


@pytest.mark.realdata
def test_bars_that_broke_another_library_leave_no_range_and_only_volume_divides_by_zero(nasty):
    with np.errstate(invalid="ignore"):  # a price of 0, which no bar of the warehouse has
        values = compute_many([nasty], [0], tier_1={nasty.symbol})
    infinite = set()
    for column, seen in zip(columns(), values.T, strict=True):
        low, high = column.range or (-np.inf, np.inf)
        assert not ((seen < low - 1e-9) | (seen > high + 1e-9)).any(), column.column
        infinite |= {column.column} if np.isinf(seen).any() else set()
    assert infinite <= {"VWMA_20", "RVOL_20"}


@pytest.mark.realdata
def test_bars_with_a_missing_price_are_refused(realdata: Path):
    rows = list(csv.reader((realdata / "reference/stock.indicators/quotes/bad.csv").read_text().splitlines()))[1:]
    fields = [np.array([float(row[place] or "nan") for row in rows]) for place in range(1, 6)]
    with pytest.raises(IndicatorError, match="take bad's bars for indicators: a price is NaN or infinite"):
        BarWindow("bad", *fields, session_start=0)
