"""Which of the good reports is taken: rule 5 (newest), rule 6 (groups) and rule 8 (provenance)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from market_pipeline.model.quote import PriceKind
from market_pipeline_tests.transforms.merge_cases import (
    AFRICAN,
    BVC,
    NOW,
    TODAY,
    WAFA,
    day_quote,
    market,
    quote,
    source,
    ticker,
)


def test_the_finer_timestamp_wins_inside_the_day_that_a_date_only_report_spans():
    merged = ticker([quote(BVC, 739.0, minutes_ago=30), day_quote(AFRICAN, 740.0)])
    assert (merged.price, merged.source) == (739.0, BVC)


def test_todays_date_only_report_beats_yesterdays_last_trade():
    delayed = market(sources=[source(BVC), source(AFRICAN)])
    yesterday = quote(BVC, 735.0, event_time=TODAY - timedelta(hours=8, minutes=31))
    early = TODAY.replace(hour=9, minute=31)
    merged = ticker([yesterday, day_quote(AFRICAN, 739.0)], now=early, market_file=delayed)
    assert (merged.price, merged.source) == (739.0, AFRICAN)


def test_at_the_same_moment_and_precision_the_priority_of_the_market_file_decides():
    assert ticker([quote(WAFA, 739.5), quote(BVC, 739.0)]).source == BVC


def test_two_date_only_reports_of_one_day_are_decided_by_priority():
    assert ticker([day_quote(AFRICAN, 739.5), day_quote(WAFA, 739.0)]).source == WAFA


def test_a_minute_that_contains_a_second_yields_to_it():
    coarse = quote(BVC, 739.0, event_time=NOW - timedelta(minutes=2), event_precision_seconds=60.0)
    fine = quote(WAFA, 739.5, event_time=NOW - timedelta(minutes=2) + timedelta(seconds=20))
    assert ticker([coarse, fine]).source == WAFA


def test_two_minutes_that_overlap_are_one_moment_and_priority_decides():
    earlier = quote(BVC, 739.0, minutes_ago=2.5, event_precision_seconds=60.0)
    newer = quote(WAFA, 739.5, minutes_ago=2, event_precision_seconds=60.0)
    assert ticker([earlier, newer]).source == BVC


def test_session_fields_come_from_one_source_even_where_another_knows_more():
    newer = quote(BVC, 739.0, minutes_ago=3, open=736.0, high=740.0, volume=100.0)
    older = quote(WAFA, 739.0, minutes_ago=9, open=735.0, high=741.0, low=734.0)
    merged = ticker([newer, older])
    assert (merged.open, merged.high, merged.low, merged.volume) == (736.0, 740.0, None, 100.0)
    assert merged.provenance["session"].source == BVC
    assert merged.provenance["session"].losers == {WAFA: "None: older"}


def test_price_session_book_and_valuation_may_come_from_different_sources():
    merged = ticker(
        [
            quote(BVC, None, minutes_ago=2, bid=738.9, bid_size=40.0, ask=739.1, ask_size=15.0),
            quote(WAFA, 739.0, minutes_ago=3, volume=48_129.0, turnover=35_489_310.5),
            day_quote(AFRICAN, 739.0, market_cap=155.97e9),
        ]
    )
    assert (merged.source, merged.volume, merged.bid, merged.market_cap) == (WAFA, 48_129.0, 738.9, 155.97e9)
    suppliers = {group: record.source for group, record in merged.provenance.items()}
    assert suppliers == {"last": WAFA, "session": WAFA, "book": BVC, "valuation": AFRICAN}


def test_provenance_keeps_both_times_and_the_kind():
    record = ticker([quote(BVC, 739.0, minutes_ago=3)]).provenance["last"]
    assert record.event_time == NOW - timedelta(minutes=3)
    assert (record.received_time, record.price_kind) == (NOW, PriceKind.TRADE)


@pytest.mark.parametrize(
    "fields",
    [
        {"high": 738.0, "low": 740.0},
        {"high": 738.9, "low": 730.0},
        {"high": 745.0, "low": 739.1},
        {"open": 750.0, "high": 745.0, "low": 730.0},
        {"high": -1.0},
        {"volume": -5.0},
        {"volume": float("nan")},
    ],
)
def test_session_fields_that_contradict_themselves_or_the_price_are_dropped_together(fields: dict[str, float]):
    merged = ticker([quote(BVC, 739.0, **{"turnover": 1.0, **fields})])
    assert merged.price == 739.0
    assert (merged.open, merged.high, merged.low, merged.volume, merged.turnover) == (None,) * 5


def test_a_dropped_group_is_named_with_its_reason_where_another_source_supplies_it():
    merged = ticker([quote(BVC, 739.0, high=700.0, volume=9.0), quote(WAFA, 739.0, minutes_ago=2, volume=7.0)])
    assert merged.volume == 7.0
    assert merged.provenance["session"].losers == {BVC: "9.0: bad_session"}


def test_a_price_one_tick_above_the_sessions_high_was_only_seen_a_moment_later():
    assert ticker([quote(BVC, 739.0, high=738.95, low=730.0)]).high == 738.95


def test_a_session_high_outside_the_daily_band_drops_the_group():
    merged = ticker([quote(BVC, 739.0, high=74_000.0, low=734.0, previous_close=735.0)])
    assert (merged.price, merged.high) == (739.0, None)


def test_volume_zero_is_a_value():
    assert ticker([quote(BVC, 739.0, volume=0.0)]).volume == 0.0


def test_a_crossed_book_is_dropped():
    merged = ticker([quote(BVC, 739.0, bid=740.0, ask=739.0)])
    assert (merged.price, merged.bid, merged.ask) == (739.0, None, None)


def test_a_book_is_as_of_the_answer_so_a_share_that_seldom_trades_has_one():
    merged = ticker([quote(BVC, 739.0, minutes_ago=40, bid=738.0, ask=740.0)])
    assert (merged.bid, merged.ask) == (738.0, 740.0)


def test_a_book_of_a_source_that_gives_no_time_is_as_old_as_what_it_says() -> None:
    repeated = quote(BVC, 739.0, minutes_ago=7, event_precision_seconds=60.0, is_undated=True, bid=738.0, ask=740.0)
    assert (ticker([repeated]).price, ticker([repeated]).bid) == (739.0, None)


def test_a_book_received_more_than_five_open_minutes_ago_is_dropped():
    old = quote(BVC, 739.0, minutes_ago=6, received_time=NOW - timedelta(minutes=6), bid=738.0, ask=740.0)
    merged = ticker([old])
    assert (merged.price, merged.bid) == (739.0, None)


def test_a_market_capitalisation_lives_for_seven_days():
    six = day_quote(AFRICAN, 700.0, day=(NOW - timedelta(days=6)).date(), market_cap=150e9)
    nine = day_quote(AFRICAN, 700.0, day=(NOW - timedelta(days=9)).date(), market_cap=150e9)
    assert ticker([quote(BVC, 739.0), six]).market_cap == 150e9
    assert ticker([quote(BVC, 739.0), nine]).market_cap is None


def test_the_days_change_is_computed_from_price_and_previous_close():
    merged = ticker([quote(BVC, 739.0, previous_close=735.0, change_1d_percent=99.0)])
    assert merged.change_1d_percent == pytest.approx(0.5442176870748299, rel=1e-12)


def test_without_a_previous_close_the_sources_own_change_is_shown():
    assert ticker([quote(BVC, 739.0, change_1d_percent=0.54)]).change_1d_percent == 0.54


def test_the_change_since_the_year_began_is_the_sources():
    merged = ticker([quote(BVC, 739.0), day_quote(AFRICAN, 739.0, change_ytd_percent=12.5)])
    assert merged.change_ytd_percent == 12.5
    assert merged.provenance["change_ytd"].source == AFRICAN


def test_nobody_says_the_change_since_the_year_began():
    assert ticker([quote(BVC, 739.0)]).change_ytd_percent is None


def test_a_row_without_a_price_still_gives_what_it_knows():
    merged = ticker([quote(BVC, None, previous_close=735.0, market_cap=155e9)])
    assert (merged.price, merged.previous_close, merged.market_cap) == (None, 735.0, 155e9)
    assert merged.flags == ("no_price",)


CRYPTO = market(sources=[source(BVC), source(WAFA, is_fallback=True)], merge={})


def test_a_fallback_never_beats_a_fresh_price_however_new_it_is() -> None:
    merged = ticker([quote(BVC, 739.0, minutes_ago=30), quote(WAFA, 740.0, minutes_ago=1)], market_file=CRYPTO)
    assert (merged.price, merged.source) == (739.0, BVC)


def test_a_fallback_counts_where_no_other_price_is_fresh() -> None:
    merged = ticker([quote(BVC, 739.0, minutes_ago=46), quote(WAFA, 740.0, minutes_ago=1)], market_file=CRYPTO)
    assert (merged.price, merged.source) == (740.0, WAFA)
