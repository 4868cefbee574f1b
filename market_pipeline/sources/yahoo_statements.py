"""Reads the inputs of a Sharia screen from Yahoo's fundamentals timeseries and its quoteSummary. Pure.

A series: {"meta":{"type":["annualTotalDebt"]},"annualTotalDebt":[{"asOfDate":"2025-12-31","currencyCode":"SAR",
"reportedValue":{"raw":319300000000.0,"fmt":"319.3B"}}]}; a type without figures has its `meta` only.
A summary: {"quoteSummary":{"result":[{"financialData":{"totalDebt":{"raw":330120003584,"fmt":"330.12B"},…},…}]}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from market_pipeline.errors import UnknownSymbol
from market_pipeline.model.metrics import Fundamentals
from market_pipeline.sources.parsing.numbers import parse_number
from market_pipeline.sources.parsing.readings import Page, payload_error, text_of
from market_pipeline.sources.yahoo_payloads import SOURCE, moment, results_of

MODULES = "assetProfile,financialData,defaultKeyStatistics"
DEBT, CASH, REVENUE = "annualTotalDebt", "annualCashCashEquivalentsAndShortTermInvestments", "annualTotalRevenue"
INTEREST = ("annualInterestIncome", "annualInterestIncomeNonOperating")
"""Of the income that a standard does not permit, Yahoo names the interest only."""
TYPES = ",".join((DEBT, CASH, REVENUE, *INTEREST))


def parse_summary(body: bytes, page: Page, code: str) -> Fundamentals:
    """Return the newest quarter's balance sheet, the last four quarters' revenue and the line of business of `code`.

    Raises PayloadError for another shape, UnknownSymbol for no result.
    """
    results = results_of(body, "quoteSummary")
    if not results:
        raise UnknownSymbol(f"Yahoo has no summary of {code}: a retry does not help; correct its alias")
    if not isinstance(results[0], dict):
        raise payload_error(SOURCE, "a summary", results[0])
    modules = {name: part for name, part in results[0].items() if isinstance(part, dict)}
    finance, statistics = modules.get("financialData", {}), modules.get("defaultKeyStatistics", {})
    period_end = moment({"mostRecentQuarter": _raw(statistics, "mostRecentQuarter")}, "mostRecentQuarter")
    return Fundamentals(
        market=page.market,
        source=page.source,
        symbol=code,
        received_time=page.received_time,
        # the date is midnight UTC of the day itself
        period_end=period_end.date() if period_end else None,
        total_debt=_raw(finance, "totalDebt"),
        cash_and_interest_bearing_deposits=_raw(finance, "totalCash"),
        total_revenue=_raw(finance, "totalRevenue"),
        sector=_line_of_business(modules.get("assetProfile", {})),
        currency=text_of(finance.get("financialCurrency")),
        payload_sha=page.payload_sha,
    )


def with_annual_statements(summary: Fundamentals, body: bytes) -> Fundamentals:
    """Return `summary` with all figures of the last annual statements, or as it is where these have no interest income.

    Figures of different periods or currencies are never mixed. Raises PayloadError for another shape.
    """
    points = [point for series in results_of(body, "timeseries") for point in _points(series)]
    day = max((day for name, day, _, _ in points if name in INTEREST), default=None)
    if day is None:
        return summary
    found = {name: (value, currency) for name, at, value, currency in points if at == day}
    interest = next(found[name] for name in INTEREST if name in found)
    same = {name: value for name, (value, currency) in found.items() if currency == interest[1]}
    return replace(
        summary,
        period_end=day,
        total_debt=same.get(DEBT),
        cash_and_interest_bearing_deposits=same.get(CASH),
        impermissible_income=interest[0],
        total_revenue=same.get(REVENUE),
        currency=interest[1],
    )


def _points(series: Any) -> list[tuple[str, date, float, str | None]]:
    """Return (type, last day of the period, value, currency) of one series; what lacks a value is left out."""
    try:
        (name,) = series["meta"]["type"]
        rows = [row for row in series.get(name) or [] if row is not None]
        found = [
            (str(name), date.fromisoformat(row["asOfDate"]), _raw(row, "reportedValue"), text_of(row["currencyCode"]))
            for row in rows
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise payload_error(SOURCE, "a series of statements", series) from None
    return [(name, day, value, currency) for name, day, value, currency in found if value is not None]


def _raw(module: Mapping[str, Any], key: str) -> float | None:
    """Return a figure, which comes as {"raw": …, "fmt": …}, as {} for none, or plain."""
    value = module.get(key)
    return parse_number(value.get("raw") if isinstance(value, dict) else value, "raw")


def _line_of_business(profile: Mapping[str, Any]) -> str | None:
    parts = [part for key in ("sector", "industry") if (part := text_of(profile.get(key)))]
    return " / ".join(parts) or None
