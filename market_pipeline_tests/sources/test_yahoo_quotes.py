"""What Yahoo's v7 quote answer becomes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from market_pipeline.errors import PayloadError
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.sources.yahoo_payloads import Report
from market_pipeline.sources.yahoo_quotes import parse_quotes
from market_pipeline_tests.sources.yahoo_desk import NOW, body, changed, page


def read(payload: bytes, zone: str = "America/New_York", **changes: Any) -> dict[str, Report[Quote]]:
    return parse_quotes(payload, page(ZoneInfo(zone), changes.pop("at", NOW)), kind=PriceKind.TRADE, **changes)


def quote_of(reports: dict[str, Report[Quote]], code: str) -> Quote:
    quote = reports[code].record
    assert quote is not None
    return quote


def test_a_record_becomes_a_quote_with_the_sessions_own_figures() -> None:
    assert quote_of(read(body("quote_normal.json")), "AAPL") == Quote(
        market="us",
        source="yahoo",
        symbol="AAPL",
        event_time=datetime(2026, 11, 24, 15, 30, tzinfo=UTC),
        received_time=NOW,
        price=287.15,
        price_kind=PriceKind.TRADE,
        open=285.1,
        high=288.0,
        low=284.62,
        previous_close=284.4,
        volume=12164500.0,
        bid=287.12,
        bid_size=300.0,
        ask=287.16,
        ask_size=200.0,
        market_cap=4243043303424.0,
        change_1d_percent=0.966948,
        currency="USD",
        name="Apple Inc.",
        source_status="REGULAR",
        payload_sha="sha",
    )


def test_a_book_of_zeros_is_no_book() -> None:
    quote = quote_of(read(body("quote_normal.json")), "MSFT")
    assert (quote.bid, quote.bid_size, quote.ask, quote.ask_size) == (None, None, None, None)


def test_the_size_of_a_lot_that_nobody_knows_stays_unknown() -> None:
    gold = quote_of(read(body("quote_global_normal.json")), "GC=F")
    assert (gold.bid, gold.bid_size, gold.ask, gold.ask_size) == (4120.3, None, 4120.5, None)


@pytest.mark.parametrize("name", ["quote_pre_market.json", "quote_post_market.json"])
def test_a_price_outside_the_session_is_never_taken_for_the_sessions(name: str) -> None:
    later = NOW + timedelta(hours=8)
    quote = quote_of(read(body(name), at=later), "AAPL")
    assert quote.price == {"quote_pre_market.json": 284.4, "quote_post_market.json": 287.15}[name]
    assert quote.event_time.hour == 21


def test_before_the_session_the_last_sessions_price_is_not_traded_today() -> None:
    report = read(body("quote_pre_market.json"))["AAPL"]
    assert (report.status, report.reason) == (OutcomeStatus.NOT_TRADED, "last trade on 2026-11-23")


def test_a_delay_that_the_market_file_does_not_declare_is_said() -> None:
    payload = body("quote_saudi_normal.json")
    assert read(payload, "Asia/Riyadh")["2222.SR"].reason == "Yahoo says 15 min late, the market file declares 0 s"
    assert read(payload, "Asia/Riyadh", delay_seconds=900)["2222.SR"].reason is None


def test_pence_cents_and_agorot_become_pounds_rand_and_shekels() -> None:
    reports = read(body("quote_gbp_pence.json"), "Europe/London")
    lloyds = quote_of(reports, "LLOY.L")
    assert (lloyds.currency, lloyds.price, lloyds.previous_close) == ("GBP", 0.925, 0.916)
    assert (lloyds.open, lloyds.high, lloyds.low, lloyds.bid, lloyds.ask) == (0.918, 0.929, 0.915, 0.9248, 0.9252)
    assert (lloyds.volume, lloyds.market_cap) == (81234100.0, 54945001472.0)
    others = [quote_of(reports, code) for code in ("NPN.JO", "TEVA.TA")]
    assert [(quote.currency, quote.price) for quote in others] == [("ZAR", 1120.5), ("ILS", 81.2)]


def test_currencies_coins_and_indices_without_a_volume_have_none() -> None:
    world = read(body("quote_global_normal.json"))
    assert [quote_of(world, code).volume for code in ("^GSPC", "EURUSD=X", "GC=F")] == [702114000.0, None, 98112.0]
    assert quote_of(read(body("quote_crypto_normal.json"), "UTC"), "BTC-USD").volume is None
    assert quote_of(read(body("quote_saudi_normal.json"), "Asia/Riyadh"), "^TASI.SR").volume is None


def test_an_index_has_no_book_whatever_is_sent() -> None:
    index = quote_of(read(body("quote_global_normal.json")), "^GSPC")
    assert (index.bid, index.ask) == (None, None)


def test_bad_records_are_set_aside_with_their_reasons_and_the_good_ones_stay() -> None:
    reports = read(body("quote_partial.json"))
    assert {code: (report.status, report.reason) for code, report in reports.items()} == {
        "AAPL": (OutcomeStatus.OK, None),
        "NOPRC": (OutcomeStatus.PARSE_ERROR, "no regularMarketPrice"),
        "NOTIM": (OutcomeStatus.PARSE_ERROR, "no regularMarketTime: the price may be of any day"),
        "NEGPR": (OutcomeStatus.PARSE_ERROR, "regularMarketPrice is negative: -3.5"),
        "THINX": (OutcomeStatus.NOT_TRADED, "last trade on 2026-11-23"),
    }
    assert [report.rejected for report in reports.values()] == [0, 1, 1, 1, 0]


@pytest.mark.parametrize("value", [float("nan"), "abc", True, [1], {"raw": 1}])
def test_a_price_that_is_no_number_is_set_aside(value: object) -> None:
    payload = changed("quote_normal.json", lambda d: d["quoteResponse"]["result"][0].update(regularMarketPrice=value))
    reports = read(payload)
    assert reports["AAPL"].status is OutcomeStatus.PARSE_ERROR
    assert reports["MSFT"].status is OutcomeStatus.OK


@pytest.mark.parametrize("value", [NOW.timestamp() + 31, 10**30, "soon", float("inf")])
def test_a_time_in_the_future_or_none_at_all_is_set_aside(value: object) -> None:
    payload = changed("quote_normal.json", lambda d: d["quoteResponse"]["result"][0].update(regularMarketTime=value))
    assert read(payload)["AAPL"].status is OutcomeStatus.PARSE_ERROR


def test_of_two_records_for_a_code_the_newest_stays_and_the_other_counts() -> None:
    report = read(body("quote_duplicate.json"))["AAPL"]
    assert (report.record and report.record.price, report.rejected) == (287.31, 1)


def test_no_record_is_no_error_and_another_document_is_one() -> None:
    assert read(body("quote_empty.json")) == {}
    for payload in (b'{"quoteResponse":{"result":null}}', b"[]", b'{"finance":{}}', b"{", b"\xff\xfe"):
        with pytest.raises(PayloadError, match="a retry does not help"):
            read(payload)


def test_a_thousand_records_take_far_less_than_a_second() -> None:
    def many(document: Any) -> None:
        record = document["quoteResponse"]["result"][0]
        document["quoteResponse"]["result"] = [record | {"symbol": f"S{n}"} for n in range(1000)]

    payload = changed("quote_normal.json", many)
    started = time.process_time()
    assert len(read(payload)) == 1000
    assert time.process_time() - started < 0.5
