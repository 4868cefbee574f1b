"""Dataclasses to rows and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from market_pipeline.errors import UsageError
from market_pipeline.markets.schema import SeedRule
from market_pipeline.model.bar import Bar, BarOrigin, DailyBar
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.live_ticker import FieldProvenance, LiveTicker, PendingPrice
from market_pipeline.model.outcome import Outcome, OutcomeStatus, RequestKind
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.storage import records
from market_pipeline.storage.tables import (
    BARS_1D,
    BARS_1M,
    FETCH_OUTCOMES,
    INSTRUMENTS,
    LIVE_TICKERS,
    RAW_QUOTES,
)
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.facts import MARKET_FILE, STATE

DAY = date(2026, 11, 20)
EVENT = datetime(2026, 11, 20, 9, 34, 10, 250_000, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 9, 35, tzinfo=UTC)
QUOTE = Quote("casablanca", "wafa_bourse", "ATW", EVENT, NOW, 504.0, PriceKind.TRADE, bid=503.9, volume=0.0, name="É")
TICKER = LiveTicker(
    market="casablanca",
    symbol="ATW",
    event_time=EVENT,
    received_time=NOW,
    price=504.0,
    price_kind=PriceKind.TRADE,
    source="wafa_bourse",
    flags=("disputed", "single_source"),
    open=500.0,
    high=505.0,
    low=499.0,
    previous_close=498.0,
    volume=1200.0,
    turnover=604_800.0,
    bid=503.9,
    bid_size=10.0,
    ask=504.1,
    ask_size=20.0,
    market_cap=108_432_000_000.0,
    change_1d_percent=1.2,
    change_ytd_percent=-3.0,
    provenance={"last": FieldProvenance("wafa_bourse", EVENT, NOW, PriceKind.TRADE, {"african_markets": "501: stale"})},
    pending=PendingPrice(5040.0, "african_markets", EVENT, NOW, EVENT - timedelta(minutes=1)),
)
ATW = Instrument(
    "casablanca", "ATW", "Attijariwafa Bank", "MA0000012445", "MAD", tier=1, tick_size=0.1, group="continu"
)


def test_a_quote_survives_the_table_and_unknown_stays_unknown() -> None:
    rows = records.quotes_table([QUOTE], session_date=DAY, as_of=NOW, known_at=NOW)
    assert rows.schema.equals(RAW_QUOTES.schema)
    assert (rows["volume"][0].as_py(), rows["ask"][0].as_py()) == (0.0, None)
    assert records.quotes_from_table(rows) == [QUOTE]


def test_an_outcome_survives_the_table() -> None:
    outcome = Outcome(
        "india", "dhan", "TCS", RequestKind.QUOTE, OutcomeStatus.RATE_LIMITED, NOW, "429", 3, 429, 80.5, 1
    )
    rows = records.outcomes_table([outcome], session_date=DAY, as_of=NOW)
    assert rows.schema.equals(FETCH_OUTCOMES.schema)
    assert rows["status"].to_pylist() == ["rate_limited"]
    assert records.outcomes_from_table(rows) == [outcome]


def test_a_ticker_survives_the_warehouse_with_its_provenance_and_its_pending_price(warehouse: Warehouse) -> None:
    rows = records.tickers_table([TICKER], market_file=MARKET_FILE, instruments={"ATW": ATW}, state=STATE, known_at=NOW)
    assert rows.schema.equals(LIVE_TICKERS.schema)
    warehouse.write(LIVE_TICKERS, "casablanca", rows)
    assert records.tickers_from_table(warehouse.latest(LIVE_TICKERS, "casablanca")) == [TICKER]


def test_a_ticker_row_has_the_seeds_names_and_units() -> None:
    (row,) = records.tickers_table(
        [TICKER], market_file=MARKET_FILE, instruments={"ATW": ATW}, state=STATE, known_at=NOW
    ).to_pylist()
    expected = {
        "ticker": "ATW",
        "name": "Attijariwafa Bank",
        "market_cap_billion": 108.432,
        "high_24h": 505.0,
        "low_24h": 499.0,
        "open_price": 500.0,
        "timestamp": EVENT,
        "exchange": "Casablanca Stock Exchange",
        "country": "Morocco",
        "isin": "MA0000012445",
        "currency": "MAD",
        "session_state": "open",
        "flags": ["disputed", "single_source"],
    }
    assert {name: row[name] for name in expected} == expected


def test_provenance_is_json_that_names_who_lost_and_why() -> None:
    rows = records.tickers_table([TICKER], market_file=MARKET_FILE, instruments={}, state=STATE, known_at=NOW)
    provenance = json.loads(rows["provenance"][0].as_py())
    assert provenance["last"]["losers"] == {"african_markets": "501: stale"}
    assert provenance["last"]["event_time"] == "2026-11-20T09:34:10.250000+00:00"


def test_no_tickers_make_an_empty_table() -> None:
    rows = records.tickers_table([], market_file=MARKET_FILE, instruments={}, state=STATE, known_at=NOW)
    assert rows.equals(LIVE_TICKERS.schema.empty_table())


def test_a_bar_survives_the_table() -> None:
    bar = Bar("crypto", "BTC/USD", NOW, DAY, 1.0, 3.0, 0.5, 2.0, None, BarOrigin.SAMPLED, False, NOW, revision=2)
    rows = records.bars_table([bar])
    assert rows.schema.equals(BARS_1M.schema)
    assert records.bars_from_table(rows) == [bar]


def test_a_daily_bar_survives_the_table() -> None:
    bar = DailyBar("casablanca", "casablanca_bourse", "ATW", DAY, 504.0, volume=0.0)
    rows = records.daily_bars_table([bar], known_at=NOW)
    assert rows.schema.equals(BARS_1D.schema)
    assert records.daily_bars_from_table(rows) == [bar]


def test_an_instrument_survives_the_table_with_its_dated_aliases() -> None:
    boa = Instrument(
        "casablanca", "BOA", "Bank of Africa", aliases=(Alias("wafa_bourse", "BMCE", None, date(2020, 10, 1)),)
    )
    rows = records.instruments_table([boa, ATW], known_at=NOW)
    assert rows.schema.equals(INSTRUMENTS.schema)
    assert records.instruments_from_table(rows) == [ATW, boa]


def test_an_instrument_that_left_its_list_is_delisted() -> None:
    gone = Instrument("casablanca", "OLD", "Gone", listed_to=date(2025, 1, 1))
    rows = records.instruments_table([ATW, gone], known_at=NOW)
    assert rows["status"].to_pylist() == ["listed", "delisted"]


def test_seeds_are_shown_at_the_instrument_that_they_became() -> None:
    lhm = Instrument("casablanca", "LHM", "LafargeHolcim Maroc")
    seeds = [
        SeedRule(code=code, seed_name=name, resolution="merged", symbol="LHM", reason="merged in 2016")
        for code, name in (("HOL", "Holcim Maroc"), ("LAF", "Lafarge Ciments"))
    ]
    (row,) = records.instruments_table([lhm], seeds, known_at=NOW).to_pylist()
    assert row["seed_code"] == "HOL, LAF"
    assert row["seed_note"] == (
        "HOL (Holcim Maroc): merged: merged in 2016; LAF (Lafarge Ciments): merged: merged in 2016"
    )


def test_an_unresolved_seed_has_a_row_and_is_no_instrument() -> None:
    seed = SeedRule(code="MAR", seed_name="Marjane Holding", resolution="unresolved", reason="not listed")
    rows = records.instruments_table([ATW], [seed], known_at=NOW)
    assert rows["symbol"].to_pylist() == ["ATW", "MAR"]
    assert rows["status"].to_pylist() == ["listed", "unresolved"]
    assert records.instruments_from_table(rows) == [ATW]


def test_the_newest_time_of_no_rows_is_an_error_that_says_so() -> None:
    with pytest.raises(UsageError, match="asked for the newest known_at of 0 rows, and there is none"):
        records.newest(INSTRUMENTS.schema.empty_table(), "known_at")
