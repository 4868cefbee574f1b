"""An instrument that keeps another exchange's hours, or trades in a currency of its own."""

from __future__ import annotations

from datetime import timedelta

from market_pipeline_tests.transforms.merge_cases import MONDAY, NOW, quote, reasons, ticker
from market_pipeline_tests.transforms.merge_cases import market as market_of
from market_pipeline_tests.transforms.merge_cases import merge as merge_quotes

SYMBOLS = [
    {"symbol": "ATW", "name": "An index abroad", "group": "asleep", "currency": "USD"},
    {"symbol": "IAM", "name": "A share here"},
]
ABROAD = market_of(
    calendar={"name": "24/5", "zone": "UTC", "group_calendars": {"asleep": "XNYS"}}, symbols=SYMBOLS, merge={}
)
MONDAY_NOON = MONDAY + timedelta(hours=12)
"""Since Friday 12:59 the market was open for five hours; New York has not opened yet, as the group's clock says."""


def test_a_price_is_not_stale_while_its_own_exchange_sleeps() -> None:
    kept = ticker([quote(symbol="ATW")], market_file=ABROAD, now=MONDAY_NOON)
    assert (kept.price, kept.flags) == (739.0, ("single_source",))


def test_a_price_is_not_stale_while_its_group_is_in_an_auction_that_others_have_not() -> None:
    day = {"name": "continuous", "state": "open", "start": "09:30", "end": "15:30"}
    auction = {"name": "closing_auction", "state": "auction", "start": "12:00", "end": "15:30", "group": "asleep"}
    market_file = market_of(
        calendar={"name": "XCAS", "zone": "Africa/Casablanca", "phases": [day, auction]},
        symbols=[{"symbol": "ATW", "name": "One"}, {"symbol": "IAM", "name": "Another"}],
        group_members={"asleep": ["ATW"]},
    )
    an_hour_later = NOW + timedelta(hours=1)
    kept, other = (
        ticker([quote(symbol=symbol)], market_file=market_file, now=an_hour_later) for symbol in ("ATW", "IAM")
    )
    assert (kept.price, kept.flags) == (739.0, ("single_source",))
    assert (other.price, other.flags) == (None, ("no_price",))


def test_its_last_session_stays_the_present_one_over_a_weekend() -> None:
    friday = ticker([quote(symbol="ATW")], market_file=ABROAD)
    kept = ticker([], previous=friday, market_file=ABROAD, now=MONDAY_NOON)
    assert (kept.price, kept.flags) == (739.0, ("stale",))


def test_its_neighbour_is_judged_by_the_markets_hours() -> None:
    assert merge_quotes([quote(symbol="IAM")], market_file=ABROAD, now=MONDAY_NOON).tickers == ()


def test_an_instrument_has_its_own_currency() -> None:
    result = merge_quotes(
        [quote(symbol="ATW", currency="USD"), quote(symbol="IAM", currency="MAD")], market_file=ABROAD
    )
    assert [known.symbol for known in result.tickers] == ["ATW", "IAM"]


def test_a_quote_in_the_markets_currency_is_refused_where_the_instrument_has_another() -> None:
    result = merge_quotes([quote(symbol="ATW", currency="MAD")], market_file=ABROAD)
    assert reasons(result) == {"casablanca_bourse": "currency"}
