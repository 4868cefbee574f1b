"""pandas-ta's own computation as an oracle: within a billionth, or explained, column by column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from market_pipeline.indicators.catalogue import columns
from market_pipeline.indicators.indicator import FIELDS
from market_pipeline.indicators.on_demand import compute_one
from market_pipeline_tests.indicators.parity import figures
from market_pipeline_tests.indicators.parity.comparison import TOLERANCE, Comparison, Verdict
from market_pipeline_tests.indicators.parity.figures import compare_pair, walk_of_1500_bars
from market_pipeline_tests.indicators.parity.hard_times import ON_RECORDED_MINUTES, ZERO_BY_ZERO
from market_pipeline_tests.indicators.parity.pair import Pair
from market_pipeline_tests.indicators.parity.pairs_more import PAIRS
from market_pipeline_tests.indicators.parity.real_bars import SYMBOLS, real_bars
from market_pipeline_tests.indicators.situations import SITUATIONS

COMPARED = [pair for pair in PAIRS if pair.theirs is not None]
by_pair = pytest.mark.parametrize("pair", COMPARED, ids=lambda pair: pair.column)
LOOPS = {"MAMA_0.5_0.05", "FAMA_0.5_0.05", "PSAR_0.02_0.2", "SUPERT_10_3"}
"""Explained in words alone: loops that no sum of averages rebuilds. Stock.Indicators' outputs side with TA-Lib."""
IN_WORDS = LOOPS | {"SKEW_30", "KURT_30", "STC_10_12_26_0.5"}


@pytest.fixture(scope="module")
def measured() -> dict[str, tuple[Comparison, Comparison | None]]:
    return {pair.column: compare_pair(pair, walk_of_1500_bars()) for pair in COMPARED}


def test_every_listed_column_exists_once_and_is_compared_or_has_a_reason_why_not():
    assert [pair.column for pair in PAIRS if pair.theirs is None and not pair.why] == []
    listed = [pair.column for pair in PAIRS]
    assert len(listed) == len(set(listed)) >= 160  # a column that somebody adds needs no line here: the page names it
    assert set(listed) <= {column.column for column in columns()}


@by_pair
def test_a_column_equals_pandas_ta_or_is_explained_and_no_explanation_is_idle(measured, pair: Pair):
    verdict = measured[pair.column][0].verdict
    assert (verdict is Verdict.EQUAL) == (not pair.why), f"{pair.column}: {verdict}, explained by {pair.why!r}"


@by_pair
def test_with_the_reason_brought_in_we_have_pandas_tas_figure(measured, pair: Pair):
    ours, proof = measured[pair.column]
    assert (ours.verdict is Verdict.DIFFERS and proof is None) == (pair.column in IN_WORDS)
    assert proof is None or proof.verdict is not Verdict.DIFFERS


def test_the_committed_figures_are_those_measured():
    committed, now = figures.recorded(figures.OF_PAIRS), figures.measure_pairs()
    assert {name: row["verdict"] for name, row in committed.items()} == {n: row["verdict"] for n, row in now.items()}
    for name, row in now.items():
        assert row["max_error"] == pytest.approx(committed[name]["max_error"], rel=0.1, abs=TOLERANCE), name


@pytest.mark.parametrize("situation", [name for name, window in SITUATIONS.items() if len(window) > 200])
def test_what_is_equal_stays_equal_in_hard_times(measured, situation):
    bars = dict(zip(FIELDS, SITUATIONS[situation].fields, strict=True))
    strangers, silent = set(), set()
    for pair in COMPARED:
        if measured[pair.column][0].verdict in (Verdict.EQUAL, Verdict.STARTS):
            ours, _ = compare_pair(pair, bars)
            strangers |= {pair.column} if ours.apart else set()
            silent |= {pair.column} if ours.one_sided else set()
    assert strangers <= {"BOP", "CTI_12"}
    assert silent <= set(ZERO_BY_ZERO)


@pytest.mark.parametrize(("column", "figure"), ZERO_BY_ZERO.items())
def test_without_range_or_volume_pandas_ta_is_silent_where_talib_speaks(column, figure):
    bars = dict(zip(FIELDS, SITUATIONS["one price for ever"].fields, strict=True))
    pair = next(pair for pair in COMPARED if pair.column == column)
    assert np.isnan(pair.theirs.compute(bars)).all()
    assert compute_one(column, {}, bars=bars)[column][-1] == figure


def test_a_bar_of_one_price_has_no_balance_of_power_in_talib_and_all_of_it_in_pandas_ta():
    bars = dict(zip(FIELDS, SITUATIONS["one price for ever"].fields, strict=True))
    pair = next(pair for pair in COMPARED if pair.column == "BOP")
    assert pair.theirs.compute(bars)[-1] == 1.0
    assert compute_one("BOP", {}, bars=bars)["BOP"][-1] == 0.0


@pytest.mark.realdata
def test_on_recorded_minutes_exactly_the_columns_that_are_explained_lie_farther_apart(measured, realdata: Path):
    order, farther = list(Verdict), set()
    for bars in (real_bars(realdata, symbol) for symbol in SYMBOLS):
        for pair in COMPARED:
            here, on_the_walk = compare_pair(pair, bars)[0].verdict, measured[pair.column][0].verdict
            farther |= {pair.column} if order.index(here) > order.index(on_the_walk) else set()
    at_the_edge = {"LINREG_SLOPE_14", "LINREG_ANGLE_14"}  # 1.2e-9 of rounding, which may differ by processor
    assert farther | at_the_edge == set(ON_RECORDED_MINUTES)
