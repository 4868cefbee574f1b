"""What Yahoo says of a company's worth, in one unit."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from market_pipeline.model.metrics import Metrics
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.yahoo_metrics import parse_metrics
from market_pipeline_tests.sources.yahoo_desk import NOW, body, changed, page


def metrics_of(payload: bytes, code: str, zone: str = "America/New_York") -> Metrics:
    metrics = parse_metrics(payload, page(ZoneInfo(zone)))[code].record
    assert metrics is not None
    return metrics


def apple(**fields: Any) -> Metrics:
    def change(document: Any) -> None:
        record = document["quoteResponse"]["result"][0]
        record.update(fields)
        for name in [name for name, value in fields.items() if value is None]:
            del record[name]

    return metrics_of(changed("quote_normal.json", change), "AAPL")


def test_a_record_becomes_metrics() -> None:
    assert metrics_of(body("quote_normal.json"), "AAPL") == Metrics(
        market="us",
        source="yahoo",
        symbol="AAPL",
        received_time=NOW,
        event_time=NOW.replace(second=0),
        volume=12164500.0,
        day_high=288.0,
        day_low=284.62,
        market_cap=4243043303424.0,
        pe_ratio=38.44,
        dividend_yield=0.0036919832,
        week_52_low=164.08,
        week_52_high=290.1,
        average_volume_3m=51234567.0,
        bid=287.12,
        bid_size=300.0,
        ask=287.16,
        ask_size=200.0,
        eps=7.47,
        book_value=4.99,
        earnings_date=date(2027, 1, 28),
        shares_outstanding=14776400000.0,
        currency="USD",
        payload_sha="sha",
    )


def test_a_yield_in_percent_becomes_a_fraction() -> None:
    assert apple(trailingAnnualDividendYield=0.36919832).dividend_yield == pytest.approx(1.05 / 284.4)


def test_a_yield_that_is_neither_the_fraction_nor_another_unit_of_it_stays_unknown() -> None:
    assert apple(trailingAnnualDividendYield=0.02).dividend_yield is None


def test_the_percent_of_next_years_dividend_is_never_taken_for_a_yield() -> None:
    silent = apple(trailingAnnualDividendYield=None, trailingAnnualDividendRate=None)
    assert silent.dividend_yield is None


def test_a_share_that_pays_nothing_yields_zero() -> None:
    assert apple(trailingAnnualDividendYield=0.0, trailingAnnualDividendRate=0.0).dividend_yield == 0.0


def test_what_is_quoted_in_pence_is_kept_in_pounds_per_share_figures_included() -> None:
    lloyds = metrics_of(body("quote_gbp_pence.json"), "LLOY.L", "Europe/London")
    assert (lloyds.currency, lloyds.week_52_low, lloyds.week_52_high) == ("GBP", 0.522, 0.976)
    assert (lloyds.day_low, lloyds.day_high, lloyds.bid, lloyds.ask) == (0.915, 0.929, 0.9248, 0.9252)
    # 0.925 pounds by 0.063 is the P/E of 14.68 that Yahoo states: these figures are in pounds already
    assert (lloyds.eps, lloyds.book_value, lloyds.pe_ratio) == (0.063, 0.782, 14.68254)
    assert lloyds.dividend_yield == pytest.approx(0.0333 / 0.916)


def test_earnings_in_pence_are_told_by_the_ratio_and_become_pounds() -> None:
    def change(document: Any) -> None:
        document["quoteResponse"]["result"][0]["epsTrailingTwelveMonths"] = 6.3

    lloyds = metrics_of(changed("quote_gbp_pence.json", change), "LLOY.L", "Europe/London")
    assert lloyds.eps == pytest.approx(0.063)


def test_per_share_figures_in_another_currency_than_the_price_stay_unknown() -> None:
    foreign = apple(financialCurrency="CNY", epsTrailingTwelveMonths=53.2, bookValue=36.0)
    assert (foreign.eps, foreign.book_value) == (None, None)


def test_a_loss_is_a_negative_figure_and_has_no_ratio() -> None:
    loss = apple(epsTrailingTwelveMonths=-1.2, trailingPE=None)
    assert (loss.eps, loss.pe_ratio) == (-1.2, None)


def test_the_next_report_is_preferred_to_the_last() -> None:
    assert apple(earningsTimestampStart=None, earningsTimestampEnd=None).earnings_date == date(2026, 10, 29)


def test_what_is_absent_or_zero_for_none_is_unknown() -> None:
    index = metrics_of(body("quote_saudi_normal.json"), "^TASI.SR", "Asia/Riyadh")
    assert (index.market_cap, index.eps, index.dividend_yield, index.volume, index.earnings_date) == (None,) * 5
    coin = metrics_of(body("quote_crypto_normal.json"), "BTC-USD", "UTC")
    assert (coin.volume, coin.average_volume_3m, coin.market_cap) == (None, None, 1815451995000.0)


def test_a_range_upside_down_is_set_aside() -> None:
    payload = changed("quote_normal.json", lambda d: d["quoteResponse"]["result"][0].update(fiftyTwoWeekLow=900.0))
    reports = parse_metrics(payload, page())
    assert reports["AAPL"].status is OutcomeStatus.PARSE_ERROR
    assert reports["AAPL"].reason == "fiftyTwoWeekLow 900 is above fiftyTwoWeekHigh 290.1"
    assert reports["MSFT"].status is OutcomeStatus.OK
