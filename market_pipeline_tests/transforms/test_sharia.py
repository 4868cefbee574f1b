"""Every situation of the screen: what decides, what leaves the verdict open, and what the row shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from market_pipeline.markets.schema import ShariaRule
from market_pipeline.model.instrument import Instrument
from market_pipeline.model.metrics import FieldOrigin, Fundamentals, InstrumentMetrics
from market_pipeline.model.sharia import ShariaVerdict
from market_pipeline.transforms.sharia import screen

NOW = datetime(2026, 11, 19, 11, 0, tzinfo=UTC)
SHARE = Instrument("saudi", "2010", "SABIC", currency="SAR")
RULE = ShariaRule.model_validate(
    {
        "standard": "A standard",
        "max_debt_ratio": 0.30,
        "max_deposits_ratio": 0.30,
        "max_income_ratio": 0.05,
        "excluded_sectors": [{"name": "finance", "pattern": r"\bbanks?\b", "reason": "deals at interest"}],
        "reviewed_sectors": [{"symbol": "1120", "sector": "Islamic finance", "reason": "has a Sharia board"}],
    }
)
SAID = Fundamentals(
    "saudi",
    "yahoo",
    "2010",
    NOW - timedelta(days=1),
    period_end=date(2025, 12, 31),
    total_debt=120.0,
    cash_and_interest_bearing_deposits=250.0,
    impermissible_income=20.0,
    total_revenue=1000.0,
    sector="Chemicals",
    currency="SAR",
)


def metrics(cap: float | None = 1000.0, *, age: timedelta = timedelta(minutes=5), currency: str | None = "SAR") -> Any:
    values = {} if cap is None else {"market_cap": cap}
    origins = dict.fromkeys(values, FieldOrigin("yahoo", NOW - age))
    return InstrumentMetrics("saudi", "2010", currency, values, origins)


def screened(*statements: Fundamentals, cap: Any = None, share: Instrument = SHARE, rule: ShariaRule = RULE) -> Any:
    return screen(share, cap or metrics(), statements=statements, rule=rule, now=NOW)


def verdict(**changes: Any) -> tuple[str, str]:
    found: ShariaVerdict = screened(replace(SAID, **changes))
    return found.verdict.value, found.reason


def test_within_every_limit_a_share_is_compliant_and_shows_what_that_rests_on() -> None:
    found = screened(SAID)
    assert found.verdict == "compliant"
    assert found.reason == (
        "every ratio is within its limit: debt 0.12 of 0.3, deposits 0.25 of 0.3, impermissible income 0.02 of 0.05"
    )
    assert (found.debt_ratio, found.deposits_ratio, found.income_ratio) == (0.12, 0.25, 0.02)
    assert (found.debt_limit, found.deposits_limit, found.income_limit) == (0.3, 0.3, 0.05)
    assert (found.market_cap, found.market_cap_source, found.market_cap_as_of) == (
        1000.0,
        "yahoo",
        NOW - timedelta(minutes=5),
    )
    assert (found.period_end, found.fundamentals_source, found.fundamentals_received_time) == (
        date(2025, 12, 31),
        "yahoo",
        NOW - timedelta(days=1),
    )
    assert (found.sector, found.sector_source, found.missing, found.standard) == (
        "Chemicals",
        "yahoo",
        (),
        "A standard",
    )


def test_a_ratio_equal_to_its_limit_is_within_it() -> None:
    limits = {"total_debt": 300.0, "cash_and_interest_bearing_deposits": 300.0, "impermissible_income": 50.0}
    assert verdict(**limits)[0] == "compliant"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"total_debt": 301.0}, "debt 0.301 is above 0.3"),
        ({"cash_and_interest_bearing_deposits": 400.0}, "deposits 0.4 is above 0.3"),
        ({"impermissible_income": 51.0}, "impermissible income 0.051 is above 0.05"),
        (
            {"total_debt": 500.0, "impermissible_income": 60.0},
            "debt 0.5 is above 0.3, impermissible income 0.06 is above 0.05",
        ),
    ],
)
def test_above_a_limit_a_share_is_not_compliant(changes: dict[str, float], reason: str) -> None:
    assert verdict(**changes) == ("not_compliant", reason)


def test_zero_debt_is_a_value() -> None:
    zero = dict.fromkeys(("total_debt", "cash_and_interest_bearing_deposits", "impermissible_income"), 0.0)
    assert verdict(**zero)[0] == "compliant"


@pytest.mark.parametrize(
    "name", ["total_debt", "cash_and_interest_bearing_deposits", "impermissible_income", "total_revenue"]
)
def test_one_missing_figure_leaves_the_verdict_unknown(name: str) -> None:
    found = screened(replace(SAID, **{name: None}))
    assert (found.verdict, found.missing) == ("unknown", (name,))
    assert found.reason == f"no verdict without {name} (the statements do not say it)"


def test_a_missing_figure_leaves_it_unknown_also_where_another_ratio_is_above_and_the_reason_says_so() -> None:
    assert verdict(total_debt=500.0, impermissible_income=None) == (
        "unknown",
        "no verdict without impermissible_income (the statements do not say it); yet debt 0.5 is above 0.3",
    )


def test_no_revenue_is_nothing_to_be_a_share_of() -> None:
    assert verdict(total_revenue=0.0) == (
        "unknown",
        "no verdict without total_revenue (it is zero, and nothing can be a share of it)",
    )


def test_without_statements_every_figure_and_the_sector_are_missing() -> None:
    found = screened()
    assert found.verdict == "unknown"
    assert found.missing == (
        "total_debt",
        "cash_and_interest_bearing_deposits",
        "impermissible_income",
        "total_revenue",
        "sector",
    )
    assert found.reason.endswith("total_revenue (nobody gave statements); sector (nobody said it)")
    assert (found.debt_ratio, found.fundamentals_source) == (None, None)


def test_without_a_capitalisation_the_verdict_is_unknown_and_the_share_of_income_is_shown() -> None:
    found = screened(SAID, cap=metrics(None))
    assert (found.verdict, found.missing) == ("unknown", ("market_cap",))
    assert (found.debt_ratio, found.deposits_ratio, found.income_ratio) == (None, None, 0.02)


def test_an_instrument_without_metrics_is_unknown() -> None:
    assert screen(SHARE, None, statements=[SAID], rule=RULE, now=NOW).missing == ("market_cap",)


def test_a_capitalisation_that_is_too_old_does_not_count_and_is_shown() -> None:
    found = screened(SAID, cap=metrics(age=timedelta(hours=337)))
    assert (found.verdict, found.market_cap, found.debt_ratio) == ("unknown", 1000.0, None)
    assert found.reason == "no verdict without market_cap (that of 2026-11-05 10:00 UTC is older than 336 hours)"


def test_statements_count_for_as_long_as_the_file_says_and_not_a_day_longer() -> None:
    assert verdict(period_end=NOW.date() - timedelta(days=550))[0] == "compliant"
    found = screened(replace(SAID, period_end=NOW.date() - timedelta(days=551)))
    assert (found.verdict, found.debt_ratio, found.total_debt) == ("unknown", None, 120.0)
    assert "(statements of 2025-05-17 are older than 550 days)" in found.reason


def test_statements_without_a_period_do_not_count() -> None:
    assert "(the statements name no period)" in verdict(period_end=None)[1]


@pytest.mark.parametrize(("currency", "named"), [("USD", "USD"), (None, "no named currency")])
def test_statements_in_another_currency_leave_the_verdict_unknown(currency: str | None, named: str) -> None:
    found, reason = verdict(currency=currency)
    assert found == "unknown"
    assert reason.endswith(f"total_revenue (statements are in {named}, and the share trades in SAR)")


def test_a_capitalisation_in_another_currency_does_not_count() -> None:
    found = screened(SAID, cap=metrics(currency="USD"))
    assert found.reason == "no verdict without market_cap (it is in USD, and the share trades in SAR)"


def test_an_excluded_line_of_business_decides_by_itself() -> None:
    reason = "'Banks—Regional' is an excluded line of business (finance): deals at interest"
    assert verdict(sector="Banks—Regional") == ("not_compliant", reason)
    found = screened(Fundamentals("saudi", "yahoo", "2010", NOW, sector="BANK"), cap=metrics(None))
    assert (found.verdict, found.excluded_by) == ("not_compliant", "finance")


def test_a_share_whose_line_of_business_nobody_knows_is_unknown() -> None:
    assert verdict(sector=None) == ("unknown", "no verdict without sector (nobody said it)")


def test_a_sector_that_a_person_reviewed_goes_before_the_sources() -> None:
    bank = replace(SHARE, symbol="1120")
    found = screened(replace(SAID, symbol="1120", sector="Banks—Regional"), share=bank)
    assert (found.verdict, found.sector, found.sector_source) == ("compliant", "Islamic finance", "reviewed")


def test_the_operators_statements_go_before_a_sources_newer_ones() -> None:
    own = replace(SAID, source="operator", period_end=date(2025, 9, 30), total_debt=310.0)
    found = screened(SAID, own)
    assert (found.verdict, found.fundamentals_source) == ("not_compliant", "operator")


def test_statements_that_count_go_before_the_operators_old_ones() -> None:
    own = replace(SAID, source="operator", period_end=date(2020, 12, 31), total_debt=310.0)
    assert screened(own, SAID).fundamentals_source == "yahoo"


def test_of_two_sources_the_newer_period_counts_and_of_the_same_the_first() -> None:
    newer = replace(SAID, source="argaam", period_end=date(2026, 6, 30))
    assert screened(SAID, newer).fundamentals_source == "argaam"
    assert screened(SAID, replace(SAID, source="argaam")).fundamentals_source == "yahoo"


def test_figures_come_from_one_statement_and_the_sector_from_whoever_says_it() -> None:
    own = replace(SAID, source="operator", sector=None, impermissible_income=None)
    found = screened(own, SAID)
    assert (found.sector, found.sector_source, found.fundamentals_source) == ("Chemicals", "yahoo", "operator")
    assert (found.verdict, found.missing) == ("unknown", ("impermissible_income",))
