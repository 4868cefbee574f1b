"""Kraken from request to outcome, over a real connection to a scripted server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from market_pipeline.markets.schema import AliasRule, CalendarSection, MarketFile, SourceRule, SymbolRule
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.kraken import Kraken, create
from market_pipeline.sources.source import SourceContext
from market_pipeline_tests.sources.scripted_server import Reply, reply
from market_pipeline_tests.sources.transport_bench import Bench, bench

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
NOW = START + timedelta(minutes=3, seconds=20)


def rule(symbol: str, code: str) -> SymbolRule:
    return SymbolRule(symbol=symbol, name=symbol, tier=1, aliases=(AliasRule(source="kraken", code=code),))


CRYPTO = MarketFile(
    market="crypto",
    title="Crypto",
    exchange="Kraken",
    country="Worldwide",
    currency="USD",
    calendar=CalendarSection(name="24/7", zone="UTC"),
    sources=(SourceRule(name="kraken", terms="test", batch_size=50),),
    symbols=(rule("BTC-USD", "BTC/USD"), rule("ETH-BTC", "ETH/BTC"), rule("NO-USD", "NO/USD")),
)
BTC, ETH, NO = (
    Instrument("crypto", f"{coin}-USD", coin, currency="USD", aliases=(Alias("kraken", f"{coin}/USD"),))
    for coin in ("BTC", "ETH", "NO")
)


@contextmanager
def kraken(folder: Path, script: Sequence[Reply], **rule_changes: object) -> Iterator[tuple[Kraken, Bench]]:
    with bench(folder, script, rule={"name": "kraken"}, at=NOW) as it:
        changed = CRYPTO.sources[0].model_copy(update=rule_changes)
        source = create(SourceContext(CRYPTO, changed, it.transport, it.clock))
        assert isinstance(source, Kraken)
        yield source, it


def sample(samples: Path, name: str) -> Reply:
    return reply(body=(samples / "kraken" / name).read_bytes())


def asked(it: Bench, n: int = 0) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(it.server.seen[n].path).query).items()}


def test_one_call_asks_for_all_tickers(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "ticker_normal.json")], cadence_minutes=5) as (source, it):
        fetched = source.quotes([BTC, ETH])
    assert it.server.seen[0].path == "/kraken/0/public/Ticker?pair=XBTUSD%2CETHUSD"
    assert [(quote.symbol, quote.price) for quote in fetched.records] == [("BTC-USD", 91000.1), ("ETH-USD", 3012.45)]
    assert fetched.records[0].event_precision_seconds == 300.0
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.OK] * 2


def test_a_pair_that_the_answer_leaves_out_has_an_outcome(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "ticker_normal.json")]) as (source, _):
        fetched = source.quotes([BTC, NO])
    assert [(outcome.symbol, outcome.status) for outcome in fetched.outcomes] == [
        ("BTC-USD", OutcomeStatus.OK),
        ("NO-USD", OutcomeStatus.PARSE_ERROR),
    ]


def test_one_unknown_pair_does_not_cost_the_others_their_quotes(tmp_path: Path, samples: Path) -> None:
    normal, unknown = sample(samples, "ticker_normal.json"), sample(samples, "error_unknown_pair.json")

    def picky(handler: BaseHTTPRequestHandler) -> None:
        (unknown if "NOUSD" in handler.path else normal)(handler)

    with kraken(tmp_path, [picky]) as (source, _):
        fetched = source.quotes([BTC, NO, ETH])
    assert {outcome.symbol: outcome.status for outcome in fetched.outcomes} == {
        "BTC-USD": OutcomeStatus.OK,
        "NO-USD": OutcomeStatus.UNKNOWN,
        "ETH-USD": OutcomeStatus.OK,
    }
    assert [quote.symbol for quote in fetched.records] == ["BTC-USD", "ETH-USD"]


def test_a_rate_limit_under_status_200_is_retried_and_then_said_of_every_symbol(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "error_rate.json")]) as (source, it):
        fetched = source.quotes([BTC, ETH])
    assert len(it.server.seen) == 3
    assert {(o.status, o.attempts) for o in fetched.outcomes} == {(OutcomeStatus.RATE_LIMITED, 3)}


def test_minutes_are_asked_for_from_the_one_before_because_since_is_excluded(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "ohlc_normal.json")]) as (source, it):
        fetched = source.minute_bars(BTC, start=START, end=NOW)
    since = str(int(START.timestamp()) - 60)
    assert asked(it) == {"pair": "XBTUSD", "interval": "1", "since": since}
    assert [bar.interval_start for bar in fetched.records] == [START + timedelta(minutes=n) for n in range(3)]
    assert [(o.status, o.reason) for o in fetched.outcomes] == [(OutcomeStatus.OK, None)]


def test_minutes_that_the_chart_cannot_reach_are_said(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "ohlc_normal.json")]) as (source, _):
        fetched = source.minute_bars(BTC, start=START - timedelta(days=2), end=NOW)
    assert "reaches back 720 minutes only" in str(fetched.outcomes[0].reason)


def test_the_day_in_progress_is_no_daily_bar(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "ohlc_daily.json")]) as (source, it):
        fetched = source.daily_bars(BTC, start=date(2026, 11, 18), end=date(2026, 11, 20))
    assert asked(it)["interval"] == "1440"
    assert asked(it)["since"] == str(int(datetime(2026, 11, 17, tzinfo=UTC).timestamp()))
    assert [(bar.session_date.day, bar.close) for bar in fetched.records] == [(18, 90011.1), (19, 90300.0)]


def test_trades_are_paged_by_the_cursor_until_the_end(tmp_path: Path, samples: Path) -> None:
    script = [sample(samples, "trades_normal.json"), sample(samples, "trades_empty.json")]
    with kraken(tmp_path, script) as (source, it):
        fetched = source.trades(BTC, start=START, end=NOW)
    assert [asked(it, n)["since"] for n in range(2)] == ["1795166999999999999", "1795167121500000000"]
    assert [tick.trade_id for tick in fetched.records] == ["81230011", "81230012", "81230013", "81230014"]
    assert [(o.status, o.attempts) for o in fetched.outcomes] == [(OutcomeStatus.OK, 2)]


def test_paging_stops_at_the_first_trade_after_the_end(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "trades_normal.json")]) as (source, it):
        fetched = source.trades(BTC, start=START, end=START + timedelta(seconds=60))
    assert len(fetched.records) == 3
    assert len(it.server.seen) == 1


def test_trades_before_a_failed_page_come_with_the_failure(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "trades_normal.json"), reply(403)]) as (source, _):
        fetched = source.trades(BTC, start=START, end=NOW)
    assert len(fetched.records) == 4
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.BLOCKED]


def test_an_order_book_comes_with_as_many_levels_as_asked_for(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "depth_normal.json")]) as (source, it):
        fetched = source.order_book(BTC, depth=3)
    assert asked(it) == {"pair": "XBTUSD", "count": "3"}
    assert fetched.records[0].bids[0].price == 91000.0
    assert fetched.outcomes[0].status is OutcomeStatus.OK


def test_the_list_of_pairs_completes_the_symbols_of_the_market_file(tmp_path: Path, samples: Path) -> None:
    with kraken(tmp_path, [sample(samples, "asset_pairs.json")]) as (source, it):
        fetched = source.instruments()
    assert it.server.seen[0].path == "/kraken/0/public/AssetPairs"
    assert [(one.symbol, one.tick_size) for one in fetched.records] == [("BTC-USD", 0.1), ("ETH-BTC", 1e-05)]
    assert {outcome.symbol: outcome.status for outcome in fetched.outcomes} == {
        "BTC-USD": OutcomeStatus.OK,
        "ETH-BTC": OutcomeStatus.HALTED,
        "NO-USD": OutcomeStatus.UNKNOWN,
    }


@pytest.mark.parametrize("body", [b'{"error":[],"result":[]}', b'{"error":[],"result":{"XXBTZUSD":5}}'])
def test_a_strange_body_is_a_parse_error_of_its_symbol(tmp_path: Path, body: bytes) -> None:
    with kraken(tmp_path, [reply(body=body)]) as (source, _):
        statuses = [
            source.quotes([BTC]).outcomes[0].status,
            source.minute_bars(BTC, start=START, end=NOW).outcomes[0].status,
            source.trades(BTC, start=START, end=NOW).outcomes[0].status,
            source.order_book(BTC).outcomes[0].status,
        ]
    assert statuses == [OutcomeStatus.PARSE_ERROR] * 4
    assert json.loads(body)["error"] == []
