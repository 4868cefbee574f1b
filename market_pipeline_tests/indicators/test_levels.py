"""Levels computed by hand: every pivot, a few swings, a small volume profile, one zone and its mirror image."""

from __future__ import annotations

import numpy as np
import pytest

from market_pipeline.indicators.bar_window import BarWindow
from market_pipeline.indicators.levels.catalogue import FAMILIES, LEVELS
from market_pipeline.indicators.levels.engine import compute_levels
from market_pipeline.indicators.levels.level import OURS
from market_pipeline.indicators.levels.pivots import PIVOTS, PreviousSession, pivots
from market_pipeline.markets.schema import LevelsRule

NAN = float("nan")
UNKNOWN = PreviousSession(*np.full((4, 1), NAN))
SMALL = LevelsRule(range_bars=2, swing_strength=1, max_base_bars=2, departure_bars=2, departure_ranges=1, volume_bars=2)
PIVOTS_BY_HAND = {
    "PP_CLASSIC": 104, "R1_CLASSIC": 113, "R2_CLASSIC": 119, "R3_CLASSIC": 128,
    "S1_CLASSIC": 98, "S2_CLASSIC": 89, "S3_CLASSIC": 83,
    "R1_FIBONACCI": 109.73, "R2_FIBONACCI": 113.27, "R3_FIBONACCI": 119,
    "S1_FIBONACCI": 98.27, "S2_FIBONACCI": 94.73, "S3_FIBONACCI": 89,
    "R1_CAMARILLA": 108.375, "R2_CAMARILLA": 109.75, "R3_CAMARILLA": 111.125, "R4_CAMARILLA": 115.25,
    "S1_CAMARILLA": 105.625, "S2_CAMARILLA": 104.25, "S3_CAMARILLA": 102.875, "S4_CAMARILLA": 98.75,
    "PP_WOODIE": 104.75, "R1_WOODIE": 114.5, "R2_WOODIE": 119.75, "S1_WOODIE": 99.5, "S2_WOODIE": 89.75,
    "PP_DEMARK": 105.5, "R1_DEMARK": 116, "S1_DEMARK": 101,
}  # fmt: skip
"""Of a session with open 100, high 110, low 95 and close 107."""
ZONE_BARS = [
    (100, 106, 98, 105, 10),
    (106, 108, 100, 101, 10),
    (101, 102, 100, 101, 10),  # the base: two quiet bars between 100 and 103
    (101, 103, 101, 102, 10),
    (102, 106, 102, 105, 30),  # departs by one usual range of 2, on three times the usual volume
    (105, 107, 104, 106, 10),
    (106, 106, 102, 104, 10),  # a visit
    (104, 105, 101, 103, 10),  # still the same visit
    (103, 103, 99, 99, 10),  # closes below the zone: it is over
]


def session_of(bars: list[tuple[float, ...]]) -> BarWindow:
    return BarWindow("ATW", *np.array(bars, dtype=np.float64).T.copy(), session_start=0)


def levels(window: BarWindow, rule: LevelsRule = SMALL) -> dict[str, list[float]]:
    values = compute_levels([window], [0], previous=UNKNOWN, rule=rule)
    return {level.column: row.tolist() for level, row in zip(LEVELS, values, strict=True)}


def of_one_price(*prices: float) -> BarWindow:
    return session_of([(price, price, price, price, 1.0) for price in prices])


def previous(**prices: float) -> PreviousSession:
    session = {"open": 100.0, "high": 110.0, "low": 95.0, "close": 107.0} | prices
    return PreviousSession(**{name: np.array([price]) for name, price in session.items()})


def test_there_are_twenty_nine_pivots_and_each_has_a_figure_worked_out_by_hand() -> None:
    assert [pivot.column for pivot in PIVOTS] == list(PIVOTS_BY_HAND)
    assert len(PIVOTS) == 29


@pytest.mark.parametrize("column", PIVOTS_BY_HAND)
def test_a_pivot_follows_its_formula(column: str) -> None:
    place = [pivot.column for pivot in PIVOTS].index(column)
    assert pivots(previous())[place, 0] == pytest.approx(PIVOTS_BY_HAND[column], abs=1e-12)


@pytest.mark.parametrize(
    ("opened", "expected"),
    [(100.0, [105.5, 116.0, 101.0]), (108.0, [101.75, 108.5, 93.5]), (107.0, [104.75, 114.5, 99.5])],
    ids=["rising", "falling", "unchanged"],
)
def test_demarks_pivots_ask_which_way_the_session_went(opened: float, expected: list[float]) -> None:
    assert pivots(previous(open=opened))[-3:, 0].tolist() == expected


def test_without_a_previous_session_every_pivot_is_unknown() -> None:
    assert np.isnan(pivots(UNKNOWN)).all()


def test_a_swing_is_support_or_resistance_from_the_bar_that_confirms_it() -> None:
    found = levels(of_one_price(10, 12, 10, 11, 13, 11, 11.5))
    assert found["RESISTANCE"][:3] == [pytest.approx(NAN, nan_ok=True), pytest.approx(NAN, nan_ok=True), 12]
    assert found["RESISTANCE"][5:] == [12, 12]
    assert found["SUPPORT"][5:] == [10, 11]


def test_swings_nearby_count_as_touches_and_the_latest_gives_the_age() -> None:
    found = levels(of_one_price(10, 12, 10, 11, 13, 11, 11.5))
    # at the end 13 and 11 lie within half a usual range of 2 of the swing at 12, and 11 was one bar ago
    assert (found["RESISTANCE_touches"][5:], found["RESISTANCE_age"][5:]) == ([2, 3], [1, 1])
    assert (found["SUPPORT_touches"][5:], found["SUPPORT_age"][5:]) == ([1, 1], [3, 1])


