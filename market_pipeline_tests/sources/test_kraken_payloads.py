"""What is read from Kraken's recorded payloads, through ccxt."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from market_pipeline.errors import (
    MarketPipelineError,
    PayloadError,
    RateLimited,
    SourceUnreachable,
    Unauthorised,
    UnknownSymbol,
)
from market_pipeline.markets.schema import AliasRule, SymbolRule
from market_pipeline.markets.zones import zone
from market_pipeline.model.bar import ChartBar
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.order_book import Level, OrderBook
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.quote import PriceKind, Quote
from market_pipeline.model.tick import Tick
from market_pipeline.sources.kraken_dialect import answer_names, pair_of, public_url, refusal, request_name, result_of
from market_pipeline.sources.kraken_payloads import (
    listed_instrument,
    listed_pair,
    parse_book,
    parse_chart,
    parse_daily,
    parse_pairs,
    parse_trades,
    read_ticker,
)
from market_pipeline.sources.parsing.charts import Circumstances, Window

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
RECEIVED = START + timedelta(minutes=3, seconds=20)
AROUND = Circumstances("crypto", "kraken", RECEIVED, zone("UTC"), "5ha")
BITCOIN = Instrument("crypto", "BTC-USD", "Bitcoin", currency="USD")


@pytest.fixture
def kraken(samples: Path) -> Path:
    return samples / "kraken"


def ticker(folder: Path, **changes: object) -> Quote:
    record = dict(result_of((folder / "ticker_normal.json").read_bytes())["XXBTZUSD"]) | changes
    return read_ticker(record, BITCOIN, AROUND, precision_seconds=60.0)


def test_a_ticker_is_of_the_present_utc_day_and_as_exact_as_the_poll(kraken: Path) -> None:
    assert ticker(kraken) == Quote(
        market="crypto",
        source="kraken",
        symbol="BTC-USD",
        event_time=RECEIVED,
        received_time=RECEIVED,
        price=91000.1,
        price_kind=PriceKind.TRADE,
        event_precision_seconds=60.0,
        open=90300.0,
        high=92010.0,
        low=90011.5,
        volume=812.40177301,
        turnover=812.40177301 * 90512.14377,
        bid=91000.0,
        bid_size=2.0,
        ask=91000.1,
        ask_size=1.0,
        currency="USD",
        name="Bitcoin",
        payload_sha="5ha",
        is_undated=True,
    )


def test_an_empty_side_of_the_book_is_unknown_and_not_zero(kraken: Path) -> None:
    empty = ticker(kraken, b=["0.00000", "0", "0.000"])
    assert (empty.bid, empty.bid_size, empty.ask) == (None, None, 91000.1)


@pytest.mark.parametrize("broken", [{"c": []}, {"c": ["nan", "1"]}, {"c": ["0", "1"]}, {"v": None}, {"h": ["x", "y"]}])
def test_a_broken_ticker_is_a_payload_error(kraken: Path, broken: dict[str, object]) -> None:
    with pytest.raises(PayloadError, match="the ticker of BTC-USD from Kraken"):
        ticker(kraken, **broken)


def test_a_chart_goes_on_beyond_the_window_since_nobody_can_ask_for_an_end(kraken: Path) -> None:
    body = (kraken / "ohlc_normal.json").read_bytes()
    before = Window(START - timedelta(minutes=9), START, RECEIVED)
    chart = parse_chart(body, "XXBTZUSD", symbol="BTC-USD", window=before)
    assert (chart.bars, chart.set_aside, chart.status) == ((), {}, OutcomeStatus.EMPTY)


def test_a_chart_has_its_trades_and_turnover_and_not_the_running_minute(kraken: Path) -> None:
    body = (kraken / "ohlc_normal.json").read_bytes()
    chart = parse_chart(body, "XXBTZUSD", symbol="BTC-USD", window=Window(START, RECEIVED, RECEIVED))
    assert chart.bars[0] == ChartBar(
        "BTC-USD", START, 90980.0, 91010.0, 90955.1, 91000.0, 3.51200417, 3.51200417 * 90984.2, 87
    )
    assert [(bar.volume, bar.n_ticks) for bar in chart.bars] == [(3.51200417, 87), (0.0, 0), (1.20441, 41)]
    assert chart.set_aside == {}


def test_an_empty_chart_has_no_bars(kraken: Path) -> None:
    body = (kraken / "ohlc_empty.json").read_bytes()
    assert parse_chart(body, "XXBTZUSD", symbol="BTC-USD", window=Window(START, RECEIVED, RECEIVED)).bars == ()


def test_daily_rows_belong_to_their_utc_date(kraken: Path) -> None:
    body = (kraken / "ohlc_daily.json").read_bytes()
    days = parse_daily(body, "XXBTZUSD", first=date(2026, 11, 18), last=date(2026, 11, 19))
    assert [(day, row.close) for day, row in days.rows] == [
        (date(2026, 11, 18), 90011.1),
        (date(2026, 11, 19), 90300.0),
    ]


def test_trades_keep_their_microseconds_and_the_cursor(kraken: Path) -> None:
    ticks, cursor = parse_trades((kraken / "trades_normal.json").read_bytes(), "XXBTZUSD", symbol="BTC-USD")
    assert ticks[0] == Tick("BTC-USD", START + timedelta(seconds=1, microseconds=234568), 90980.0, 0.001, "81230011")
    assert [tick.trade_id for tick in ticks] == ["81230011", "81230012", "81230013", "81230014"]
    assert cursor == "1795167121500000000"


def test_levels_of_the_book_have_three_elements_and_two_are_read(kraken: Path) -> None:
    body = (kraken / "depth_normal.json").read_bytes()
    assert parse_book(body, "XXBTZUSD", symbol="BTC-USD", received_time=RECEIVED) == OrderBook(
        "BTC-USD",
        RECEIVED,
        bids=(Level(91000.0, 2.5), Level(90999.9, 0.11), Level(90999.0, 4.0)),
        asks=(Level(91000.1, 1.5), Level(91000.2, 0.412), Level(91001.0, 2.0)),
    )


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error":[]}', b'{"error":[],"result":{"XXBTZUSD":[[1]],"last":1}}'])
def test_a_body_of_another_shape_is_a_payload_error(body: bytes) -> None:
    with pytest.raises(PayloadError, match=r"compare the kept payload with docs\.kraken\.com/api"):
        parse_chart(body, "XXBTZUSD", symbol="BTC-USD", window=Window(START, RECEIVED, RECEIVED))


def test_a_pair_gives_its_id_and_its_steps(kraken: Path) -> None:
    pairs = parse_pairs((kraken / "asset_pairs.json").read_bytes())
    rule = SymbolRule(symbol="BTC-USD", name="Bitcoin", tier=1, aliases=(AliasRule(source="kraken", code="BTC/USD"),))
    listed = listed_instrument(rule, listed_pair(pairs, "BTC/USD"), market="crypto", source="kraken")
    assert listed == Instrument(
        "crypto", "BTC-USD", "Bitcoin", currency="USD", tier=1, tick_size=0.1, lot_size=1e-8,
        aliases=(Alias("kraken", "XXBTZUSD"),),
    )  # fmt: skip


@pytest.mark.parametrize("code", ["XXBTZUSD", "XBTUSD", "BTC/USD"])
def test_a_pair_is_found_under_all_its_names(kraken: Path, code: str) -> None:
    assert listed_pair(parse_pairs((kraken / "asset_pairs.json").read_bytes()), code)["id"] == "XXBTZUSD"


def test_a_pair_that_is_not_listed_is_unknown(kraken: Path) -> None:
    with pytest.raises(UnknownSymbol, match="Kraken lists no pair NO/USD"):
        listed_pair(parse_pairs((kraken / "asset_pairs.json").read_bytes()), "NO/USD")


@pytest.mark.parametrize(
    ("code", "asked", "answered"),
    [
        ("BTC/USD", "XBTUSD", "XXBTZUSD"),
        ("ETH/USD", "ETHUSD", "XETHZUSD"),
        ("SOL/USD", "SOLUSD", "SOLUSD"),
        ("DOGE/USD", "XDGUSD", "XDGUSD"),
        ("LTC/USD", "LTCUSD", "XLTCZUSD"),
        ("XRP/USD", "XRPUSD", "XXRPZUSD"),
        ("XXBTZUSD", "XXBTZUSD", "XXBTZUSD"),
    ],
)
def test_a_pair_is_asked_for_by_one_name_and_answered_under_another(code: str, asked: str, answered: str) -> None:
    assert request_name(code) == asked
    assert answered in answer_names(code)


def test_an_answer_under_the_web_socket_name_is_found() -> None:
    assert pair_of({"XBT/USD": [1], "last": 5}, "BTC/USD") == [1]


def test_the_address_is_krakens() -> None:
    url = public_url("OHLC", pair="XBTUSD", interval="1", since="1795166940")
    assert url == "https://api.kraken.com/0/public/OHLC?pair=XBTUSD&interval=1&since=1795166940"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("EAPI:Rate limit exceeded", RateLimited),
        ("EGeneral:Too many requests", RateLimited),
        ("EService:Throttled: 1795167000", RateLimited),
        ("EGeneral:Temporary lockout", RateLimited),
        ("EService:Unavailable", SourceUnreachable),
        ("EService:Busy", SourceUnreachable),
        ("EQuery:Unknown asset pair", UnknownSymbol),
        ("EAPI:Invalid key", Unauthorised),
        ("EGeneral:Permission denied", Unauthorised),
        ("EGeneral:Invalid arguments", PayloadError),
        ("ESomething:New", PayloadError),
    ],
)
def test_an_error_under_status_200_is_told_by_its_text(text: str, error: type[MarketPipelineError]) -> None:
    found = refusal(200, json.dumps({"error": [text]}).encode())
    assert type(found) is error
    assert text in str(found)


@pytest.mark.parametrize("sample", ["ticker_normal", "ohlc_empty", "asset_pairs", "trades_normal", "depth_normal"])
def test_an_answer_is_no_error(kraken: Path, sample: str) -> None:
    assert refusal(200, (kraken / f"{sample}.json").read_bytes()) is None


@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b'{"error": 5}'])
def test_what_is_not_krakens_json_is_left_to_the_transport(body: bytes) -> None:
    assert refusal(502, body) is None
