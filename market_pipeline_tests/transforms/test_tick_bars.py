"""Trades → bars."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_pipeline.model.tick import Tick
from market_pipeline.transforms.bars import tick_bars
from market_pipeline_tests.transforms.bar_cases import LATER, SESSION, at, column


def tick(event: datetime, price: float = 100.0, size: float = 1.0, trade_id: str | None = None) -> Tick:
    return Tick("XBTUSD", event, price, size, trade_id)


def made(ticks, *, complete_until: datetime = LATER):
    return tick_bars(ticks, session=SESSION, complete_until=complete_until, known_at=LATER)


def test_a_minutes_trades_make_a_bar_of_origin_ticks():
    rows = made([tick(at(5, 1), 100.0, 2.0), tick(at(5, 30), 103.0, 1.0), tick(at(5, 59), 101.0, 0.5)]).rows
    assert column(
        rows, "interval_start", "open", "high", "low", "close", "volume", "turnover", "n_ticks", "origin"
    ) == [(at(5), 100.0, 103.0, 100.0, 101.0, 3.5, 353.5, 3, "ticks")]


def test_a_minute_without_a_trade_has_no_bar():
    assert column(made([tick(at(5)), tick(at(8))]).rows, "interval_start") == [at(5), at(8)]


def test_a_trade_that_two_pages_brought_counts_once():
    bars = made([tick(at(5), trade_id="17"), tick(at(5), trade_id="17"), tick(at(5), trade_id="18")])
    assert column(bars.rows, "volume", "n_ticks") == [(2.0, 2)]
    assert bars.rejected_counts == {("XBTUSD", "duplicate"): 1}


def test_trades_without_an_id_all_count():
    assert column(made([tick(at(5)), tick(at(5))]).rows, "n_ticks") == [2]


def test_trades_of_one_moment_follow_their_running_number():
    rows = made([tick(at(5), 102.0, trade_id="10"), tick(at(5), 101.0, trade_id="9")]).rows
    assert column(rows, "open", "close") == [(101.0, 102.0)]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (tick(at(5), float("nan")), "bad_price"),
        (tick(at(5), 0.0), "bad_price"),
        (tick(at(5), 100.0, -1.0), "bad_size"),
        (tick(at(5), 100.0, float("inf")), "bad_size"),
        (tick(at(-1)), "outside_session"),
        (tick(at(360)), "outside_session"),
    ],
)
def test_a_bad_trade_is_set_aside_with_its_reason(bad: Tick, reason: str):
    bars = made([bad, tick(at(6))])
    assert column(bars.rows, "interval_start") == [at(6)]
    assert [item.reason for item in bars.set_aside] == [reason]


def test_a_minute_is_final_when_its_trades_are_complete():
    rows = made([tick(at(5)), tick(at(6))], complete_until=at(6, 59)).rows
    assert column(rows, "is_final") == [True, False]


TICKS = st.builds(
    tick,
    st.integers(0, 600).map(lambda seconds: at(0, seconds)),
    st.sampled_from([99.5, 100.0, 100.1]),
    st.sampled_from([0.1, 0.2, 0.7]),
    st.none() | st.integers(1, 20).map(str),
)


@settings(deadline=None)
@given(
    st.lists(TICKS, max_size=12, unique_by=lambda t: t.trade_id or id(t)).flatmap(
        lambda ticks: st.tuples(st.just(ticks), st.permutations(ticks))
    )
)
def test_the_order_of_the_trades_does_not_matter_to_the_last_bit(pair):
    ordered, shuffled = pair
    assert made(shuffled).rows.equals(made(ordered).rows)
