"""Polls of the live tickers → sampled bars."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_pipeline.storage.tables import LIVE_TICKERS
from market_pipeline.transforms.bars import POLL_COLUMNS, sampled_bars
from market_pipeline_tests.transforms.bar_cases import AUCTION, CLOSING, LATER, SESSION, at, column, poll, poll_rows


def sampled(
    polls: list[dict[str, Any]], *, as_of: datetime = LATER, delay: float = 0, since: datetime | None = None
) -> pa.Table:
    return sampled_bars(poll_rows(polls), session=SESSION, as_of=as_of, declared_delay_seconds=delay, since=since).rows


def test_the_columns_that_are_read_are_columns_of_live_tickers():
    assert set(POLL_COLUMNS) <= set(LIVE_TICKERS.schema.names)


def test_a_bar_is_made_of_the_polls_whose_event_lies_in_its_minute():
    rows = sampled([poll(at(5, 10), 100.0), poll(at(5, 30), 103.0), poll(at(5, 50), 101.0), poll(at(6), 99.0)])
    assert column(rows, "interval_start", "open", "high", "low", "close", "n_ticks") == [
        (at(5), 100.0, 103.0, 100.0, 101.0, 3),
        (at(6), 99.0, 99.0, 99.0, 99.0, 1),
    ]


def test_a_sampled_bar_says_what_it_is():
    rows = sampled([poll(at(5))], as_of=at(7))
    assert column(rows, "market", "session_date", "origin", "is_synthetic", "revision", "known_at") == [
        ("casablanca", SESSION.session_date, "sampled", False, 0, at(7))
    ]


def test_a_minute_without_an_event_has_no_bar():
    assert column(sampled([poll(at(5)), poll(at(9))]), "interval_start") == [at(5), at(9)]


def test_a_poll_that_brought_nothing_new_makes_no_bar():
    old_news = [poll(at(5), volume=500.0, known_at=at(minute)) for minute in (6, 7, 8)]
    assert column(sampled(old_news), "interval_start", "n_ticks") == [(at(5), 1)]


def test_a_correction_of_the_same_event_counts_once_with_what_was_known_last():
    rows = sampled([poll(at(5), 100.0, known_at=at(6)), poll(at(5), 101.0, known_at=at(7))])
    assert column(rows, "open", "close", "n_ticks") == [(101.0, 101.0, 1)]


def test_volume_is_the_growth_since_the_last_poll_before_the_minute():
    polls = [
        poll(at(5), volume=1_000.0, turnover=9e4),
        poll(at(6, 10), volume=1_200.0, turnover=10e4),
        poll(at(6, 40), volume=1_500.0, turnover=14e4),
    ]
    assert column(sampled(polls), "volume", "turnover") == [(None, None), (500.0, 5e4)]


def test_volume_is_unknown_without_an_earlier_poll_in_the_session():
    assert column(sampled([poll(at(5), volume=1_000.0)]), "volume") == [None]


def test_volume_is_unknown_when_the_poll_before_did_not_say():
    polls = [poll(at(4), volume=900.0), poll(at(5)), poll(at(6), volume=1_000.0)]
    assert column(sampled(polls), "volume") == [None, None, None]


def test_in_the_first_minute_all_of_the_sessions_volume_counts():
    rows = sampled([poll(at(0, 40), volume=1_000.0, turnover=9e4), poll(at(1), volume=1_100.0, turnover=10e4)])
    assert column(rows, "volume", "turnover") == [(1_000.0, 9e4), (100.0, 1e4)]


def test_the_opening_auctions_print_belongs_to_the_first_minute():
    rows = sampled([poll(AUCTION + timedelta(minutes=29), 98.0, volume=800.0), poll(at(0, 40), 100.0, volume=1_000.0)])
    assert column(rows, "interval_start", "open", "low", "close", "volume", "n_ticks") == [
        (at(0), 98.0, 98.0, 100.0, 1_000.0, 2)
    ]


def test_volume_that_falls_is_unknown():
    assert column(sampled([poll(at(5), volume=1_000.0), poll(at(6), volume=900.0)]), "volume") == [None, None]


def test_high_and_low_are_widened_where_the_sessions_moved_since_the_poll_before():
    polls = [
        poll(at(5), 100.0, high_24h=105.0, low_24h=95.0),
        poll(at(6), 101.0, high_24h=107.0, low_24h=95.0),
        poll(at(7), 100.5, high_24h=107.0, low_24h=94.0),
    ]
    assert column(sampled(polls), "high", "low") == [(100.0, 100.0), (107.0, 101.0), (100.5, 94.0)]


def test_in_the_first_minute_the_sessions_high_and_low_are_the_minutes():
    rows = sampled([poll(at(0, 40), 100.0, high_24h=101.0, low_24h=99.0)])
    assert column(rows, "high", "low") == [(101.0, 99.0)]


@pytest.mark.parametrize("flag", ["stale", "quarantined", "not_traded"])
def test_polls_that_show_no_new_trade_make_no_bar(flag: str):
    assert sampled([poll(at(5), flags=["single_source", flag])]).num_rows == 0


def test_a_stale_poll_is_the_base_of_the_next_minutes_volume():
    polls = [poll(at(5), flags=["stale"], volume=1_000.0, known_at=at(59)), poll(at(60), volume=1_200.0)]
    assert column(sampled(polls), "interval_start", "volume") == [(at(60), 200.0)]


def test_a_stale_repetition_does_not_take_the_bar_of_the_trade_that_it_repeats():
    polls = [poll(at(5), 100.0, volume=1_000.0), poll(at(5), 100.0, volume=1_000.0, flags=["stale"], known_at=at(30))]
    assert column(sampled(polls), "interval_start", "n_ticks") == [(at(5), 1)]


@pytest.mark.parametrize("kind", ["reference", "indicative", "close"])
def test_only_trades_make_bars(kind: str):
    assert sampled([poll(at(5), price_kind=kind)]).num_rows == 0


def test_a_poll_without_a_price_makes_no_bar():
    assert sampled([poll(at(5), None)]).num_rows == 0


@pytest.mark.parametrize("event", [AUCTION - timedelta(seconds=1), CLOSING, at(-24 * 60)])
def test_events_outside_the_session_make_no_bar(event: datetime):
    assert sampled([poll(event)]).num_rows == 0


def test_no_polls_make_no_bars():
    assert sampled([]).num_rows == 0


def test_a_bar_is_final_once_its_end_is_past_by_the_declared_delay():
    polls = [poll(at(5))]
    assert column(sampled(polls, as_of=at(20, 59), delay=900), "is_final") == [False]
    assert column(sampled(polls, as_of=at(21), delay=900), "is_final") == [True]


def test_minutes_before_since_only_serve_as_the_base_of_later_ones():
    polls = [poll(at(5), volume=1_000.0), poll(at(6), volume=1_200.0), poll(at(6), symbol="IAM")]
    rows = sampled(polls, since=at(6))
    assert column(rows, "symbol", "interval_start", "volume") == [("ATW", at(6), 200.0), ("IAM", at(6), None)]


def test_symbols_do_not_mix():
    polls = [
        poll(at(5), 100.0, volume=10.0),
        poll(at(6), 50.0, symbol="IAM", volume=99.0),
        poll(at(6), 101.0, volume=15.0),
    ]
    assert column(sampled(polls), "symbol", "close", "volume") == [
        ("ATW", 100.0, None),
        ("ATW", 101.0, 5.0),
        ("IAM", 50.0, None),
    ]


@st.composite
def some_polls(draw: st.DrawFn) -> list[dict[str, Any]]:
    def one() -> dict[str, Any]:
        event = at(draw(st.integers(-5, 12)), draw(st.integers(0, 59)))
        return poll(
            event,
            draw(st.sampled_from([99.0, 100.0, 101.5])),
            symbol=draw(st.sampled_from(["ATW", "IAM"])),
            known_at=event + timedelta(seconds=draw(st.integers(0, 90))),
            volume=draw(st.sampled_from([None, 0.0, 100.0, 250.0])),
            high_24h=draw(st.sampled_from([None, 102.0, 103.0])),
            flags=draw(st.sampled_from([[], ["stale"], None])),
        )

    return [one() for _ in range(draw(st.integers(0, 12)))]


@settings(deadline=None)
@given(some_polls().flatmap(lambda polls: st.tuples(st.just(polls), st.permutations(polls * 3))))
def test_polls_that_come_three_times_and_shuffled_give_the_same_bars(pair):
    ordered, shuffled = pair
    assert sampled(shuffled).equals(sampled(ordered))


@settings(deadline=None)
@given(some_polls())
def test_a_sampled_bar_is_always_consistent(polls):
    for row in sampled(polls).to_pylist():
        assert row["low"] <= min(row["open"], row["close"])
        assert row["high"] >= max(row["open"], row["close"])
        assert row["volume"] is None or row["volume"] >= 0
        assert row["n_ticks"] >= 1
