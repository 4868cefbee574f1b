"""Recorded minutes of the National Stock Exchange of India: the third of five sessions of August 2016."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.engine import compute_many

pytestmark = pytest.mark.realdata
SYMBOLS = ("RELIANCE", "ADANIENT", "APOLLOHOSP", "ASHOKLEY")
NAMES = [column.column for column in columns()]


@pytest.fixture(scope="module")
def windows(realdata: Path) -> list[BarWindow]:
    """The third session of each symbol after its two predecessors: 1,125 bars."""
    path = realdata / "replay" / "india_2016-08-16_22.parquet"
    table = pq.read_table(path, filters=[("symbol", "in", SYMBOLS)]).sort_by(
        [("symbol", "ascending"), ("interval_start", "ascending")]
    )
    fields = ("open", "high", "low", "close", "volume")
    return [_third_session(table.filter(np.array(table["symbol"]) == symbol), symbol, fields) for symbol in SYMBOLS]


def _third_session(table, symbol, fields) -> BarWindow:
    arrays = [table[name].to_numpy().astype(np.float64)[:1125] for name in fields]
    return BarWindow(symbol, *arrays, session_start=750)


def test_the_cycle_of_one_minute_gives_the_last_row_of_the_session(windows):
    session = compute_many(windows, [750] * len(windows), tier_1=SYMBOLS)
    minute = compute_many(windows, [1124] * len(windows), tier_1=SYMBOLS)
    assert np.allclose(minute, session[374::375], rtol=1e-12, atol=1e-12, equal_nan=True)


def test_every_column_has_a_value_at_the_end_of_the_session_but_means_of_volumes_that_are_all_zero(windows):
    minute = compute_many(windows, [1124] * len(windows), tier_1=SYMBOLS)
    assert {NAMES[place] for place in np.flatnonzero(~np.isfinite(minute).all(axis=0))} <= {"VWMA_20", "RVOL_20"}
