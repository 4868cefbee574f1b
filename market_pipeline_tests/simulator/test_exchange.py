"""The exchange at a moment: sums of the session so far, and the running minute."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from market_pipeline.model.session import SessionState
from market_pipeline.simulator.book import book_of
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.simulation import Simulation


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def india(simulation: Simulation) -> Exchange:
    return simulation.exchange("india")


def test_a_quote_sums_up_the_chart_to_the_same_second(india: Exchange) -> None:
    moment = at("2026-11-20T06:10:41")
    quote = india.standings(moment, ["TCS"])[0]
    chart = india.minutes("TCS", start=moment - 86_400 / 4, end=moment + 60, at=moment)
    assert (quote.open, quote.high, quote.low) == (chart.open[0], chart.high.max(), chart.low.min())
    assert (quote.price, quote.volume) == (chart.close[-1], chart.volume.sum())


def test_the_price_moves_within_the_running_minute(india: Exchange) -> None:
    start = at("2026-11-20T06:10:00")
    prices = {india.standings(start + second, ["RELIANCE"])[0].price for second in range(1, 60)}
    assert len(prices) > 3


def test_volume_and_turnover_never_fall_within_a_session(india: Exchange) -> None:
    rows = [india.standings(at("2026-11-20T04:00:00") + 7 * step, ["INFY"])[0] for step in range(120)]
    assert all((a.volume or 0) <= (b.volume or 0) for a, b in pairwise(rows))
    assert all((a.turnover or 0) <= (b.turnover or 0) for a, b in pairwise(rows))


def test_the_running_minute_ends_as_the_finished_bar(india: Exchange) -> None:
    start = at("2026-11-20T06:10:00")
    running = india.minutes("INFY", start=start, end=start + 60, at=start + 59.999)
    finished = india.minutes("INFY", start=start, end=start + 60, at=start + 60)
    assert [running.close[0], running.volume[0], running.high[0]] == [
        finished.close[0], finished.volume[0], finished.high[0],
    ]  # fmt: skip


def test_the_last_trade_is_never_in_the_future(india: Exchange) -> None:
    moment = at("2026-11-20T06:10:03.250")
    assert max(row.traded_at or 0 for row in india.standings(moment)) <= moment


def test_the_previous_close_is_the_last_price_of_the_session_before(india: Exchange) -> None:
    evening, morning = at("2026-11-19T12:00:00"), at("2026-11-20T04:00:00")
    before = {row.listing.symbol: row.price for row in india.standings(evening)}
    after = {row.listing.symbol: row.previous_close for row in india.standings(morning)}
    assert after == before


def test_before_the_first_trade_the_previous_close_stands_with_its_time(india: Exchange) -> None:
    row = india.standings(at("2026-11-20T03:40:00"), ["RELIANCE"])[0]
    assert (row.state, row.session_date, row.has_traded) == (SessionState.PRE_OPEN, date(2026, 11, 20), False)
    assert row.price == row.previous_close
    assert row.traded_at is not None and row.traded_at < at("2026-11-19T10:05:00")


def test_at_night_the_last_session_still_stands(india: Exchange) -> None:
    row = india.standings(at("2026-11-21T20:00:00"), ["RELIANCE"])[0]
    assert (row.state, row.session_date, row.is_final) == (SessionState.CLOSED, date(2026, 11, 20), True)


def test_finished_sessions_are_daily_rows_and_the_running_one_is_not(india: Exchange) -> None:
    moment = at("2026-11-20T06:00:00")
    days = list(india.days("TCS", first=date(2026, 11, 16), last=date(2026, 11, 20), at=moment))
    assert [day.session_date.day for day in days] == [16, 17, 18, 19]
    assert days[1].previous_close == days[0].close


def test_the_book_surrounds_the_price_and_is_never_crossed(india: Exchange) -> None:
    moment = at("2026-11-20T06:10:03")
    for row in india.standings(moment):
        book = book_of(row, moment, levels=5, seed=1)
        assert book.bids[0].price < book.asks[0].price
        assert [level.price for level in book.bids] == sorted((level.price for level in book.bids), reverse=True)
        assert row.price in (book.bids[0].price, book.asks[0].price)


def test_the_book_is_empty_when_nobody_can_trade(india: Exchange) -> None:
    moment = at("2026-11-21T06:00:00")
    row = india.standings(moment, ["TCS"])[0]
    assert book_of(row, moment, levels=5, seed=1).bids == ()


def test_trades_are_paged_without_gap_or_repetition(simulation: Simulation) -> None:
    crypto, moment = simulation.exchange("crypto"), at("2026-11-20T09:00:00")
    start = int(moment - 600) * 10**9
    every = list(crypto.trades("ETH-USD", after_ns=start, at=moment))
    last = every[len(every) // 2]
    first_half = list(crypto.trades("ETH-USD", after_ns=start, at=last.time_ns / 1e9 + 1e-6))
    parts = [*first_half, *crypto.trades("ETH-USD", after_ns=last.time_ns, at=moment)]
    assert [trade.trade_id for trade in parts] == [trade.trade_id for trade in every]
    assert len(every) > 50
