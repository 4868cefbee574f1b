"""Each field from the best source that has it, with its source and the time it holds for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from market_pipeline.model.live_ticker import FieldProvenance
from market_pipeline.model.metrics import FieldOrigin
from market_pipeline.model.quote import PriceKind
from market_pipeline.transforms.metrics import accept_reports
from market_pipeline.transforms.year_range import YearRange
from market_pipeline_tests.transforms.metrics_cases import (
    DAY,
    LIMITS,
    MINUTE,
    NOW,
    OPEN,
    SHARE,
    known,
    live,
    merged,
    said,
    sources,
    values,
)

CLOSE = datetime(2026, 11, 18, 12, 20, tzinfo=UTC)


def test_an_instrument_of_which_nobody_speaks_has_a_row_without_values() -> None:
    found = merged()
    assert (found.rows[0].symbol, found.rows[0].currency) == ("2222", "SAR")
    assert values(found) == {}
    assert sources(found) == {}


def test_fields_of_two_sources_stand_side_by_side_with_their_names() -> None:
    found = merged(said("yahoo", pe_ratio=15.5), said("argaam", eps=1.6, pe_ratio=14.0))
    assert values(found) == {"pe_ratio": 15.5, "eps": 1.6}
    assert sources(found) == {"pe_ratio": "yahoo", "eps": "argaam"}


def test_a_book_is_never_put_together_from_two_sources() -> None:
    found = merged(said("yahoo", bid=24.9, ask=25.1), said("argaam", bid=24.8, bid_size=300, ask=25.2, ask_size=100))
    assert values(found) == {"bid": 24.9, "ask": 25.1}


def test_what_the_session_made_holds_at_the_exchanges_time_and_a_valuation_when_it_was_said() -> None:
    origins = merged(said(volume=1000, pe_ratio=15.5)).rows[0].origins
    assert origins["volume"] == FieldOrigin("yahoo", NOW - 2 * MINUTE)
    assert origins["pe_ratio"] == FieldOrigin("yahoo", NOW - MINUTE)


def test_the_merged_live_ticker_goes_before_a_report_and_names_its_own_source() -> None:
    found = merged(said(volume=900, day_high=26.0, day_low=24.0), tickers=live(volume=1000, high=25.5, low=24.5))
    assert values(found) == {"volume": 1000, "day_high": 25.5, "day_low": 24.5}
    assert set(sources(found).values()) == {"argaam"}


def test_the_volume_of_yesterdays_session_is_not_todays() -> None:
    found = merged(said(volume=900, pe_ratio=15.5, event_time=OPEN - 19 * 60 * MINUTE))
    assert values(found) == {"pe_ratio": 15.5}


def test_a_field_that_nobody_says_anew_stays_until_it_is_too_old() -> None:
    assert values(merged(previous=known(DAY, eps=1.6))) == {"eps": 1.6}
    assert values(merged(previous=known(2 * DAY + MINUTE, eps=1.6))) == {}


def test_a_carried_field_keeps_its_source_and_time() -> None:
    assert merged(previous=known(DAY, eps=1.6)).rows[0].origins == {"eps": FieldOrigin("yahoo", NOW - DAY)}


def test_yesterdays_volume_is_not_carried_into_a_new_session() -> None:
    assert values(merged(previous=known(NOW - OPEN + MINUTE, volume=900, bid=24.9))) == {}


def test_a_capitalisation_nobody_says_is_shares_by_price() -> None:
    found = merged(said(shares_outstanding=1000.0), tickers=live())
    assert values(found) == {"shares_outstanding": 1000.0, "market_cap": 25_000.0}
    assert found.rows[0].origins["market_cap"] == FieldOrigin("derived", NOW - 3 * MINUTE)


def test_a_capitalisation_that_a_source_says_is_not_computed() -> None:
    found = merged(said(shares_outstanding=1000.0, market_cap=26_000.0), tickers=live())
    assert (values(found)["market_cap"], sources(found)["market_cap"]) == (26_000.0, "yahoo")


def test_an_old_capitalisation_gives_way_to_shares_known_before_by_the_present_price() -> None:
    found = merged(tickers=live(), previous=known(DAY, shares_outstanding=1000.0, market_cap=26_000.0))
    assert (values(found)["market_cap"], sources(found)["market_cap"]) == (25_000.0, "derived")


def test_no_capitalisation_is_made_of_a_price_that_is_held_back() -> None:
    found = merged(said(shares_outstanding=1000.0), tickers=live(flags=("quarantined",)))
    assert values(found) == {"shares_outstanding": 1000.0}


def test_shares_in_issue_come_from_the_instrument_where_no_source_says_them() -> None:
    share = replace(SHARE, shares_outstanding=500.0)
    assert sources(merged(instrument=share, listed_at=OPEN))["shares_outstanding"] == "instruments"
    assert sources(merged(said(shares_outstanding=510.0), instrument=share, listed_at=OPEN)) == {
        "shares_outstanding": "yahoo"
    }


def test_the_years_range_comes_from_daily_bars_where_no_source_says_it_and_knows_today() -> None:
    year = YearRange(date(2026, 11, 18), 20.0, 30.0, 5000.0)
    found = merged(ranges=year, close_of=lambda _: CLOSE, tickers=live(high=31.0, low=24.0))
    assert (values(found)["week_52_low"], values(found)["week_52_high"]) == (20.0, 31.0)
    assert values(found)["average_volume_3m"] == 5000.0
    assert found.rows[0].origins["week_52_high"] == FieldOrigin("bars_1d", CLOSE)


def test_a_source_that_says_the_years_range_goes_before_daily_bars() -> None:
    year = YearRange(date(2026, 11, 18), 20.0, 30.0, None)
    found = merged(said(week_52_low=19.0, week_52_high=33.0), ranges=year, close_of=lambda _: CLOSE)
    assert values(found) == {"week_52_low": 19.0, "week_52_high": 33.0}
    assert set(sources(found).values()) == {"yahoo"}


def test_zero_is_a_value_and_does_not_let_a_worse_source_in() -> None:
    assert values(merged(said("yahoo", volume=0.0), said("argaam", volume=10.0))) == {"volume": 0.0}


def test_a_report_older_than_the_limit_does_not_count() -> None:
    limits = replace(LIMITS, max_ages={**LIMITS.max_ages, "eps": timedelta(seconds=30)})
    assert values(merged(said(eps=1.6, pe_ratio=15.5), limits=limits)) == {"pe_ratio": 15.5}


def test_a_live_ticker_of_yesterdays_session_says_nothing_of_todays() -> None:
    moment = OPEN - MINUTE
    record = FieldProvenance("argaam", moment, moment, PriceKind.TRADE)
    stale = live(volume=1000.0, high=25.5, low=24.5, bid=24.9, provenance=dict.fromkeys(("session", "book"), record))
    assert values(merged(tickers=stale)) == {}
    assert values(merged(said(volume=900.0), tickers=stale)) == {"volume": 900.0}


def test_a_capitalisation_that_the_ticker_carried_from_an_earlier_session_gives_way_to_a_report() -> None:
    record = FieldProvenance("argaam", OPEN - MINUTE, OPEN - MINUTE, PriceKind.CLOSE)
    carried = live(market_cap=24_000.0, provenance={"valuation": record})
    assert sources(merged(said(market_cap=26_000.0), tickers=carried)) == {"market_cap": "yahoo"}
    assert values(merged(tickers=carried)) == {"market_cap": 24_000.0}
    assert sources(merged(said(market_cap=26_000.0), tickers=live(market_cap=24_000.0))) == {"market_cap": "argaam"}


def test_no_capitalisation_is_made_of_a_price_that_is_too_old() -> None:
    old = live(event_time=NOW - 3 * DAY)
    assert values(merged(said(shares_outstanding=1000.0), tickers=old)) == {"shares_outstanding": 1000.0}


def test_daily_bars_older_than_the_limit_do_not_count() -> None:
    year = YearRange(date(2026, 11, 12), 20.0, 30.0, 5000.0)
    assert values(merged(ranges=year, close_of=lambda _: NOW - 7 * DAY)) == {}


def test_a_report_that_nobody_asked_for_and_the_first_of_two_are_refused() -> None:
    first, second, other = said(eps=1.5), said(eps=1.6), replace(said(eps=9.0), symbol="9999")
    accepted, refused = accept_reports([first, second, other], [SHARE])
    assert accepted == {"2222": [second]}
    assert [(r.report.symbol, r.reason) for r in refused] == [
        ("2222", "duplicate: the source said this symbol again"),
        ("9999", "nobody asked for this symbol"),
    ]
