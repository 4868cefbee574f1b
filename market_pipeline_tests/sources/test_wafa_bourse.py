from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import MarketPipelineError, PayloadError, SourceTimeout
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.sources.source import Request, Source, source_module
from market_pipeline.sources.wafa_bourse import create, parse_token
from market_pipeline_tests.sources.casablanca_desk import (
    ATW,
    CDA,
    FRIDAY_AFTERNOON,
    IAM,
    LHM,
    MLE,
    RecordedTransport,
    Seen,
    context_for,
    live_transport,
    local_site,
    outcomes_of,
    quotes_of,
    recorded,
    sample,
)

NORMAL = sample("wafa_bourse/indicators_normal.json")
TOKEN_PATH = "/wafa_bourse/api/proxy/token"
DATA_PATH = "/wafa_bourse/api/proxy/data/JNNJ"
TOKEN = "b7c1d0e6f2a94f3f8a5e"
JSON = {"Content-Type": "application/json"}


def symbol_in(body: object) -> str:
    """Return the symbol that a request's JSON asks for."""
    assert isinstance(body, dict)
    symbol = body["ACTIONS"][0]["PARAMS"][0]["VALUE"]
    assert isinstance(symbol, str)
    return symbol


def by_symbol(replies: dict[str, bytes | MarketPipelineError]) -> RecordedTransport:
    def reply(request: Request) -> bytes | MarketPipelineError:
        return replies[symbol_in(request.json_body)]

    return RecordedTransport(reply, HandClock(FRIDAY_AFTERNOON))


def guarded_site(
    *, refusal: int, accepts: Callable[[Seen], bool], token_status: int = 200
) -> Callable[[Seen], tuple[int, bytes, dict[str, str]]]:
    """A site that refuses what it does not accept, and gives out the sample's token with a cookie."""

    def respond(seen: Seen) -> tuple[int, bytes, dict[str, str]]:
        if seen.path == TOKEN_PATH:
            cookies = {"Set-Cookie": "proxy-session=b7c1; Path=/; HttpOnly"}
            return token_status, sample("wafa_bourse/token.json"), JSON | cookies
        if not accepts(seen):
            return refusal, b'{"error":{"status":401}}', JSON
        return 200, NORMAL.replace(b"ATW", symbol_in(json.loads(seen.body)).encode()), JSON

    return respond


def has_token(seen: Seen) -> bool:
    return seen.headers["x-proxy-token"] == TOKEN and seen.headers["Cookie"] == "proxy-session=b7c1"


@contextmanager
def source_at(
    respond: Callable[[Seen], tuple[int, bytes, dict[str, str]]], folder: Path
) -> Iterator[tuple[Source, list[str], HandClock]]:
    """Yield the source behind a true transport, the paths that the site has seen, and the clock."""
    clock = HandClock(FRIDAY_AFTERNOON)
    paths: list[str] = []

    def noting(seen: Seen) -> tuple[int, bytes, dict[str, str]]:
        paths.append(seen.path)
        return respond(seen)

    with local_site(noting) as (address, _), live_transport("wafa_bourse", address, folder, clock) as transport:
        yield create(context_for("wafa_bourse", transport, clock)), paths, clock


def test_the_module_is_found_by_its_name_and_needs_no_key() -> None:
    assert source_module("wafa_bourse").REQUIRED_KEYS == ()


def test_each_symbol_is_asked_for_in_a_request_of_its_own() -> None:
    transport = recorded(NORMAL)
    create(context_for("wafa_bourse", transport)).quotes([ATW, IAM])
    assert [symbol_in(request.json_body) for request in transport.requests] == ["ATW", "IAM"]
    assert transport.requests[0].json_body == {
        "ACTIONS": [
            {
                "ACTION": {"NAME": "VALEUR-INDICATORS", "TYPE": "SELECT", "VALUE": "VALEUR-INDICATORS"},
                "PARAMS": [
                    {"NAME": "Symbol_", "TYPE": "S", "VALUE": "ATW"},
                    {"NAME": "Frequence_", "TYPE": "S", "VALUE": "D"},
                    {"NAME": "Nbr_", "TYPE": "I", "VALUE": 1},
                ],
            }
        ]
    }


def test_each_symbol_has_its_own_fate() -> None:
    transport = by_symbol(
        {
            "ATW": NORMAL,
            "IAM": SourceTimeout("IAM took too long"),
            "MLE": sample("wafa_bourse/indicators_old_day.json"),
            "LHM": sample("wafa_bourse/indicators_unknown.json"),
        }
    )
    fetched = create(context_for("wafa_bourse", transport)).quotes([ATW, IAM, MLE, LHM, CDA])
    assert {symbol: one.status.value for symbol, one in outcomes_of(fetched).items()} == {
        "ATW": "ok",
        "IAM": "timeout",
        "MLE": "not_traded",
        "LHM": "unknown",
        "CDA": "delisted",
    }
    assert {symbol: quote.price for symbol, quote in quotes_of(fetched).items()} == {"ATW": 702.0, "MLE": 368.5}


