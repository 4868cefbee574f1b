"""Who may take part: rule 2 of the merge rule, and rule 3 on prices that nobody paid."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market_pipeline.model.quote import PriceKind
from market_pipeline_tests.transforms.merge_cases import (
    AFRICAN,
    BVC,
    MONDAY,
    NOW,
    WAFA,
    day_quote,
    market,
    merge,
    quote,
    reasons,
    source,
    ticker,
)


def test_one_source_is_accepted_and_flagged_single_source():
    merged = ticker([quote(BVC, 739.0)])
    assert (merged.price, merged.source, merged.flags) == (739.0, BVC, ("single_source",))


def test_a_quote_more_than_30_seconds_ahead_is_set_aside_as_future():
    result = merge([quote(BVC, 739.0, event_time=NOW + timedelta(seconds=31))])
    assert result.tickers == ()
    assert reasons(result) == {BVC: "future"}


def test_a_quote_30_seconds_ahead_is_a_clock_that_runs_fast_and_counts():
    assert ticker([quote(BVC, 739.0, event_time=NOW + timedelta(seconds=30))]).price == 739.0


def test_a_price_older_than_its_sources_limit_is_stale():
    result = merge([quote(BVC, 739.0, minutes_ago=46)])
    assert reasons(result) == {BVC: "stale"}
    assert [(t.price, t.flags) for t in result.tickers] == [(None, ("no_price",))]


def test_the_declared_delay_is_added_to_the_age_limit():
    delayed = market(sources=[source(BVC, declared_delay_seconds=900)])
    assert ticker([quote(BVC, 739.0, minutes_ago=60)], market_file=delayed).price == 739.0


def test_age_counts_open_market_minutes_so_fridays_close_is_fresh_on_sunday():
    sunday = NOW + timedelta(days=2)
    last_trade = quote(BVC, 739.0, event_time=NOW.replace(hour=15, minute=29))
    assert ticker([last_trade], now=sunday).price == 739.0


def test_fridays_price_is_stale_on_monday_once_the_market_has_been_open_for_longer_than_the_limit():
    last_trade = quote(BVC, 739.0, event_time=NOW.replace(hour=15, minute=29))
    assert ticker([last_trade], now=MONDAY.replace(hour=10, minute=13)).price == 739.0
    assert reasons(merge([last_trade], now=MONDAY.replace(hour=10, minute=16))) == {BVC: "stale"}


def test_a_date_only_price_spans_its_day_and_is_never_stale_within_it():
    assert ticker([day_quote(AFRICAN, 739.0)]).price == 739.0


def test_yesterdays_date_only_price_is_stale_in_the_middle_of_the_session():
    yesterday = day_quote(AFRICAN, 739.0, day=(NOW - timedelta(days=1)).date())
    assert reasons(merge([yesterday])) == {AFRICAN: "stale"}


@pytest.mark.parametrize("price", [float("nan"), float("inf"), float("-inf"), 0.0, -37.63])
def test_a_price_that_is_not_finite_and_above_zero_is_set_aside(price: float):
    result = merge([quote(BVC, price), quote(WAFA, 739.0)])
    assert result.tickers[0].price == 739.0
    assert reasons(result) == {BVC: "bad_price"}


def test_a_quote_in_another_currency_is_set_aside():
    result = merge([quote(BVC, 68.2, currency="EUR"), quote(WAFA, 739.0, currency="MAD")])
    assert result.tickers[0].source == WAFA
    assert reasons(result) == {BVC: "currency"}


def test_a_source_that_the_market_file_does_not_name_is_set_aside():
    assert reasons(merge([quote("somebody", 739.0)])) == {"somebody": "unknown_source"}


def test_a_quote_of_another_market_is_set_aside():
    assert reasons(merge([quote(BVC, 739.0, market="nairobi")])) == {BVC: "other_market"}


def test_a_price_times_100_lies_outside_the_daily_band():
    result = merge([quote(BVC, 73_900.0, previous_close=735.0), quote(WAFA, 739.0, minutes_ago=5)])
    merged = result.tickers[0]
    assert (merged.price, merged.source) == (739.0, WAFA)
    assert merged.provenance["last"].losers == {BVC: "73900.0: outside_band"}
    assert reasons(result) == {BVC: "outside_band"}


def test_the_daily_band_ends_at_ten_percent_and_one_tick():
    assert ticker([quote(BVC, 808.55, previous_close=735.0)]).price == 808.55
    assert reasons(merge([quote(BVC, 808.6, previous_close=735.0)])) == {BVC: "outside_band"}


def test_a_source_that_multiplies_all_its_fields_is_outvoted_by_the_prices_of_the_others():
    wrong = quote(BVC, 73_900.0, previous_close=73_500.0, open=73_600.0, volume=100.0)
    result = merge([wrong, quote(WAFA, 739.2, previous_close=735.0, minutes_ago=2), day_quote(AFRICAN, 739.0)])
    merged = result.tickers[0]
    assert (merged.price, merged.previous_close, merged.open, merged.volume) == (739.2, 735.0, None, None)
    assert reasons(result) == {BVC: "outside_band"}
    assert merged.provenance["reference"].losers == {BVC: "73500.0: outvoted"}


def test_a_lone_source_that_multiplies_all_its_fields_is_caught_by_what_we_knew_of_the_session():
    before = ticker([quote(BVC, 739.0, previous_close=735.0, minutes_ago=5)])
    result = merge([quote(BVC, 73_900.0, previous_close=73_500.0)], previous=before)
    merged = result.tickers[0]
    assert (merged.price, merged.previous_close, merged.flags) == (739.0, 735.0, ("stale",))
    assert reasons(result) == {BVC: "outside_band"}


def test_a_reference_price_never_beats_a_trade():
    reference = quote(BVC, 735.0, minutes_ago=1, price_kind=PriceKind.REFERENCE)
    merged = ticker([reference, quote(WAFA, 739.0, minutes_ago=20)])
    assert (merged.price, merged.source, merged.price_kind) == (739.0, WAFA, PriceKind.TRADE)
    assert merged.provenance["last"].losers == {BVC: "735.0: not_a_trade"}


@pytest.mark.parametrize("kind", [PriceKind.REFERENCE, PriceKind.INDICATIVE])
def test_without_a_fresh_trade_a_price_that_nobody_paid_is_used_and_flagged(kind: PriceKind):
    merged = ticker([quote(BVC, 735.0, price_kind=kind), quote(WAFA, 739.0, minutes_ago=300)])
    assert (merged.price, merged.price_kind, merged.flags) == (735.0, kind, ("not_traded", "single_source"))


def test_a_reference_price_does_not_displace_todays_trade_that_went_stale():
    before = ticker([quote(WAFA, 739.0, minutes_ago=60)], now=NOW - timedelta(minutes=60))
    merged = ticker([quote(BVC, 735.0, price_kind=PriceKind.REFERENCE)], previous=before)
    assert (merged.price, merged.source, merged.flags) == (739.0, WAFA, ("stale",))


def test_a_trade_replaces_todays_reference_price_even_when_its_source_is_delayed():
    before = ticker([quote(BVC, 735.0, minutes_ago=2, price_kind=PriceKind.REFERENCE)])
    merged = ticker([quote(WAFA, 739.0, minutes_ago=15)], previous=before)
    assert (merged.price, merged.source) == (739.0, WAFA)
