"""What the merge owes to what it said before: never backwards (rule 7), jumps held back (rule 4), stale kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market_pipeline.model.live_ticker import LiveTicker
from market_pipeline.model.quote import Quote
from market_pipeline_tests.transforms.merge_cases import (
    BVC,
    INDEPENDENT,
    MONDAY,
    NOW,
    WAFA,
    market,
    merge,
    quote,
    reasons,
    source,
    ticker,
)

WITHOUT_BAND = market(merge={})


def later(minutes: float, source: str = BVC, price: float = 739.0, **fields: object) -> Quote:
    """A trade some minutes after NOW, received at once."""
    at = NOW + timedelta(minutes=minutes)
    return quote(source, price, **{"event_time": at, "received_time": at, **fields})


def poll(price: float, before: LiveTicker, minutes: float, source: str = BVC) -> LiveTicker:
    """The ticker after one more poll, in a market without a daily band."""
    at = NOW + timedelta(minutes=minutes)
    return ticker([later(minutes, source, price)], previous=before, market_file=WITHOUT_BAND, now=at)


def test_an_older_quote_never_overwrites_a_newer_one():
    before = ticker([quote(WAFA, 740.0, minutes_ago=2)])
    result = merge([quote(BVC, 739.0, minutes_ago=15)], previous=before)
    merged = result.tickers[0]
    assert (merged.price, merged.source, merged.event_time, merged.flags) == (740.0, WAFA, before.event_time, ())
    assert merged.provenance["last"].losers == {BVC: "739.0: late"}
    assert reasons(result) == {BVC: "late"}


def test_the_same_event_time_with_another_price_is_a_correction_and_counts():
    before = ticker([quote(BVC, 739.0, minutes_ago=2)])
    assert ticker([quote(BVC, 739.5, minutes_ago=2)], previous=before).price == 739.5


def test_volume_never_falls_within_a_session_and_the_whole_group_stays():
    before = ticker([quote(BVC, 739.0, minutes_ago=3, volume=500.0, high=741.0)])
    merged = ticker([quote(WAFA, 740.0, volume=450.0, high=740.0)], previous=before)
    assert (merged.price, merged.volume, merged.high) == (740.0, 500.0, 741.0)
    assert merged.provenance["session"].source == BVC
    assert merged.provenance["session"].losers == {WAFA: "450.0: volume_fell"}


def test_an_older_report_never_overwrites_the_sessions_fields():
    before = ticker([quote(WAFA, 740.0, minutes_ago=2, volume=500.0, high=741.0)])
    merged = ticker([quote(BVC, 739.0, minutes_ago=15, volume=600.0, high=745.0)], previous=before)
    assert (merged.volume, merged.high) == (500.0, 741.0)
    assert merged.provenance["session"].losers == {BVC: "600.0: late"}


def test_volume_begins_again_with_a_new_session():
    before = ticker([quote(BVC, 739.0, volume=500.0)])
    monday = MONDAY.replace(hour=9, minute=40)
    merged = ticker([quote(BVC, 741.0, event_time=monday, volume=20.0)], previous=before, now=monday)
    assert merged.volume == 20.0


def test_a_new_session_without_volume_yet_does_not_show_that_of_the_last_one():
    before = ticker([quote(BVC, 739.0, volume=500.0, high=741.0, previous_close=735.0)])
    monday = MONDAY.replace(hour=9, minute=40)
    merged = ticker([quote(BVC, 741.0, event_time=monday)], previous=before, now=monday)
    assert (merged.volume, merged.high, merged.previous_close) == (None, None, None)


def test_session_fields_of_another_session_than_the_price_are_not_mixed_in():
    monday = MONDAY.replace(hour=9, minute=40)
    friday = quote(WAFA, 739.0, event_time=NOW.replace(hour=15, minute=29), volume=500.0)
    merged = ticker([quote(BVC, 741.0, event_time=monday), friday], now=monday)
    assert (merged.price, merged.volume) == (741.0, None)


def test_a_symbol_that_nobody_reports_keeps_its_ticker_flagged_stale():
    before = ticker([quote(BVC, 739.0, volume=500.0, previous_close=735.0)])
    merged = ticker([], previous=before, now=NOW + timedelta(minutes=1))
    assert (merged.price, merged.volume, merged.previous_close) == (739.0, 500.0, 735.0)
    assert (merged.event_time, merged.flags) == (before.event_time, ("stale",))
    assert merged.change_1d_percent == pytest.approx(0.5442176870748299, rel=1e-12)


def test_a_symbol_that_nobody_reports_in_the_next_session_has_no_ticker():
    before = ticker([quote(BVC, 739.0)])
    assert merge([], previous=before, now=MONDAY.replace(hour=10, minute=16)).tickers == ()


def test_the_last_session_is_still_the_session_on_the_weekend():
    before = ticker([quote(BVC, 739.0)])
    assert ticker([], previous=before, now=NOW + timedelta(days=2)).flags == ("stale",)


def test_an_old_book_is_not_carried_on():
    before = ticker([quote(BVC, 739.0, bid=738.0, ask=740.0)])
    assert ticker([], previous=before).bid is None


def test_a_ticker_from_the_future_does_not_block_quotes_after_the_clock_went_back():
    ahead = NOW + timedelta(hours=1)
    before = ticker([quote(BVC, 745.0, event_time=ahead)], now=ahead)
    assert ticker([quote(BVC, 739.0)], previous=before).price == 739.0


def test_a_jump_is_held_back_and_the_old_price_stays():
    before = ticker([quote(BVC, 739.0)])
    result = merge([later(1, price=900.0)], previous=before, market_file=WITHOUT_BAND, now=NOW + timedelta(minutes=1))
    merged = result.tickers[0]
    assert (merged.price, merged.event_time, merged.flags) == (739.0, before.event_time, ("quarantined",))
    assert merged.pending is not None
    assert (merged.pending.price, merged.pending.source) == (900.0, BVC)
    assert reasons(result) == {BVC: "quarantined"}


def test_a_jump_is_accepted_when_a_second_poll_agrees():
    held = poll(900.0, ticker([quote(BVC, 739.0)]), 1)
    merged = poll(901.0, held, 2)
    assert (merged.price, merged.pending, merged.flags) == (901.0, None, ("single_source",))


def test_reading_the_same_poll_again_confirms_nothing():
    before = ticker([quote(BVC, 739.0)])
    held = poll(900.0, before, 1)
    assert poll(900.0, held, 1).price == 739.0


def test_a_jump_that_is_gone_at_the_next_poll_leaves_no_trace():
    held = poll(900.0, ticker([quote(BVC, 739.0)]), 1)
    merged = poll(740.0, held, 2)
    assert (merged.price, merged.pending, merged.flags) == (740.0, None, ("single_source",))


def test_a_jump_is_accepted_at_once_when_an_independent_source_agrees():
    before = ticker([quote("alpha", 739.0)], market_file=INDEPENDENT)
    quotes = [later(1, "alpha", 900.0), later(1, "beta", 899.0)]
    merged = ticker(quotes, previous=before, market_file=INDEPENDENT, now=NOW + timedelta(minutes=1))
    assert (merged.price, merged.pending) == (900.0, None)


def test_a_reseller_of_the_same_feed_does_not_confirm_a_jump():
    before = ticker([quote(BVC, 739.0)])
    quotes = [later(1, BVC, 900.0), later(1, WAFA, 900.0)]
    merged = ticker(quotes, previous=before, market_file=WITHOUT_BAND, now=NOW + timedelta(minutes=1))
    assert (merged.price, merged.flags) == (739.0, ("quarantined",))


def test_a_jump_of_one_source_leaves_the_price_to_the_other():
    before = ticker([quote(BVC, 739.0)])
    quotes = [later(1, BVC, 900.0), later(0.5, WAFA, 741.0)]
    merged = ticker(quotes, previous=before, market_file=WITHOUT_BAND, now=NOW + timedelta(minutes=1))
    assert (merged.price, merged.source, merged.flags) == (741.0, WAFA, ("single_source",))
    assert merged.provenance["last"].losers == {BVC: "900.0: quarantined"}


@pytest.mark.parametrize("factor", [100.0, 10.0, 0.01])
def test_a_block_of_wrong_units_is_not_accepted_for_being_repeated(factor: float):
    merged = ticker([quote(BVC, 739.0)])
    for minute in range(1, 21):
        merged = poll(739.0 * factor, merged, minute)
        assert (merged.price, "quarantined" in merged.flags) == (739.0, True)
    assert poll(740.0, merged, 21).price == 740.0


def test_a_power_of_ten_that_lasts_half_an_hour_is_believed_so_that_a_wrong_first_price_heals():
    merged = ticker([quote(BVC, 73_900.0)], market_file=WITHOUT_BAND)
    for minute in range(1, 31):
        merged = poll(739.0, merged, minute)
        assert merged.price == 73_900.0
    assert poll(739.0, merged, 31).price == 739.0


def test_a_split_is_held_back_as_a_corporate_action_and_accepted_with_the_second_poll():
    # 645.70 before the 7:1 split, 92.42 after it: the exchange's reference price moved with the price
    friday = ticker([quote("alpha", 645.70)], market_file=INDEPENDENT)
    monday = MONDAY.replace(hour=9, minute=31)
    split = quote("alpha", 92.42, event_time=monday, received_time=monday, previous_close=92.24)
    held = ticker([split], previous=friday, market_file=INDEPENDENT, now=monday)
    assert held.price == 645.70
    assert held.flags == ("corporate_action_candidate", "quarantined", "stale")
    monday += timedelta(minutes=1)
    again = quote("alpha", 92.50, event_time=monday, received_time=monday, previous_close=92.24)
    merged = ticker([again], previous=held, market_file=INDEPENDENT, now=monday)
    assert (merged.price, merged.previous_close, merged.flags) == (92.50, 92.24, ("single_source",))


def test_a_ticker_held_back_keeps_its_old_session_whole():
    friday = ticker([quote("alpha", 645.70, volume=9_000.0, previous_close=640.0)], market_file=INDEPENDENT)
    monday = MONDAY.replace(hour=9, minute=31)
    split = quote("alpha", 92.42, event_time=monday, received_time=monday, previous_close=92.24, volume=50.0)
    held = ticker([split], previous=friday, market_file=INDEPENDENT, now=monday)
    assert (held.price, held.volume, held.previous_close) == (645.70, 9_000.0, 640.0)


def test_a_price_held_back_is_still_known_after_a_cycle_without_quotes():
    held = poll(900.0, ticker([quote(BVC, 739.0)]), 1)
    silent = ticker([], previous=held, market_file=WITHOUT_BAND, now=NOW + timedelta(minutes=2))
    assert silent.flags == ("quarantined", "stale")
    assert poll(900.0, silent, 3).price == 900.0


def test_the_reference_stays_the_same_through_the_session():
    before = ticker([quote(BVC, 739.0, minutes_ago=3, previous_close=735.0)])
    merged = ticker([quote(BVC, 739.0, previous_close=739.0)], previous=before)
    assert merged.previous_close == 735.0


def test_last_sessions_reference_says_nothing_about_todays_price():
    # Friday 735 → 800, Monday 860: beyond ten percent of Friday's reference, within ten percent of Monday's
    friday = ticker([quote(BVC, 800.0, minutes_ago=3, previous_close=735.0)])
    monday = MONDAY.replace(hour=9, minute=35)
    merged = ticker([quote(WAFA, 860.0, event_time=monday, received_time=monday)], previous=friday, now=monday)
    assert (merged.price, merged.previous_close) == (860.0, None)


def test_a_reference_that_most_prices_contradict_is_replaced_together_with_the_price():
    before = ticker([quote(BVC, 73_900.0, minutes_ago=3, previous_close=73_500.0)])
    quotes = [quote(BVC, 739.0, previous_close=735.0), quote(WAFA, 739.2, previous_close=735.0)]
    held = ticker(quotes, previous=before)
    assert held.pending is not None
    assert (held.price, held.previous_close, held.pending.price) == (73_900.0, 73_500.0, 739.0)
    again = [later(31, name, 739.0, previous_close=735.0) for name in (BVC, WAFA)]
    believed = ticker(again, previous=held, now=NOW + timedelta(minutes=31))
    assert (believed.price, believed.previous_close) == (739.0, 735.0)


def test_sources_that_err_alike_bring_neither_their_price_nor_their_reference():
    before = ticker([quote(BVC, 739.0, minutes_ago=3, previous_close=735.0)])
    wrong = [quote(name, 73_900.0, previous_close=73_500.0, open=73_600.0) for name in (BVC, WAFA)]
    held = ticker(wrong, previous=before)
    assert (held.price, held.previous_close, held.open) == (739.0, 735.0, None)
    assert held.change_1d_percent == pytest.approx(0.544, abs=0.001)


def test_a_wrong_unit_is_not_believed_in_other_fields_because_its_price_was_too_old_to_count():
    before = ticker([quote(BVC, 739.0, minutes_ago=3)], market_file=WITHOUT_BAND)
    late = quote(WAFA, 73_900.0, minutes_ago=9, open=73_600.0, high=74_000.0, low=73_500.0, volume=10.0)
    merged = ticker([quote(BVC, 739.5), late], previous=before, market_file=WITHOUT_BAND)
    assert (merged.price, merged.open, merged.high, merged.volume) == (739.5, None, None, None)


def test_an_unlisted_previous_source_does_not_break_the_merge():
    before = ticker([quote("alpha", 739.0)], market_file=market(sources=[source("alpha")]))
    merged = ticker([quote(BVC, 740.0)], previous=before)
    assert merged.price == 740.0