def test_an_alias_that_has_run_out_is_not_used() -> None:
    transport = by_symbol({"LHM": sample("wafa_bourse/indicators_unknown.json")})
    create(context_for("wafa_bourse", transport)).quotes([LHM])
    assert symbol_in(transport.requests[0].json_body) == "LHM"


def test_an_answer_that_cannot_be_read_is_a_parse_error_with_its_payload() -> None:
    outcome = create(context_for("wafa_bourse", recorded(b"[]"))).quotes([ATW]).outcomes[0]
    assert outcome.status is OutcomeStatus.PARSE_ERROR
    assert outcome.payload_sha is not None


def test_symbols_that_the_cycle_has_no_time_for_are_deferred() -> None:
    clock = HandClock(FRIDAY_AFTERNOON)

    def slow(request: Request) -> bytes:
        del request
        clock.advance(timedelta(seconds=25))
        return NORMAL

    transport = RecordedTransport(slow, clock)
    outcomes = create(context_for("wafa_bourse", transport)).quotes([ATW, ATW, IAM]).outcomes
    assert [outcome.status.value for outcome in outcomes] == ["ok", "ok", "deferred"]
    assert outcomes[2].reason == "not asked: the symbols before it used up the cycle's time"
    assert len(transport.requests) == 2


def test_a_site_that_wants_no_token_is_not_asked_for_one(tmp_path: Path) -> None:
    with source_at(guarded_site(refusal=401, accepts=lambda _: True), tmp_path) as (source, paths, _):
        source.quotes([ATW, IAM])
    assert paths == [DATA_PATH, DATA_PATH]


@pytest.mark.parametrize("refusal", [401, 403])
def test_a_refusal_fetches_a_token_once_and_asks_again_with_it_and_its_cookie(tmp_path: Path, refusal: int) -> None:
    with source_at(guarded_site(refusal=refusal, accepts=has_token), tmp_path) as (source, paths, _):
        outcomes = source.quotes([ATW, IAM]).outcomes
    assert [outcome.status.value for outcome in outcomes] == ["ok", "ok"]
    assert paths == [DATA_PATH, TOKEN_PATH, DATA_PATH, DATA_PATH]


def test_a_token_that_does_not_help_is_not_asked_for_again_in_the_same_minute(tmp_path: Path) -> None:
    with source_at(guarded_site(refusal=401, accepts=lambda _: False), tmp_path) as (source, paths, clock):
        outcomes = source.quotes([ATW, IAM]).outcomes
        clock.advance(timedelta(seconds=61))
        source.quotes([ATW])
    assert [(one.status.value, one.http_status) for one in outcomes] == [("unauthorised", 401)] * 2
    assert paths == [DATA_PATH, TOKEN_PATH, DATA_PATH, DATA_PATH, DATA_PATH, TOKEN_PATH, DATA_PATH]


def test_a_site_that_gives_no_token_fails_with_what_it_said(tmp_path: Path) -> None:
    site = guarded_site(refusal=401, accepts=lambda _: False, token_status=404)
    with source_at(site, tmp_path) as (source, paths, _):
        outcomes = source.quotes([ATW, IAM]).outcomes
    assert [one.status.value for one in outcomes] == ["parse_error", "unauthorised"]
    assert "HTTP 404" in (outcomes[0].reason or "")
    assert paths == [DATA_PATH, TOKEN_PATH, DATA_PATH]


def test_threads_that_are_refused_together_share_one_token(tmp_path: Path) -> None:
    with source_at(guarded_site(refusal=401, accepts=has_token), tmp_path) as (source, paths, _):
        threads = [Thread(target=source.quotes, args=([ATW, IAM],)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert paths.count(TOKEN_PATH) == 1


def test_the_cookies_of_a_token_are_taken_without_their_attributes() -> None:
    header = "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/, b=2; HttpOnly"
    token = parse_token(sample("wafa_bourse/token.json"), {"set-cookie": header})
    assert token.headers() == {"x-proxy-token": TOKEN, "Cookie": "a=1; b=2"}


@pytest.mark.parametrize("body", [b"", b"secret-token", b"[]", b'{"token":null}', b'{"token":"a\\nsecret-token"}'])
def test_a_missing_token_is_refused_without_repeating_what_came_instead(body: bytes) -> None:
    with pytest.raises(PayloadError, match=f"a body of {len(body)} bytes without one") as caught:
        parse_token(body, {})
    assert "secret-token" not in str(caught.value)
