"""Levels never look ahead, never change afterwards, and do not depend on what is computed beside them."""

from __future__ import annotations

import numpy as np
import pytest

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.indicator import FloatArray
from market_pipeline.indicators.levels.catalogue import LEVELS
from market_pipeline.indicators.levels.engine import compute_levels
from market_pipeline.indicators.levels.joined_bars import JoinedBars
from market_pipeline.indicators.levels.pivots import PreviousSession
from market_pipeline.indicators.levels.swings import find_swings
from market_pipeline.markets.schema import LevelsRule
from market_pipeline_tests.indicators.situations import (
    SESSION_BARS,
    SITUATIONS,
    first_bars,
    patched,
    walk,
    with_unknown_volume,
)

RULE = LevelsRule()
WALKS = {
    **{f"walk {seed}": walk(seed=seed) for seed in (11, 12, 13)},
    "coarse ticks": walk(seed=14, tick=1.0),
    "a halt": patched(200, 290),
    "unknown volumes": with_unknown_volume(walk(seed=15), 245, 260, 300),
}
COLUMNS = [level.column for level in LEVELS]


def previous(count: int) -> PreviousSession:
    return PreviousSession(*(np.arange(count) + price for price in (400.0, 410.0, 396.0, 404.0)))


def of(window: BarWindow, first: int) -> FloatArray:
    return compute_levels([window], [first], previous=previous(1), rule=RULE)


def differing(ours: FloatArray, others: FloatArray) -> list[str]:
    pairs = zip(COLUMNS, ours, others, strict=True)
    return [name for name, a, b in pairs if not np.array_equal(a, b, equal_nan=True)]


@pytest.mark.parametrize("name", WALKS)
def test_a_value_is_the_same_before_and_after_later_bars_are_known(name: str) -> None:
    window = WALKS[name]
    whole = of(window, 0)
    for bars in range(1, len(window) + 1, 3):
        then = of(first_bars(window, bars), bars - 1)
        assert differing(then, whole[:, bars - 1 : bars]) == [], bars


@pytest.mark.parametrize("name", WALKS)
def test_the_newest_rows_alone_equal_those_of_the_whole_session(name: str) -> None:
    whole = of(WALKS[name], 2 * SESSION_BARS)
    for first in (2 * SESSION_BARS + 1, 3 * SESSION_BARS - 40, 3 * SESSION_BARS - 1):
        assert differing(of(WALKS[name], first), whole[:, first - 2 * SESSION_BARS :]) == [], first


def test_a_symbol_alone_has_the_values_that_it_has_in_its_market() -> None:
    windows = [*WALKS.values(), *SITUATIONS.values()]
    firsts = [max(len(window) - 1 - place, 0) for place, window in enumerate(windows)]
    together = compute_levels(windows, firsts, previous=previous(len(windows)), rule=RULE)
    row = 0
    for place, (window, first) in enumerate(zip(windows, firsts, strict=True)):
        beside = PreviousSession(
            *(np.array([price]) for price in (400.0 + place, 410.0 + place, 396.0 + place, 404.0 + place))
        )
        alone = compute_levels([window], [first], previous=beside, rule=RULE)
        assert differing(alone, together[:, row : row + len(window) - first]) == [], window.symbol
        row += len(window) - first
    assert row == together.shape[1]


def test_the_usual_range_of_a_window_knows_no_bar_of_the_one_before() -> None:
    alone = JoinedBars.of([WALKS["walk 12"]], [0]).usual_range(14)
    beside = JoinedBars.of([SITUATIONS["one price for ever"], WALKS["walk 12"]], [0, 0]).usual_range(14)
    assert np.array_equal(beside[-len(alone) :], alone, equal_nan=True)
    assert np.isfinite(alone).sum() == len(alone) - 13


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_gives_finite_values_or_none(name: str) -> None:
    window = SITUATIONS[name]
    values = of(window, 0)
    assert values.shape == (len(LEVELS), len(window))
    assert not np.isinf(values).any()
    positive = [COLUMNS.index(column) for column in ("SUPPORT", "RESISTANCE", "POC", "DEMAND_bottom", "SUPPLY_bottom")]
    assert not (values[positive] <= 0).any()


@pytest.mark.parametrize("name", ["one price for ever", "no volume at all"])
def test_without_volume_there_is_neither_profile_nor_zone(name: str) -> None:
    found = dict(zip(COLUMNS, of(SITUATIONS[name], 0), strict=True))
    assert all(np.isnan(found[column]).all() for column in ("POC", "VAH", "VAL", "DEMAND_top", "SUPPLY_top"))


def test_one_price_with_volume_is_a_profile_of_one_bin_and_no_swing() -> None:
    found = dict(zip(COLUMNS, of(SITUATIONS["one price, with volume"], 2 * SESSION_BARS), strict=True))
    assert {(found["POC"][i], found["VAH"][i], found["VAL"][i]) for i in range(SESSION_BARS)} == {(100.05, 100.1, 100)}
    assert np.isnan(found["SUPPORT"]).all()
    assert np.isnan(found["RESISTANCE"]).all()


@pytest.mark.parametrize("seed", [21, 22])
def test_a_swing_tops_its_neighbours_and_is_known_only_after_them(seed: int) -> None:
    window = walk(seed=seed)
    bars = JoinedBars.of([window], [0])
    swings = find_swings(bars, RULE, usual=bars.usual_range(RULE.range_bars))
    assert len(swings.bars) > 20
    for bar, price, known in zip(swings.bars, swings.prices, swings.known, strict=True):
        around = slice(bar - RULE.swing_strength, bar + RULE.swing_strength + 1)
        assert price in (window.high[around].max(), window.low[around].min())
        assert known == bar + 3


def test_support_and_resistance_enclose_the_close() -> None:
    window = WALKS["walk 11"]
    found = dict(zip(COLUMNS, of(window, 0), strict=True))
    assert not (found["SUPPORT"] > window.close).any()
    assert not (found["RESISTANCE"] <= window.close).any()
    assert np.isfinite(found["SUPPORT"]).sum() > 200


def test_a_value_area_holds_its_share_of_the_volume_and_no_more_than_it_must() -> None:
    window = first_bars(walk(seed=23), 2 * SESSION_BARS + 60)
    found = dict(zip(COLUMNS, of(window, len(window) - 1)[:, 0], strict=True))
    low, high, volume = (field[2 * SESSION_BARS :] for field in (window.low, window.high, window.volume))
    width = 0.2
    first = np.floor(low / width + 1e-9)
    last = np.maximum(first, np.ceil(high / width - 1e-9) - 1)
    inside = sum(
        share * sum(found["VAL"] - 1e-9 <= b * width < found["VAH"] - 1e-9 for b in np.arange(a, z + 1)) / (z - a + 1)
        for a, z, share in zip(first, last, volume, strict=True)
    )
    assert 0.7 <= inside / volume.sum() < 0.8
    assert found["VAL"] < found["POC"] < found["VAH"]


def test_hardly_any_bars_leave_what_they_cannot_tell_unknown() -> None:
    found = dict(zip(COLUMNS, of(SITUATIONS["five bars"], 0)[:, -1], strict=True))
    assert found["PP_CLASSIC"] == pytest.approx(403.3333333)
    assert all(np.isnan(found[column]) for column in ("SUPPORT", "RESISTANCE_age", "DEMAND_top", "SUPPLY_strength"))
