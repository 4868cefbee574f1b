"""Yahoo from request to outcome, over a real connection to a scripted server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from market_pipeline.errors import BudgetExhausted
from market_pipeline.model.instrument import Alias, Instrument
from market_pipeline.model.outcome import OutcomeStatus, RequestKind
from market_pipeline.model.quote import Quote
from market_pipeline.sources.source import Answer
from market_pipeline.sources.yahoo_batches import Sweep, YahooDesk
from market_pipeline_tests.sources.scripted_server import reply
from market_pipeline_tests.sources.yahoo_desk import (
    APPLE,
    BERKSHIRE,
    GONE,
    MICROSOFT,
    NOW,
    body,
    paths,
    query,
    sample,
    yahoo,
)

OPEN = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
FOUR = (APPLE, MICROSOFT, BERKSHIRE, GONE)


def test_one_call_serves_many_symbols_under_yahoos_codes(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("quote_normal.json")]) as (source, it):
        fetched = source.quotes(FOUR)
    assert query(it.server.seen[2])["symbols"] == "AAPL,MSFT,BRK-B,GONE1"
    assert [(quote.symbol, quote.price) for quote in fetched.records] == [
        ("AAPL", 287.15),
        ("MSFT", 512.4),
        ("BRK.B", 498.01),
    ]
    assert {outcome.symbol: outcome.status for outcome in fetched.outcomes} == {
        "AAPL": OutcomeStatus.OK,
        "MSFT": OutcomeStatus.OK,
        "BRK.B": OutcomeStatus.OK,
        "GONE1": OutcomeStatus.UNKNOWN,
    }


def test_an_alias_is_taken_as_it_is_and_dots_stay_where_no_style_is_set(tmp_path: Path) -> None:
    index = Instrument("us", "SPX", "S&P 500", aliases=(Alias("yahoo", "^GSPC"),))
    preferred = Instrument("us", "BAC$B", "Bank of America")
    with yahoo(tmp_path, [sample("quote_normal.json")]) as (source, it):
        source.quotes([index, preferred])
    assert query(it.server.seen[2])["symbols"] == "^GSPC,BAC-PB"
    with yahoo(tmp_path / "plain", [sample("quote_normal.json")], options={}) as (source, it):
        source.quotes([Instrument("saudi", "2222.SR", "Aramco")])
    assert query(it.server.seen[2])["symbols"] == "2222.SR"


def test_a_batch_that_fails_concerns_its_own_symbols_only(tmp_path: Path) -> None:
    script = [reply(502), sample("quote_normal.json")]

    def first_fails(handler: BaseHTTPRequestHandler) -> None:
        script["MSFT" not in handler.path](handler)

    with yahoo(tmp_path, [first_fails], batch_size=2) as (source, _):
        fetched = source.quotes(FOUR)
    assert [(outcome.symbol, outcome.status) for outcome in fetched.outcomes] == [
        ("AAPL", OutcomeStatus.TIMEOUT),
        ("MSFT", OutcomeStatus.TIMEOUT),
        ("BRK.B", OutcomeStatus.OK),
        ("GONE1", OutcomeStatus.UNKNOWN),
    ]
    assert [quote.symbol for quote in fetched.records] == ["BRK.B"]


def test_what_the_budget_does_not_reach_is_deferred(tmp_path: Path) -> None:
    limits = {"kind_budgets": {"quote": {"per_second": 0.1, "burst": 4}}}
    with yahoo(tmp_path, [sample("quote_normal.json")], limits=limits, batch_size=1) as (source, it):
        fetched = source.quotes(FOUR)
    # cookie and crumb cost a turn each
    assert paths(it) == ["/", "/v1/test/getcrumb", "/v7/finance/quote", "/v7/finance/quote"]
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.OK] * 2 + [OutcomeStatus.DEFERRED] * 2
    assert "the next turn is in 10.0 s" in str(fetched.outcomes[3].reason)


def test_a_later_batch_never_overtakes_one_without_a_turn(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def without_a_turn(codes: Sequence[str]) -> Answer:
        asked.append(codes)
        raise BudgetExhausted("spent")

    with yahoo(tmp_path, [reply()], batch_size=1) as (source, _):
        desk = YahooDesk(source.context, RequestKind.QUOTE)
        fetched = Sweep[Quote](desk, without_a_turn, lambda _: {}).over(FOUR)
    assert asked == [["AAPL"]]
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.DEFERRED] * 4


def test_what_a_batch_brought_is_there_before_the_next_is_asked_for(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("quote_normal.json")], batch_size=2) as (source, it):
        parts = source.quote_parts(FOUR)
        assert next(parts).outcomes == ()
        assert [quote.symbol for quote in next(parts).records] == ["AAPL", "MSFT"]
        assert len(it.server.seen) == 3
        assert [quote.symbol for quote in next(parts).records] == ["BRK.B"]


def test_a_429_is_said_of_every_symbol_of_the_batch(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("too_many_requests.txt", 429, Retry_After="30")]) as (source, _):
        fetched = source.quotes(FOUR)
    assert {(outcome.status, outcome.http_status) for outcome in fetched.outcomes} == {
        (OutcomeStatus.RATE_LIMITED, 429)
    }


def test_a_symbol_that_left_the_exchange_is_not_asked_for(tmp_path: Path) -> None:
    left = Instrument("us", "TWTR", "Twitter", listed_to=date(2022, 10, 28))
    with yahoo(tmp_path, [sample("quote_normal.json")]) as (source, it):
        fetched = source.quotes([left, APPLE])
    assert query(it.server.seen[2])["symbols"] == "AAPL"
    assert [(o.symbol, o.status) for o in fetched.outcomes] == [
        ("TWTR", OutcomeStatus.DELISTED),
        ("AAPL", OutcomeStatus.OK),
    ]


def test_metrics_come_from_the_same_call(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("quote_normal.json")]) as (source, it):
        fetched = source.metrics(FOUR)
    assert paths(it)[2:] == ["/v7/finance/quote"]
    assert [(one.symbol, one.eps) for one in fetched.records] == [("AAPL", 7.47), ("MSFT", 13.99), ("BRK.B", 29.19)]
    assert len(fetched.outcomes) == 4


def test_minutes_are_asked_for_without_those_outside_the_session(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("chart_1m_normal.json")]) as (source, it):
        fetched = source.minute_bars(BERKSHIRE, start=OPEN, end=NOW)
    assert paths(it)[2] == "/v8/finance/chart/BRK-B"
    assert query(it.server.seen[2]) == {
        "period1": str(int(OPEN.timestamp())),
        "period2": str(int(NOW.timestamp())),
        "interval": "1m",
        "includePrePost": "false",
        "events": "div,splits",
        "crumb": "aBcDeFgHiJk",
    }
    assert [bar.symbol for bar in fetched.records] == ["BRK.B"] * 5
    assert [(outcome.status, outcome.reason) for outcome in fetched.outcomes] == [(OutcomeStatus.OK, None)]


def test_more_than_a_week_of_minutes_is_asked_for_in_pieces(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("chart_1m_normal.json")]) as (source, it):
        fetched = source.minute_bars(APPLE, start=OPEN - timedelta(days=10), end=NOW)
    pieces = [query(seen) for seen in it.server.seen[2:]]
    week = int((OPEN - timedelta(days=3)).timestamp())
    assert [(piece["period1"], piece["period2"]) for piece in pieces] == [
        (str(week - 7 * 86_400), str(week)),
        (str(week), str(int(NOW.timestamp()))),
    ]
    assert len(fetched.records) == 5
    assert [(outcome.status, outcome.attempts) for outcome in fetched.outcomes] == [(OutcomeStatus.OK, 2)]


@pytest.mark.parametrize(
    ("name", "http_status", "status", "reason"),
    [
        ("chart_not_found.json", 404, OutcomeStatus.DELISTED, "symbol may be delisted"),
        ("chart_window_too_old.json", 422, OutcomeStatus.EMPTY, "older minutes are not served"),
        ("chart_window_too_long.json", 422, OutcomeStatus.PARSE_ERROR, "compare our request"),
        ("too_many_requests.txt", 429, OutcomeStatus.RATE_LIMITED, "Too Many Requests"),
        ("will_be_right_back.html", 200, OutcomeStatus.BLOCKED, "markup where json is due"),
        ("chart_1m_no_timestamp.json", 200, OutcomeStatus.EMPTY, "None"),
    ],
)
def test_a_chart_that_does_not_come_has_its_reason(
    tmp_path: Path, name: str, http_status: int, status: OutcomeStatus, reason: str
) -> None:
    with yahoo(tmp_path, [sample(name, http_status)]) as (source, _):
        fetched = source.minute_bars(APPLE, start=OPEN, end=NOW)
    assert fetched.records == ()
    assert [outcome.status for outcome in fetched.outcomes] == [status]
    assert reason in str(fetched.outcomes[0].reason)


def test_an_unknown_symbol_costs_one_request_and_not_six(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("chart_not_found.json", 404)]) as (source, it):
        source.minute_bars(GONE, start=OPEN, end=NOW)
    assert paths(it) == ["/", "/v1/test/getcrumb", "/v8/finance/chart/GONE1"]


def test_days_end_with_the_last_finished_session(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("chart_1d_unfinished_last_bar.json")]) as (source, it):
        fetched = source.daily_bars(APPLE, start=date(2026, 11, 18), end=date(2026, 11, 24))
    asked = query(it.server.seen[2])
    assert asked["interval"] == "1d"
    assert int(asked["period1"]) <= int(datetime(2026, 11, 18, tzinfo=UTC).timestamp())
    assert int(asked["period2"]) >= int(datetime(2026, 11, 25, tzinfo=UTC).timestamp())
    assert [bar.session_date.day for bar in fetched.records] == [18, 19, 20, 23]
    assert [outcome.status for outcome in fetched.outcomes] == [OutcomeStatus.OK]


def test_statements_are_asked_for_one_by_one_and_a_missing_one_harms_no_other(tmp_path: Path) -> None:
    script = [sample("summary_not_found.json", 404), sample("summary_normal.json"), sample("timeseries_normal.json")]
    with yahoo(tmp_path, script) as (source, it):
        fetched = source.fundamentals([GONE, APPLE])
    assert paths(it)[2:] == [
        "/v10/finance/quoteSummary/GONE1",
        "/v10/finance/quoteSummary/AAPL",
        "/ws/fundamentals-timeseries/v1/finance/timeseries/AAPL",
    ]
    assert [(one.symbol, one.impermissible_income) for one in fetched.records] == [("AAPL", 17440000000.0)]
    assert [(outcome.symbol, outcome.status) for outcome in fetched.outcomes] == [
        ("GONE1", OutcomeStatus.UNKNOWN),
        ("AAPL", OutcomeStatus.OK),
    ]


def test_a_summary_stays_where_the_annual_statements_cannot_be_read(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("summary_normal.json"), reply(404, b"")]) as (source, _):
        fetched = source.fundamentals([APPLE])
    assert [(one.total_debt, one.impermissible_income) for one in fetched.records] == [(330120003584.0, None)]
    assert fetched.outcomes[0].status is OutcomeStatus.OK
    assert str(fetched.outcomes[0].reason).startswith("without annual statements: asked yahoo for fundamentals")


def test_it_has_no_instrument_master(tmp_path: Path) -> None:
    with yahoo(tmp_path, [reply()]) as (source, it):
        fetched = source.instruments()
    assert it.server.seen == []
    assert [(o.symbol, o.reason) for o in fetched.outcomes] == [("*", "yahoo has no instrument master; not asked")]


def test_every_answer_is_kept_before_it_is_read(tmp_path: Path) -> None:
    with yahoo(tmp_path, [sample("quote_normal.json")]) as (source, it):
        source.quotes([APPLE])
    assert it.kept == [body("crumb.txt"), body("quote_normal.json")]
