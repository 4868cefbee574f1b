"""Recorded outputs of DaveSkender/Stock.Indicators: each equal to ours, or explained, or not ours for a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_pipeline.indicators.catalogue import columns
from market_pipeline_tests.indicators.parity import figures
from market_pipeline_tests.indicators.parity.comparison import TOLERANCE, Verdict, compare
from market_pipeline_tests.indicators.parity.golden import Golden
from market_pipeline_tests.indicators.parity.golden_files import GOLDENS, GoldenFiles
from market_pipeline_tests.indicators.parity.goldens_others import MONTH

OURS = [golden for golden in GOLDENS if golden.ours is not None]
by_output = pytest.mark.parametrize("golden", OURS, ids=lambda golden: golden.key)


@pytest.fixture(scope="module")
def files(realdata: Path) -> GoldenFiles:
    return GoldenFiles(realdata / "reference" / "stock.indicators")


@pytest.mark.realdata
def test_every_output_of_every_file_is_listed_once(files):
    found = [f"{name}.{output}" for name in files.names() for output in files.outputs(name)]
    assert len(files.names()) == 86
    assert sorted(golden.key for golden in GOLDENS) == sorted(found)


@pytest.mark.realdata
@by_output
def test_an_output_equals_ours_or_is_explained_and_no_explanation_is_idle(files, golden: Golden):
    verdict = files.compare(golden, golden.ours).verdict
    assert (verdict is Verdict.EQUAL) == (not golden.why), f"{golden.key}: {verdict}, explained by {golden.why!r}"


@pytest.mark.realdata
@by_output
def test_with_its_reason_taken_away_a_difference_is_gone(files, golden: Golden):
    differs = files.compare(golden, golden.ours).verdict is Verdict.DIFFERS
    assert golden.proof is not None or not differs
    assert golden.proof is None or files.compare(golden, golden.proof).verdict is not Verdict.DIFFERS


@pytest.mark.realdata
def test_the_committed_figures_are_those_measured(files):
    committed, now = figures.recorded(figures.OF_GOLDENS), figures.measure_goldens(files)
    assert {name: row["verdict"] for name, row in committed.items()} == {n: row["verdict"] for n, row in now.items()}
    for name, row in now.items():
        assert row["max_error"] == pytest.approx(committed[name]["max_error"], rel=0.1, abs=TOLERANCE), name


def test_no_output_is_left_without_a_figure_or_a_reason():
    committed = figures.recorded(figures.OF_GOLDENS)
    assert sorted(committed) == sorted(golden.key for golden in OURS)
    assert [golden.key for golden in GOLDENS if golden.ours is None and not golden.why] == []
    unexplained = [g.key for g in OURS if committed[g.key]["verdict"] != Verdict.EQUAL and not g.why]
    assert unexplained == []


def test_the_columns_named_beside_an_output_are_columns():
    known = {column.column for column in columns()}
    named = {golden.column for golden in GOLDENS if golden.column and not golden.column.startswith("levels: ")}
    assert named <= known


@pytest.mark.realdata
@pytest.mark.parametrize("output", ["pp", "r1", "s1", "r2", "s2", "r3", "s3"])
def test_the_classic_pivots_of_levels_1m_are_the_recorded_ones(files, output):
    levels = pytest.importorskip("market_pipeline.indicators.levels.pivots")
    previous = levels.PreviousSession(files.bars["open"], *(recipe.compute(files.bars) for recipe in MONTH))
    names = [level.column for level in levels.PIVOTS]
    ours = levels.pivots(previous)[names.index(f"{output.upper()}_CLASSIC")]
    assert compare(ours, files.outputs("pivot-points")[output]).verdict is Verdict.EQUAL
