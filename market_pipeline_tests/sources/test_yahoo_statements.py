"""What a Sharia screen gets of Yahoo's statements."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from market_pipeline.errors import PayloadError, UnknownSymbol
from market_pipeline.model.metrics import Fundamentals
from market_pipeline.sources.yahoo_statements import parse_summary, with_annual_statements
from market_pipeline_tests.sources.yahoo_desk import NOW, body, changed, page

RIYADH = ZoneInfo("Asia/Riyadh")


def summary(name: str = "summary_normal.json") -> Fundamentals:
    return parse_summary(body(name), page(RIYADH, market="saudi"), "2222.SR")


def test_a_summary_becomes_the_newest_quarter_without_the_income_that_it_does_not_name() -> None:
    assert summary() == Fundamentals(
        market="saudi",
        source="yahoo",
        symbol="2222.SR",
        received_time=NOW,
        period_end=date(2026, 9, 30),
        total_debt=330120003584.0,
        cash_and_interest_bearing_deposits=215340007424.0,
        total_revenue=1660450045952.0,
        sector="Energy / Oil & Gas Integrated",
        currency="SAR",
        payload_sha="sha",
    )


def test_annual_statements_with_interest_income_replace_all_figures_of_the_quarter() -> None:
    year = with_annual_statements(summary(), body("timeseries_normal.json"))
    assert year.period_end == date(2025, 12, 31)
    assert year.impermissible_income == 17440000000.0
    assert (year.total_debt, year.cash_and_interest_bearing_deposits) == (325120000000.0, 210340007936.0)
    assert (year.total_revenue, year.currency) == (1637330059264.0, "SAR")
    assert year.sector == "Energy / Oil & Gas Integrated"


def test_without_annual_statements_the_quarter_stays_and_the_income_is_unknown() -> None:
    assert with_annual_statements(summary(), body("timeseries_empty.json")) == summary()


def test_figures_of_an_older_year_or_another_currency_are_unknown() -> None:
    def spoil(document: Any) -> None:
        debt, cash = document["timeseries"]["result"][:2]
        debt["annualTotalDebt"].pop()
        cash["annualCashCashEquivalentsAndShortTermInvestments"][1]["currencyCode"] = "USD"

    year = with_annual_statements(summary(), changed("timeseries_normal.json", spoil))
    assert (year.total_debt, year.cash_and_interest_bearing_deposits) == (None, None)
    assert year.total_revenue == 1637330059264.0


def test_what_a_summary_leaves_out_is_unknown() -> None:
    screen = summary("summary_missing_statements.json")
    assert (screen.period_end, screen.total_debt, screen.cash_and_interest_bearing_deposits) == (None, None, None)
    assert (screen.total_revenue, screen.sector, screen.currency, screen.impermissible_income) == (None,) * 4


def test_a_summary_of_nobody_is_an_unknown_symbol() -> None:
    with pytest.raises(UnknownSymbol, match=r"no summary of 4031\.SR"):
        parse_summary(b'{"quoteSummary":{"result":[],"error":null}}', page(), "4031.SR")


def test_another_shape_is_an_error() -> None:
    with pytest.raises(PayloadError):
        parse_summary(b'{"quoteSummary":{"result":["x"],"error":null}}', page(), "4031.SR")
    for series in (b"[5]", b'[{"meta":{"type":[]}}]', b'[{"meta":{"type":["a"]},"a":[{"asOfDate":"soon"}]}]'):
        with pytest.raises(PayloadError):
            with_annual_statements(summary(), b'{"timeseries":{"result":' + series + b"}}")
