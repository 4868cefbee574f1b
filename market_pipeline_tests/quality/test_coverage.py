from __future__ import annotations

import pytest

from market_pipeline.markets.schema import CoverageLimits
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.quality import coverage as subject
from market_pipeline.quality.coverage import Coverage, CoverageLevel, coverage, overall


def outcome(symbol: str, status: str) -> tuple[str, OutcomeStatus]:
    return symbol, OutcomeStatus(status)


def test_each_tier_has_its_share_and_its_reasons() -> None:
    tiers = {"TCS": 1, "INFY": 1, "ACC": 2, "BEL": 2, "CUB": 2, "DLF": 2}
    outcomes = [outcome("INFY", "timeout"), outcome("BEL", "deferred"), outcome("CUB", "deferred")]
    first, second = coverage(tiers, fresh={"TCS", "ACC"}, outcomes=outcomes)
    assert first == Coverage(1, 1, 2, {"timeout": 1})
    assert second == Coverage(2, 1, 4, {"deferred": 2, "no_outcome": 1})
    assert second.text == "tier 2: 1 of 4 fresh (25%); deferred 2, no_outcome 1"


def test_what_the_market_did_explains_better_than_what_a_source_did() -> None:
    outcomes = [outcome("TCS", "timeout"), outcome("TCS", "halted"), outcome("TCS", "ok")]
    (found,) = coverage({"TCS": 1}, fresh=set(), outcomes=outcomes)
    assert found.reasons == {"halted": 1}


def test_an_answer_that_is_not_fresh_is_an_old_price() -> None:
    (found,) = coverage({"TCS": 1}, fresh=set(), outcomes=[outcome("TCS", "timeout"), outcome("TCS", "ok")])
    assert found.reasons == {"old_price": 1}


def test_fresh_symbols_that_the_market_does_not_list_do_not_count() -> None:
    (found,) = coverage({"TCS": 1}, fresh={"TCS", "XYZ"}, outcomes=[])
    assert (found.fresh, found.listed, found.share) == (1, 1, 1.0)


def test_the_share_of_all_tiers_weighs_every_symbol_alike() -> None:
    assert overall([Coverage(1, 10, 10, {}), Coverage(2, 20, 30, {"deferred": 10})]) == 0.75
    assert overall([]) == 0.0


@pytest.mark.parametrize(("fresh", "level"), [(10, "ok"), (9, "ok"), (8, "warn"), (5, "warn"), (4, "fail")])
def test_the_share_is_compared_with_the_market_s_limits(fresh: int, level: str) -> None:
    assert Coverage(1, fresh, 10, {}).level(CoverageLimits(warn=0.9, fail=0.5)) is CoverageLevel(level)


def test_every_status_has_its_place_among_the_explanations() -> None:
    assert set(subject._BEST_EXPLANATION_FIRST) == set(OutcomeStatus)
