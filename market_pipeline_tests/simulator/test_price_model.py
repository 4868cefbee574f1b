"""The price model: a pure function of seed, symbol and minute."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.simulator.exchange import Exchange
from market_pipeline.simulator.options import SimulatorOptions
from market_pipeline.simulator.simulation import Simulation
from market_pipeline.simulator.tape import SessionTape, trades_of_minute

DAY = date(2026, 11, 20)


def exchange(market: str, seed: int = 1) -> Exchange:
    return Simulation(SimulatorOptions(seed=seed), HandClock(datetime(2026, 11, 20, tzinfo=UTC))).exchange(market)


def tape(market: str, symbol: str, day: date = DAY, seed: int = 1) -> SessionTape:
    made = exchange(market, seed)
    session = made.timeline.session(day)
    assert session is not None
    return made.tape(made.listings[symbol], session)


def test_the_same_seed_gives_the_same_bars() -> None:
    one, two = tape("india", "RELIANCE"), tape("india", "RELIANCE")
    assert one.close.tolist() == two.close.tolist()
    assert one.volume.tolist() == two.volume.tolist()


@pytest.mark.parametrize(
    ("market", "symbol", "bar"),
    [
        ("india", "RELIANCE", (1270.2, 1270.5, 1270.2, 1270.5, 993.0, 3)),
        ("casablanca", "ATW", (627.0, 627.0, 626.8, 626.8, 101.0, 2)),
        ("crypto", "BTC-USD", (92897.1, 93008.1, 92894.6, 92991.5, 2.14097339, 24)),
        ("us", "AAPL", (308.53, 308.95, 308.47, 308.85, 44541.0, 18)),
    ],
)
def test_a_seed_gives_the_bars_that_it_always_gave(market: str, symbol: str, bar: tuple[float, ...]) -> None:
    bars = tape(market, symbol)
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.trades)
    assert tuple(column[100] for column in columns) == bar


def test_another_seed_gives_other_bars() -> None:
    assert tape("india", "RELIANCE").close.tolist() != tape("india", "RELIANCE", seed=2).close.tolist()


def test_the_order_of_questions_does_not_matter() -> None:
    forward, backward = exchange("india"), exchange("india")
    at = datetime(2026, 11, 20, 6, 0, 30, tzinfo=UTC).timestamp()
    symbols = ["RELIANCE", "TCS", "SIM001"]
    first = forward.standings(at, symbols)
    list(backward.days("TCS", first=date(2026, 11, 2), last=date(2026, 11, 19), at=at))
    backward.minutes("SIM001", start=at - 7200, end=at, at=at)
    second = [backward.standings(at, [symbol])[0] for symbol in reversed(symbols)]
    assert first == second[::-1]


def test_a_session_opens_near_where_the_one_before_closed() -> None:
    before, after = tape("india", "TCS", date(2026, 11, 19)), tape("india", "TCS")
    assert abs(after.open[0] / before.close[-1] - 1) < 0.03


def test_prices_lie_on_the_tick_and_inside_high_and_low() -> None:
    bars = tape("india", "RELIANCE")
    assert np.allclose(np.rint(bars.close * 10) / 10, bars.close, rtol=0, atol=1e-12)
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()


def test_both_ends_of_a_session_are_busier_than_its_middle() -> None:
    volume = tape("india", "SIM001", seed=3).volume
    third = len(volume) // 3
    middle = volume[third : 2 * third].mean()
    assert volume[:third].mean() > 1.3 * middle
    assert volume[2 * third :].mean() > 1.3 * middle


def test_a_share_with_derivatives_has_360_minutes_and_an_auction_print() -> None:
    bars = tape("india", "RELIANCE")
    times = [datetime.fromtimestamp(start, UTC).strftime("%H:%M") for start in bars.starts.tolist()]
    assert (len(bars), times[0], times[-2], times[-1]) == (361, "03:45", "09:44", "10:04")


def test_the_auction_print_after_the_close_is_in_the_quote_but_not_in_the_chart() -> None:
    made = exchange("india")
    at = datetime(2026, 11, 20, 11, 0, tzinfo=UTC).timestamp()
    chart = made.minutes("RELIANCE", start=at - 43_200, end=at, at=at)
    quote = made.standings(at, ["RELIANCE"])[0]
    assert len(chart) == 360
    assert quote.price == tape("india", "RELIANCE").close[-1]
    assert quote.volume is not None and quote.volume > chart.volume.sum()


def test_casablanca_opens_with_an_auction_print_in_the_first_minute() -> None:
    bars = tape("casablanca", "ATW")
    assert datetime.fromtimestamp(int(bars.starts[0]), UTC).strftime("%H:%M") == "09:30"
    assert bars.volume[0] > 5 * np.median(bars.volume)


def test_casablanca_closes_with_an_auction_print() -> None:
    last = int(tape("casablanca", "ATW").starts[-1])
    assert datetime.fromtimestamp(last, UTC).strftime("%H:%M") == "15:29"


def test_a_fixing_share_has_one_price_in_a_session() -> None:
    made = exchange("casablanca")
    sizes = set()
    for day in (16, 17, 19, 20):
        session = made.timeline.session(date(2026, 11, day))
        assert session is not None
        sizes.add(len(made.tape(made.listings["AGM"], session)))
    assert sizes == {0, 1}


def test_a_thin_name_has_no_bar_in_minutes_without_trade() -> None:
    bars = tape("casablanca", "AFM")
    assert 0 < len(bars) < 120
    assert (bars.volume > 0).all()


def test_a_suspended_share_never_trades() -> None:
    assert len(tape("casablanca", "SAM")) == 0


def test_a_halted_share_stops_within_the_session() -> None:
    made = exchange("india")
    at = datetime(2026, 11, 20, 9, 0, tzinfo=UTC).timestamp()
    halted = made.standings(at, ["SIM013"])[0]
    assert halted.traded_at is not None
    assert datetime.fromtimestamp(halted.traded_at, UTC).hour < 6


def test_crypto_trades_on_a_sunday_night() -> None:
    bars = tape("crypto", "BTC-USD", date(2026, 11, 15))
    assert (len(bars), int(bars.starts[0]) % 86_400, int(bars.starts[-1]) % 86_400) == (1440, 0, 86_340)


def test_the_trades_of_a_minute_make_up_its_bar() -> None:
    made = exchange("crypto")
    listing, bars = made.listings["BTC-USD"], tape("crypto", "BTC-USD")
    for row in range(200):
        trades = trades_of_minute(listing, bars, row)
        prices = [trade.price for trade in trades]
        assert (prices[0] if len(prices) > 1 else bars.open[row]) == bars.open[row]
        assert (max(prices), min(prices), prices[-1]) == (bars.high[row], bars.low[row], bars.close[row])
        assert sum(round(trade.size * 1e8) for trade in trades) == round(bars.volume[row] * 1e8)