def test_a_close_at_a_swing_stands_on_it() -> None:
    found = levels(of_one_price(10, 12, 10, 11, 12))
    assert (found["SUPPORT"][-1], found["RESISTANCE"][-1]) == (12, pytest.approx(NAN, nan_ok=True))


def test_the_profile_spreads_each_bar_over_its_bins_and_grows_to_the_fuller_side() -> None:
    bars = [(100, 102, 100, 102, 10), (101, 101, 101, 101, 20), (102, 105, 102, 105, 9)]
    found = levels(session_of(bars), LevelsRule(bin_share=0.01))
    # bins of 1: first 5 + 5, then 25 in the second, then 3 each in three more, where 27.3 are wanted
    assert found["POC"] == [100.5, 101.5, 101.5]
    assert found["VAH"] == [102, 102, 102]
    assert found["VAL"] == [100, 101, 100]


def test_a_value_area_grows_evenly_over_bins_without_volume() -> None:
    bars = [(105, 105, 105, 105, 60), (110, 110, 110, 110, 25), (100, 100, 100, 100, 25)]
    found = levels(session_of(bars), LevelsRule(bin_share=0.01))
    assert (found["POC"][-1], found["VAH"][-1], found["VAL"][-1]) == (105.5, 111, 102)


def test_a_value_area_stays_within_what_the_session_has_reached_so_far() -> None:
    bars = [(105, 105, 105, 105, 50), (100, 100, 100, 100, 40), (120, 120, 120, 120, 1)]
    found = levels(session_of(bars), LevelsRule(bin_share=0.01))
    assert (found["VAH"][1], found["VAL"][1]) == (106, 100)


@pytest.mark.parametrize(
    ("price", "poc"),
    [(0.00012, 0.00012005), (0.5, 0.50025), (1.0, 1.0005), (407.2, 407.3), (2500.0, 2501.0), (61_234.5, 61_225.0)],
)
def test_the_bins_are_one_two_or_five_times_a_power_of_ten_wide(price: float, poc: float) -> None:
    assert levels(of_one_price(price))["POC"] == [poc]


def test_a_session_of_absurd_range_has_no_profile_from_then_on() -> None:
    bars = [(100, 100, 100, 100, 5), (100, 10_000, 100, 100, 5), (100, 100, 100, 100, 5)]
    found = levels(session_of(bars))
    assert [np.isfinite(value) for value in found["POC"]] == [True, False, False]


def test_a_bar_of_unknown_volume_is_left_out_of_the_profile() -> None:
    found = levels(session_of([(100, 100, 100, 100, NAN), (101, 101, 101, 101, 5), (100, 100, 100, 100, NAN)]))
    assert found["POC"] == [pytest.approx(NAN, nan_ok=True), 101.05, 101.05]


def test_a_base_left_fast_and_on_volume_is_a_demand_zone_until_a_close_below_it() -> None:
    found = levels(session_of(ZONE_BARS))
    assert found["DEMAND_top"][4:8] == [103, 103, 103, 103]
    assert found["DEMAND_bottom"][4:8] == [100, 100, 100, 100]
    assert found["DEMAND_strength"][4:8] == [3, 3, 1.5, 1.5]
    assert np.isnan([*found["DEMAND_top"][:4], found["DEMAND_top"][8]]).all()
    assert np.isnan(found["SUPPLY_top"]).all()


def test_a_close_at_the_edge_of_a_zone_does_not_end_it() -> None:
    found = levels(session_of([*ZONE_BARS[:8], (103, 103, 99, 100, 10)]))
    assert (found["DEMAND_bottom"][8], found["DEMAND_strength"][8]) == (100, 1.5)


def test_a_supply_zone_is_a_demand_zone_upside_down() -> None:
    mirrored = [(200 - o, 200 - low, 200 - high, 200 - c, v) for o, high, low, c, v in ZONE_BARS]
    found = levels(session_of(mirrored))
    assert found["SUPPLY_top"][4:8] == [100, 100, 100, 100]
    assert found["SUPPLY_bottom"][4:8] == [97, 97, 97, 97]
    assert found["SUPPLY_strength"][4:8] == [3, 3, 1.5, 1.5]
    assert np.isnan([*found["SUPPLY_top"][:4], found["SUPPLY_top"][8]]).all()


@pytest.mark.parametrize("volume", [11.0, NAN], ids=["too little", "unknown"])
def test_a_departure_without_known_volume_enough_makes_no_zone(volume: float) -> None:
    bars = [*ZONE_BARS[:4], (*ZONE_BARS[4][:4], volume), *ZONE_BARS[5:]]
    assert np.isnan(levels(session_of(bars))["DEMAND_top"]).all()


def test_a_threshold_of_the_market_changes_what_counts_as_a_zone() -> None:
    stricter = SMALL.model_copy(update={"volume_ratio": 3.5})
    assert np.isnan(levels(session_of(ZONE_BARS), stricter)["DEMAND_top"]).all()


def test_every_level_says_what_it_means_and_who_defined_it() -> None:
    assert len(LEVELS) == 44
    assert len({level.column.lower() for level in LEVELS}) == 44
    assert all(level.unit and level.description and level.formula for level in LEVELS)
    assert all(level.source == OURS or level.source.startswith("https://") for level in LEVELS)
    assert {name for level in LEVELS for name in level.parameters} == set(LevelsRule.model_fields)
    assert [(family, len(members)) for family, members in FAMILIES.items()] == [
        ("pivots", 29),
        ("swings", 6),
        ("volume profile", 3),
        ("supply and demand", 6),
    ]
