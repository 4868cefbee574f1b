"""Dhan from request to outcome, over a real connection to a scripted server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.errors import MarketFileError
from market_pipeline.markets.schema import CalendarSection, MarketFile, PhaseRule, SourceRule, UniverseRule
from market_pipeline.model.bar import DailyBar
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.model.session import SessionState
from market_pipeline.sources.dhan import REQUIRED_KEYS, Dhan, create
from market_pipeline.sources.source import SourceContext
from market_pipeline_tests.sources.scripted_server import Reply, reply
from market_pipeline_tests.sources.transport_bench import Bench, bench

AFTERNOON = datetime(2026, 11, 20, 8, 30, 3, tzinfo=UTC)
OPEN = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEYS = {"dhan_client_id": "1000000001", "dhan_api_token": "t0ken"}
INDIA = MarketFile(
    market="india",
    title="India",
    exchange="NSE",
    country="India",
    currency="INR",
    calendar=CalendarSection(
        name="XBOM",
        zone="Asia/Kolkata",
        phases=(PhaseRule(name="continuous", state=SessionState.OPEN, start="09:15", end="15:30"),),  # type: ignore[arg-type]
    ),
    sources=(SourceRule(name="dhan", terms="test", batch_size=1000),),
    universe=UniverseRule(
        source="dhan",
        where={"exchange": ("NSE",), "segment": ("E",), "instrument": ("EQUITY",), "series": ("EQ",)},
    ),
)


def instrument(symbol: str, code: str) -> Instrument:
    return Instrument("india", symbol, symbol.title(), currency="INR", aliases=(Alias("dhan", code),))


RELIANCE, TCS, TTML = instrument("RELIANCE", "2885"), instrument("TCS", "11536"), instrument("TTML", "8954")


@contextmanager
def dhan(
    folder: Path, script: Sequence[Reply], *, market: MarketFile = INDIA, at: datetime = AFTERNOON
) -> Iterator[tuple[Dhan, Bench]]:
    with bench(folder, script, at=at) as it:
        source = create(SourceContext(market, market.source("dhan"), it.transport, it.clock, KEYS))
        assert isinstance(source, Dhan)
        yield source, it


def sample(samples: Path, name: str, status: int = 200) -> Reply:
    return reply(status, (samples / "dhan" / name).read_bytes())


def asked(it: Bench, n: int = 0) -> Any:
    return json.loads(it.server.seen[n].body)


def test_it_needs_two_keys() -> None:
    assert REQUIRED_KEYS == ("dhan_client_id", "dhan_api_token")


def test_one_call_asks_for_all_quotes_with_both_credentials_in_headers(tmp_path: Path, samples: Path) -> None:
    with dhan(tmp_path, [sample(samples, "quote_normal.json")]) as (source, it):
        source.quotes([RELIANCE, TCS, TTML])
    seen = it.server.seen[0]
    assert (seen.method, seen.path) == ("POST", "/dhan/v2/marketfeed/quote")
    assert asked(it) == {"NSE_EQ": [2885, 11536, 8954]}
    assert (seen.headers["client-id"], seen.headers["access-token"]) == ("1000000001", "t0ken")
    assert seen.headers["Content-Type"] == "application/json"


def test_each_symbol_has_its_own_outcome(tmp_path: Path, samples: Path) -> None:
    with dhan(tmp_path, [sample(samples, "quote_normal.json")]) as (source, _):
        fetched = source.quotes([RELIANCE, TTML, instrument("GONE", "77"), instrument("NEW", "no id yet")])
    assert {outcome.symbol: outcome.status for outcome in fetched.outcomes} == {
        "RELIANCE": OutcomeStatus.OK,
        "TTML": OutcomeStatus.NOT_TRADED,
        "GONE": OutcomeStatus.UNKNOWN,
        "NEW": OutcomeStatus.UNKNOWN,
    }
    assert [(quote.symbol, quote.price) for quote in fetched.records] == [("RELIANCE", 1520.5), ("TTML", 61.35)]


def test_a_broken_record_does_not_harm_its_neighbour(tmp_path: Path, samples: Path) -> None:
    document = json.loads((samples / "dhan" / "quote_normal.json").read_bytes())
    document["data"]["NSE_EQ"]["2885"]["last_price"] = float("nan")
    with dhan(tmp_path, [reply(body=json.dumps(document).encode())]) as (source, _):
        fetched = source.quotes([RELIANCE, TCS])
    assert [quote.symbol for quote in fetched.records] == ["TCS"]
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.PARSE_ERROR, OutcomeStatus.OK]


def test_batches_have_at_most_the_size_of_the_rule(tmp_path: Path, samples: Path) -> None:
    rule = INDIA.sources[0].model_copy(update={"batch_size": 2})
    market = INDIA.model_copy(update={"sources": (rule,)})
    with dhan(tmp_path, [sample(samples, "quote_normal.json")], market=market) as (source, it):
        assert len(source.quotes([RELIANCE, TCS, TTML]).records) == 3
    assert [asked(it, 0), asked(it, 1)] == [{"NSE_EQ": [2885, 11536]}, {"NSE_EQ": [8954]}]


def test_an_expired_token_is_said_of_every_symbol_and_asked_once(tmp_path: Path, samples: Path) -> None:
    with dhan(tmp_path, [sample(samples, "quote_error_807.json", 401)]) as (source, it):
        fetched = source.quotes([RELIANCE, TCS])
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.UNAUTHORISED] * 2
    assert "renew DHAN_API_TOKEN" in str(fetched.outcomes[0].reason)
    assert len(it.server.seen) == 1


def test_after_a_warning_of_a_block_nothing_is_asked_for_a_minute(tmp_path: Path, samples: Path) -> None:
    with dhan(tmp_path, [sample(samples, "error_805.json", 429)]) as (source, it):
        first, second = source.quotes([RELIANCE]), source.quotes([RELIANCE])
        it.clock.advance(timedelta(seconds=61))
        source.quotes([RELIANCE])
    assert [first.outcomes[0].status, second.outcomes[0].status] == [OutcomeStatus.RATE_LIMITED] * 2
    assert len(it.server.seen) == 2


def test_minute_bars_are_asked_for_in_indian_time(tmp_path: Path, samples: Path) -> None:
    with dhan(tmp_path, [sample(samples, "intraday_normal.json")]) as (source, it):
        fetched = source.minute_bars(RELIANCE, start=OPEN, end=OPEN + HOUR)
    assert it.server.seen[0].path == "/dhan/v2/charts/intraday"
    assert asked(it) == {
        "securityId": "2885",
        "exchangeSegment": "NSE_EQ",
        "instrument": "EQUITY",
        "oi": False,
        "interval": "1",
        "fromDate": "2026-11-20 09:15:00",
        "toDate": "2026-11-20 10:15:00",
    }
    assert len(fetched.records) == 5
    assert fetched.outcomes[0].status is OutcomeStatus.OK


def test_more_than_ninety_days_are_asked_for_in_pieces_and_are_one_outcome(tmp_path: Path, samples: Path) -> None:
    script = [sample(samples, "intraday_empty.json"), sample(samples, "intraday_normal.json")]
    with dhan(tmp_path, script) as (source, it):
        fetched = source.minute_bars(RELIANCE, start=OPEN - timedelta(days=100), end=OPEN + HOUR)
    assert [asked(it, n)["toDate"] for n in range(2)] == ["2026-11-10 09:15:00", "2026-11-20 10:15:00"]
    assert [(outcome.status, outcome.attempts) for outcome in fetched.outcomes] == [(OutcomeStatus.OK, 2)]
    assert len(fetched.records) == 5


def test_when_a_later_piece_fails_the_earlier_bars_come_with_the_failure(tmp_path: Path, samples: Path) -> None:
    early = OPEN - timedelta(days=1)
    with dhan(tmp_path, [sample(samples, "intraday_normal.json"), reply(403)]) as (source, _):
        fetched = source.minute_bars(RELIANCE, start=early, end=OPEN + timedelta(days=100))
    assert len(fetched.records) == 5
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.BLOCKED]


def test_no_data_for_a_time_is_empty_and_not_an_error(tmp_path: Path, samples: Path) -> None:
    with dhan(tmp_path, [sample(samples, "error_dh907.json", 400)]) as (source, _):
        fetched = source.minute_bars(RELIANCE, start=OPEN, end=OPEN + HOUR)
    assert fetched.records == ()
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.EMPTY]


def test_no_time_at_all_is_empty_without_a_request(tmp_path: Path) -> None:
    with dhan(tmp_path, [reply()]) as (source, it):
        fetched = source.minute_bars(RELIANCE, start=OPEN, end=OPEN)
    assert fetched.outcomes[0].reason == "no minutes were asked for"
    assert it.server.seen == []


def test_set_aside_rows_are_counted_in_the_outcome(tmp_path: Path, samples: Path) -> None:
    with dhan(tmp_path, [sample(samples, "intraday_nulls.json")]) as (source, _):
        outcome = source.minute_bars(RELIANCE, start=OPEN, end=OPEN + HOUR).outcomes[0]
    assert (outcome.status, outcome.rejected_records) == (OutcomeStatus.OK, 2)
    assert outcome.reason == "set aside: 1 without a price, 1 with high below or low above another price"


def test_daily_bars_include_both_ends_though_dhan_excludes_the_last(tmp_path: Path, samples: Path) -> None:
    with dhan(tmp_path, [sample(samples, "historical_normal.json")]) as (source, it):
        fetched = source.daily_bars(RELIANCE, start=date(2026, 11, 17), end=date(2026, 11, 19))
    assert (asked(it)["fromDate"], asked(it)["toDate"]) == ("2026-11-17", "2026-11-20")
    assert fetched.records[-1] == DailyBar(
        "india", "dhan", "RELIANCE", date(2026, 11, 19), 1500.0, 1503.8, 1509.9, 1495.5, 5541008.0
    )
    assert len(fetched.records) == 3


@pytest.mark.parametrize(("hour_utc", "n_bars"), [(9, 2), (10, 3)])
def test_a_session_in_progress_is_no_daily_bar(tmp_path: Path, samples: Path, hour_utc: int, n_bars: int) -> None:
    at = datetime(2026, 11, 19, hour_utc, 30, tzinfo=UTC)
    with dhan(tmp_path, [sample(samples, "historical_normal.json")], at=at) as (source, _):
        fetched = source.daily_bars(RELIANCE, start=date(2026, 11, 17), end=date(2026, 11, 19))
    assert len(fetched.records) == n_bars


def test_the_master_gives_the_universe_and_one_outcome_for_all(tmp_path: Path, samples: Path) -> None:
    body = (samples / "dhan" / "master_compact.csv").read_bytes()
    with dhan(tmp_path, [reply(body=body, Content_Type="text/csv")]) as (source, it):
        fetched = source.instruments()
    assert it.server.seen[0].path == "/dhan/api-data/api-scrip-master.csv"
    assert it.server.seen[0].headers.get("access-token") is None
    assert "RELIANCE" in [one.symbol for one in fetched.records]
    assert [(outcome.symbol, outcome.status) for outcome in fetched.outcomes] == [("*", OutcomeStatus.OK)]


def test_the_master_may_be_larger_than_other_bodies(tmp_path: Path, samples: Path) -> None:
    body = (samples / "dhan" / "master_compact.csv").read_bytes()
    filler = b"BSE,E,500325,EQUITY,0,OTHER,1.0,Other,,,,5.0000,NA,ES,A,OTHER LTD\n" * 100_000
    with dhan(tmp_path, [reply(body=body + filler, Content_Type="text/csv")]) as (source, _):
        assert source.instruments().outcomes[0].status is OutcomeStatus.OK


def test_without_a_universe_rule_the_market_file_is_wrong(tmp_path: Path) -> None:
    market = INDIA.model_copy(update={"universe": None})
    with dhan(tmp_path, [reply()], market=market) as (source, _), pytest.raises(MarketFileError, match="`universe`"):
        source.instruments()
