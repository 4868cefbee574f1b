"""Boards: many standings at once are what they are one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator import exchange as exchange_module
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.simulation import Simulation

MOMENTS = {
    "us": ("14:29:59", "14:30:00.4", "14:30:31", "15:59:59.9", "20:59:30", "21:04:10", "23:00:00"),
    "india": ("03:44:00", "03:45:02", "09:44:59", "09:50:00", "10:04:31", "12:00:00"),
    "casablanca": ("08:00:00", "09:30:01", "14:29:50", "15:29:40"),
    "global": ("00:00:30", "06:29:59", "14:31:00"),
}


def made(market: str) -> Exchange:
    clock = HandClock(datetime(2026, 11, 20, tzinfo=UTC))
    return Simulation(SimulatorOptions(port=0), clock).exchange(market)


def seconds(text: str, day: str = "2026-11-20") -> float:
    return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("market", sorted(MOMENTS))
def test_many_at_once_are_what_they_are_one_by_one(market: str) -> None:
    many, single = made(market), made(market)
    symbols = list(many.listings)[:: max(1, len(many.listings) // 120)]
    assert len(symbols) >= exchange_module.FEWEST_ON_A_BOARD
    for text in MOMENTS[market]:
        at = seconds(text)
        assert many.standings(at, symbols) == [single.standings(at, [symbol])[0] for symbol in symbols]


def test_the_order_of_rows_and_moments_does_not_matter() -> None:
    forward, backward = made("us"), made("us")
    symbols = list(forward.listings)[:60]
    early, late = seconds("15:00:10"), seconds("18:30:00")
    first = forward.standings(early, symbols), forward.standings(late, symbols)
    second = backward.standings(late, symbols[::-1]), backward.standings(early, symbols[20:])
    assert (second[1], second[0][::-1]) == (first[0][20:], first[1])


@pytest.mark.parametrize(
    ("market", "symbol"), [("us", "AAPL"), ("us", "SIM0001"), ("casablanca", "AGM"), ("crypto", "BTC-USD")]
)
def test_a_long_daily_history_is_what_its_days_are_one_by_one(market: str, symbol: str) -> None:
    many, single, at = made(market), made(market), seconds("12:00:00")
    whole = list(many.days(symbol, first=date(2026, 10, 1), last=date(2026, 11, 19), at=at))
    apart = [day for row in whole for day in single.days(symbol, first=row.session_date, last=row.session_date, at=at)]
    assert len(whole) >= 30
    assert whole == apart


def test_a_day_that_is_a_groups_holiday_sees_none_of_it_trade() -> None:
    saudi = made("global").standings(seconds("12:00:00"))
    states = {row.listing.symbol: row.has_traded for row in saudi}
    assert (states["TASI"], states["N225"], states["EURUSD"]) == (False, True, True)
