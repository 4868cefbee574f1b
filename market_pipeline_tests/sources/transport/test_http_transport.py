"""The transport against a real HTTP server on loopback: what it sends, retries, refuses and reports."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import (
    Blocked,
    BreakerOpen,
    BudgetExhausted,
    ConfigurationError,
    MarketPipelineError,
    PayloadError,
    RateLimited,
    SourceUnreachable,
    Unauthorised,
    UnknownSymbol,
)
from market_pipeline.markets.schema import Budget, SourceRule
from market_pipeline.model.outcome import RequestKind
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.source import Request
from market_pipeline.sources.transport.breaker import forget_breakers
from market_pipeline.sources.transport.http_transport import HttpTransport
from market_pipeline_tests.sources.scripted_server import reply
from market_pipeline_tests.sources.transport_bench import NOON, bench

QUOTE = Request("dhan", RequestKind.QUOTE, "https://api.dhan.co/v2/marketfeed/quote")


def test_a_good_answer_comes_back_whole_and_is_kept(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(body=b'{"a":1}')]) as it:
        answer = it.transport.send(QUOTE)
    assert (answer.body, answer.http_status, answer.attempts) == (b'{"a":1}', 200, 1)
    assert answer.received_time == NOON
    assert it.kept == [b'{"a":1}']
    assert answer.payload_sha == hashlib.sha256(b'{"a":1}').hexdigest()


def test_the_simulated_feed_keeps_path_and_query_under_the_source_name(tmp_path: Path) -> None:
    request = replace(QUOTE, url="https://api.kraken.com/0/public/Ticker?pair=XXBTZUSD", source="kraken")
    with bench(tmp_path, [reply()]) as it:
        it.transport.send(replace(request, params={"since": "1"}))
    assert it.server.seen[0].path == "/kraken/0/public/Ticker?pair=XXBTZUSD&since=1"


def test_a_post_carries_its_json_its_headers_and_our_honest_name(tmp_path: Path) -> None:
    request = replace(QUOTE, method="POST", json_body={"NSE_EQ": [2885]}, headers={"access-token": "t0ken"})
    with bench(tmp_path, [reply()]) as it:
        it.transport.send(request)
    seen = it.server.seen[0]
    assert (seen.method, seen.body) == ("POST", b'{"NSE_EQ": [2885]}')
    assert seen.headers["access-token"] == "t0ken"
    assert seen.headers["User-Agent"].startswith("market_pipeline/")
    assert seen.headers["User-Agent"].endswith(" (+mailto:us@example.org)")


def test_requests_prepared_from_one_template_keep_their_own_bodies_queries_and_headers(tmp_path: Path) -> None:
    charts = replace(QUOTE, method="POST", headers={"access-token": "old"})
    with bench(tmp_path, [reply()]) as it:
        it.transport.send(replace(charts, json_body={"securityId": "2885"}))
        it.transport.send(replace(charts, json_body={"securityId": "11536"}, params={"page": "2"}))
        it.transport.send(replace(charts, body=b"a=1", headers={"access-token": "new"}))
    assert [seen.body for seen in it.server.seen] == [b'{"securityId": "2885"}', b'{"securityId": "11536"}', b"a=1"]
    assert [seen.path.partition("?")[2] for seen in it.server.seen] == ["", "page=2", ""]
    assert [seen.headers["access-token"] for seen in it.server.seen] == ["old", "old", "new"]
    assert [seen.headers.get("Content-Type") for seen in it.server.seen] == ["application/json"] * 2 + [None]


def test_a_cookie_that_an_answer_sets_goes_with_the_next_request(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(Set_Cookie="visit=1"), reply(Set_Cookie="visit=2"), reply()]) as it:
        for _ in range(3):
            it.transport.send(QUOTE)
    assert [seen.headers.get("Cookie") for seen in it.server.seen] == [None, "visit=1", "visit=2"]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_retried_with_full_jitter(tmp_path: Path, status: int) -> None:
    with bench(tmp_path, [reply(status), reply(status), reply()]) as it:
        answer = it.transport.send(QUOTE)
    assert answer.attempts == 3
    assert it.pauses == [0.5, 1.0]


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, PayloadError), (401, Unauthorised), (403, Blocked), (404, PayloadError), (422, PayloadError)],
)
def test_what_a_retry_cannot_help_is_asked_once(tmp_path: Path, status: int, error: type[Exception]) -> None:
    with bench(tmp_path, [reply(status)]) as it, pytest.raises(error, match=f"HTTP {status}.*a retry does not help"):
        it.transport.send(QUOTE)
    assert len(it.server.seen) == 1
    assert it.pauses == []


def test_after_three_tries_the_last_error_is_raised_with_its_status_and_attempts(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(503)]) as it, pytest.raises(SourceUnreachable, match="HTTP 503") as caught:
        it.transport.send(QUOTE)
    assert (caught.value.http_status, caught.value.attempts) == (503, 3)


def test_a_short_retry_after_is_waited_for_instead_of_the_jitter(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(429, Retry_After="7"), reply()]) as it:
        assert it.transport.send(QUOTE).attempts == 2
    assert it.pauses == [7.0]


def test_a_retry_after_date_is_waited_for(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(503, Retry_After="Fri, 20 Nov 2026 12:00:04 GMT"), reply()]) as it:
        it.transport.send(QUOTE)
    assert it.pauses == [4.0]


def test_a_long_retry_after_is_not_waited_for_and_nobody_asks_before_it_is_over(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(429, Retry_After="20"), reply()]) as it:
        with pytest.raises(RateLimited, match="a retry may help after 20 s") as caught:
            it.transport.send(QUOTE)
        assert caught.value.retry_after_seconds == 20
        with pytest.raises(BreakerOpen, match=r"did not ask dhan at api\.dhan\.co: it is left alone for another 20 s"):
            it.transport.send(QUOTE)
        it.clock.advance(timedelta(seconds=21))
        assert it.transport.send(QUOTE).attempts == 1
    assert len(it.server.seen) == 2


def test_a_429_without_retry_after_is_rate_limited_in_the_end(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(429)]) as it, pytest.raises(RateLimited) as caught:
        it.transport.send(QUOTE)
    assert caught.value.retry_after_seconds is None
    assert len(it.server.seen) == 3


def test_five_failed_tries_open_the_breaker_for_other_transports_too(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(500)]) as it:
        for _ in range(2):
            with pytest.raises(SourceUnreachable):
                it.transport.send(QUOTE)
        with bench(tmp_path, [reply()]) as other, pytest.raises(BreakerOpen) as caught:
            other.clock.advance(timedelta(seconds=it.clock.ticks))
            other.transport.send(QUOTE)
    assert caught.value.cause is SourceUnreachable
    assert len(it.server.seen) == 5


def test_a_probe_gets_one_try_and_its_answer_opens_the_way(tmp_path: Path) -> None:
    with bench(tmp_path, [*[reply(503)] * 6, reply()]) as it:
        for _ in range(2):
            with pytest.raises(SourceUnreachable):
                it.transport.send(QUOTE)
        it.clock.advance(timedelta(seconds=60))
        with pytest.raises(SourceUnreachable) as caught:
            it.transport.send(QUOTE)
        it.clock.advance(timedelta(seconds=90))
        assert it.transport.send(QUOTE).attempts == 1
    assert caught.value.attempts == 1
    assert len(it.server.seen) == 7


def test_a_429_halves_the_rate_and_its_short_retry_after_holds_every_transport_back(tmp_path: Path) -> None:
    rule = {"kind_budgets": {"quote": Budget(per_second=1, burst=2)}}
    with bench(tmp_path, [reply(429, Retry_After="4"), reply()], rule=rule, tries=1) as it:
        with pytest.raises(RateLimited):
            it.transport.send(QUOTE)
        forget_breakers(tmp_path / "simulated" / "limits")
        it.transport.send(QUOTE)
        it.transport.send(QUOTE)
    assert it.pauses == [4.0, 2.014]


def test_sources_of_one_host_share_its_budget(tmp_path: Path) -> None:
    rule = {"host_budget": Budget(per_second=0.5, burst=1)}
    with bench(tmp_path, [reply()], rule=rule) as it, bench(tmp_path, [reply()], rule=rule | {"name": "kraken"}) as two:
        it.transport.send(QUOTE)
        two.transport.send(replace(QUOTE, source="kraken", kind=RequestKind.MINUTE_BARS))
        two.transport.send(replace(QUOTE, source="kraken", url="https://elsewhere.example/v2"))
    assert (it.pauses, two.pauses) == ([], [2.0])


def test_an_unknown_symbol_does_not_count_against_the_source(tmp_path: Path) -> None:
    def refusal(status: int, body: bytes) -> MarketPipelineError:
        return UnknownSymbol("no such symbol")

    with bench(tmp_path, [reply(404)]) as it:
        for _ in range(6):
            with pytest.raises(UnknownSymbol):
                it.transport.send(replace(QUOTE, refusal=refusal))
    assert len(it.server.seen) == 6


def test_a_source_explains_its_own_errors_even_under_status_200(tmp_path: Path) -> None:
    def refusal(status: int, body: bytes) -> MarketPipelineError | None:
        return RateLimited("EAPI:Rate limit exceeded") if b"Rate limit" in body else None

    script = [reply(body=b'{"error":["EAPI:Rate limit exceeded"]}'), reply(body=b'{"error":[]}')]
    with bench(tmp_path, script) as it:
        assert it.transport.send(replace(QUOTE, refusal=refusal)).attempts == 2


def test_a_refusal_of_a_scraped_site_is_respected_for_half_an_hour(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(403)], rule={"options": {"refusal_minutes": 30}}) as it:
        with pytest.raises(Blocked):
            it.transport.send(QUOTE)
        it.clock.advance(timedelta(minutes=29))
        with pytest.raises(BreakerOpen, match="another 60 s because of Blocked"):
            it.transport.send(QUOTE)


def test_a_silent_source_times_out_and_is_tried_again(tmp_path: Path) -> None:
    over = threading.Event()

    def silent(_handler: BaseHTTPRequestHandler) -> None:
        over.wait(5)

    with bench(tmp_path, [silent, reply()], read_seconds=0.05) as it:
        assert it.transport.send(QUOTE).attempts == 2
        over.set()


def test_nobody_listening_is_unreachable_and_the_libraries_text_with_the_query_stays_out(tmp_path: Path) -> None:
    with bench(tmp_path, [reply()]) as it:
        pass
    with pytest.raises(SourceUnreachable, match="check the network and the source's address") as caught:
        it.transport.send(replace(QUOTE, url=QUOTE.url + "?crumb=s3cret"))
    assert caught.value.attempts == 3
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_no_error_text_holds_a_query_or_a_header_value(tmp_path: Path) -> None:
    request = replace(QUOTE, url=QUOTE.url + "?crumb=s3cret", headers={"access-token": "t0ken"})
    with bench(tmp_path, [reply(500, body=b'{"echo":"t0ken"}')]) as it, pytest.raises(SourceUnreachable) as caught:
        it.transport.send(request)
    assert "s3cret" not in str(caught.value)
    assert "t0ken" not in str(caught.value)
    assert "***" in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    away = reply(302, Location="https://elsewhere.example/login?next=1")
    with bench(tmp_path, [away]) as it, pytest.raises(PayloadError, match=r"redirecting to elsewhere\.example/login:"):
        it.transport.send(QUOTE)


def test_a_retry_that_would_end_after_the_deadline_is_not_started(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(503, Retry_After="9")], total_seconds=8) as it, pytest.raises(SourceUnreachable):
        it.transport.send(QUOTE)
    assert len(it.server.seen) == 1


def test_a_spent_budget_defers_what_the_cycle_cannot_wait_for(tmp_path: Path) -> None:
    slow = {"kind_budgets": {"quote": Budget(per_second=0.1, burst=1)}}
    with bench(tmp_path, [reply()], rule=slow, cycle_seconds=15) as it:
        it.transport.send(QUOTE)
        it.transport.send(QUOTE)
        with pytest.raises(BudgetExhausted, match=r"the next turn is in 10\.0 s, .* can wait 4\.0 s"):
            it.transport.send(QUOTE)
    assert it.pauses == [10.0]
    assert len(it.server.seen) == 2


def test_a_call_that_the_cycle_leaves_less_than_a_second_is_deferred_and_speaks_against_nobody(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(503)], cycle_seconds=40, quote_seconds=10) as it:
        it.clock.advance(timedelta(seconds=9.5))
        with pytest.raises(BudgetExhausted, match=r"its cycle's time is used up \(0\.5 s are left\)") as caught:
            it.transport.send(QUOTE)
    assert caught.value.attempts == 0
    assert it.server.seen == []


def test_a_source_s_own_deadline_is_for_quotes_and_charts_have_the_whole_cycle(tmp_path: Path) -> None:
    with bench(tmp_path, [reply()], cycle_seconds=40, quote_seconds=10) as it:
        it.clock.advance(timedelta(seconds=20))
        it.transport.send(replace(QUOTE, kind=RequestKind.MINUTE_BARS))
        it.clock.advance(timedelta(seconds=20))
        with pytest.raises(BudgetExhausted, match=r"0\.0 s are left"):
            it.transport.send(replace(QUOTE, kind=RequestKind.MINUTE_BARS))
    assert len(it.server.seen) == 1


def test_no_call_lasts_longer_than_its_cycle(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(503, Retry_After="4")], cycle_seconds=10) as it:
        it.clock.advance(timedelta(seconds=7))
        with pytest.raises(SourceUnreachable):
            it.transport.send(QUOTE)
    assert len(it.server.seen) == 1


def test_the_next_cycle_of_a_transport_has_its_whole_time_again(tmp_path: Path) -> None:
    began = [0.0]
    with bench(tmp_path, [reply()], cycle_seconds=10, cycle_began=lambda: began[0]) as it:
        it.clock.advance(timedelta(minutes=1))
        began[0] = 60.0
        it.transport.send(QUOTE)
    assert len(it.server.seen) == 1


def test_the_live_feed_reaches_https_only(tmp_path: Path) -> None:
    settings = Settings(feed=Feed.LIVE, data=tmp_path)
    rule = SourceRule(name="dhan", terms="test")
    transport = HttpTransport(rule, settings=settings, clock=HandClock(NOON), keep=str)
    with pytest.raises(ConfigurationError, match="live: https only"):
        transport.send(replace(QUOTE, url="http://127.0.0.1:9/v2"))
    transport.close()
