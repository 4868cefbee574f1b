"""What cannot be true is refused with its reason; the rest of the report counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from market_pipeline_tests.transforms.metrics_cases import DAY, NOW, known, merged, said, sources, values


def reasons(*reports: Any, **more: Any) -> list[str]:
    return [refused.reason for refused in merged(*reports, **more).refused]


def test_a_yield_above_one_is_a_percentage_and_is_refused() -> None:
    found = merged(said(dividend_yield=3.1, pe_ratio=15.5))
    assert values(found) == {"pe_ratio": 15.5}
    expected = "dividend_yield 3.1 is above 1: a percentage where a fraction is due"
    assert [refused.reason for refused in found.refused] == [expected]


def test_a_small_percentage_is_found_out_by_a_source_that_says_the_fraction() -> None:
    found = merged(said("careless", dividend_yield=0.53), said("careful", dividend_yield=0.0052))
    assert (values(found), sources(found)) == ({"dividend_yield": 0.0052}, {"dividend_yield": "careful"})
    assert [r.report.source for r in found.refused] == ["careless"]
    assert found.refused[0].reason == "dividend_yield 0.53 is 102 times the known 0.0052: a percentage"


def test_a_small_percentage_is_found_out_by_what_was_known_before() -> None:
    found = merged(said(dividend_yield=0.53), previous=known(DAY, dividend_yield=0.0052))
    assert values(found) == {"dividend_yield": 0.0052}


def test_a_percentage_that_was_taken_before_gives_way_to_the_fraction() -> None:
    assert values(merged(said(dividend_yield=0.0052), previous=known(DAY, dividend_yield=0.53))) == {
        "dividend_yield": 0.0052
    }


def test_a_small_percentage_that_nobody_else_contradicts_is_found_out_by_what_it_would_pay_out() -> None:
    found = merged(said(dividend_yield=0.38, pe_ratio=33.0))
    assert values(found) == {"pe_ratio": 33.0}
    assert reasons(said(dividend_yield=0.38, pe_ratio=33.0)) == [
        "dividend_yield 0.38 would pay out 13 times the earnings at a P/E of 33: a percentage"
    ]


@pytest.mark.parametrize(("dividend_yield", "pe_ratio"), [(0.38, 8.0), (0.1, 60.0), (0.38, None), (0.38, -5.0)])
def test_a_high_yield_that_earnings_can_pay_or_that_nothing_tells_of_is_kept(
    dividend_yield: float, pe_ratio: float | None
) -> None:
    assert values(merged(said(dividend_yield=dividend_yield, pe_ratio=pe_ratio)))["dividend_yield"] == dividend_yield


def test_a_dividend_cut_by_half_is_no_fault() -> None:
    found = merged(said(dividend_yield=0.02), previous=known(DAY, dividend_yield=0.04))
    assert (values(found), found.refused) == ({"dividend_yield": 0.02}, ())


def test_a_yield_of_zero_is_a_value() -> None:
    assert values(merged(said(dividend_yield=0.0))) == {"dividend_yield": 0.0}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"day_low": 26.0, "day_high": 25.0}, "day_low 26 is above day_high 25"),
        ({"week_52_low": 31.0, "week_52_high": 30.0}, "week_52_low 31 is above week_52_high 30"),
        ({"bid": 25.2, "ask": 25.0, "bid_size": 100.0}, "bid 25.2 is above ask 25"),
        ({"bid": 0.0, "ask": 25.0}, "bid 0 is not above zero"),
        ({"volume": -5.0}, "volume -5 is negative"),
        ({"market_cap": float("nan")}, "market_cap nan is no number"),
        ({"pe_ratio": float("inf")}, "pe_ratio inf is no number"),
        ({"dividend_yield": -0.01}, "dividend_yield -0.01 is negative"),
        ({"shares_outstanding": 0.0}, "shares_outstanding 0 is not above zero"),
    ],
)
def test_what_cannot_be_true_is_refused_as_a_whole_group(fields: dict[str, float], reason: str) -> None:
    found = merged(said(**fields, eps=1.6))
    assert values(found) == {"eps": 1.6}
    assert [refused.reason for refused in found.refused] == [reason]


def test_losses_and_negative_equity_are_values() -> None:
    assert values(merged(said(eps=-1.6, book_value=-3.0))) == {"eps": -1.6, "book_value": -3.0}


def test_money_in_another_currency_is_refused_and_counts_of_shares_are_kept() -> None:
    found = merged(said(currency="USD", market_cap=1e12, eps=0.4, volume=900.0))
    assert values(found) == {"volume": 900.0}
    assert [r.reason for r in found.refused] == ["in USD, and the instrument trades in SAR"]


def test_a_session_of_the_future_is_refused() -> None:
    found = merged(said(event_time=NOW + timedelta(hours=3), volume=900.0, eps=1.6))
    assert values(found) == {"eps": 1.6}
    assert [r.reason for r in found.refused] == ["event_time 2026-11-19 14:00 UTC is in the future"]


def test_a_refused_field_lets_the_next_source_in() -> None:
    found = merged(said("careless", dividend_yield=310.0), said("careful", dividend_yield=0.031))
    assert sources(found) == {"dividend_yield": "careful"}
