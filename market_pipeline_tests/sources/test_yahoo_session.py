"""Cookie, crumb and consent: what yfinance asks for, and that it asks through our transport and nobody else's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from market_pipeline.errors import Blocked, ConfigurationError, RateLimited, SourceUnreachable, Unauthorised
from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.yahoo_session import Conversation, Errand
from market_pipeline_tests.sources.scripted_server import reply
from market_pipeline_tests.sources.transport_bench import Bench, bench
from market_pipeline_tests.sources.yahoo_desk import A_COOKIE, COOKIE, NOW, paths, query, sample

QUOTES = "https://query1.finance.yahoo.com/v7/finance/quote"
NORMAL, REFUSED = sample("quote_normal.json"), sample("quote_unauthorised.json", 401)
CRUMB = sample("crumb.txt")


@contextmanager
def talking(folder: Path, *script: object, **patience: int) -> Iterator[tuple[Conversation, Bench]]:
    with bench(folder, script, rule={"name": "yahoo"}, at=NOW, **patience) as it:  # type: ignore[arg-type]
        yield Conversation(folder / "yahoo"), it


def ask(conversation: Conversation, it: Bench, url: str = QUOTES) -> bytes:
    return conversation.ask(Errand(it.transport, RequestKind.QUOTE), url, {"symbols": "AAPL"}).body


def test_one_cookie_and_one_crumb_serve_all_calls(tmp_path: Path) -> None:
    with talking(tmp_path, COOKIE, CRUMB, NORMAL) as (conversation, it):
        ask(conversation, it)
        ask(conversation, it)
    assert paths(it) == ["/", "/v1/test/getcrumb", "/v7/finance/quote", "/v7/finance/quote"]
    assert query(it.server.seen[3]) == {"symbols": "AAPL", "crumb": "aBcDeFgHiJk"}
    assert {seen.headers.get("Cookie") for seen in it.server.seen[1:]} == {"A3=d=AQABBx&S=AQAAA"}


def test_a_cookie_without_a_domain_is_sent_to_all_of_yahoos_hosts(tmp_path: Path) -> None:
    plain = reply(404, b"", Set_Cookie="A3=d=abc; Max-Age=600; Path=/", Content_Type="text/plain")
    with talking(tmp_path, plain, CRUMB, NORMAL) as (conversation, it):
        ask(conversation, it)
    assert [seen.headers.get("Cookie") for seen in it.server.seen] == [None, "A3=d=abc", "A3=d=abc"]


def test_cookie_and_crumb_outlive_the_process(tmp_path: Path) -> None:
    with talking(tmp_path, COOKIE, CRUMB, NORMAL) as (conversation, it):
        ask(conversation, it)
        ask(Conversation(tmp_path / "yahoo"), it)
    assert paths(it)[3:] == ["/v7/finance/quote"]
    assert it.server.seen[3].headers["Cookie"] == "A3=d=AQABBx&S=AQAAA"
    assert [file.name for file in (tmp_path / "yahoo").iterdir()] == ["session.json"]
    assert (tmp_path / "yahoo" / "session.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kept", ["", "[]", "{", '{"crumb":1,"cookies":[{"nome":"A3"}]}', '{"cookies":5}'])
def test_a_file_that_cannot_be_used_costs_a_new_cookie(tmp_path: Path, kept: str) -> None:
    (tmp_path / "yahoo").mkdir()
    (tmp_path / "yahoo" / "session.json").write_text(kept)
    with talking(tmp_path, COOKIE, CRUMB, NORMAL) as (conversation, it):
        ask(conversation, it)
    assert paths(it) == ["/", "/v1/test/getcrumb", "/v7/finance/quote"]


def test_a_refused_crumb_is_renewed_once_and_the_call_repeated(tmp_path: Path) -> None:
    with talking(tmp_path, COOKIE, CRUMB, REFUSED, COOKIE, reply(body=b"newCrumb"), NORMAL) as (conversation, it):
        ask(conversation, it)
    assert paths(it)[2:] == ["/v7/finance/quote", "/", "/v1/test/getcrumb", "/v7/finance/quote"]
    assert query(it.server.seen[5])["crumb"] == "newCrumb"


def test_a_crumb_that_is_refused_again_is_an_error(tmp_path: Path) -> None:
    with talking(tmp_path, COOKIE, CRUMB, REFUSED, COOKIE, CRUMB, REFUSED) as (conversation, it):
        with pytest.raises(Unauthorised, match="HTTP 401"):
            ask(conversation, it)
        assert len(it.server.seen) == 6


def test_threads_with_one_refused_crumb_renew_it_once(tmp_path: Path) -> None:
    both = threading.Barrier(2)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        if path == "/yahoo/":
            COOKIE(handler)
        elif path.endswith("getcrumb"):
            (CRUMB if paths(it).count("/v1/test/getcrumb") == 1 else reply(body=b"newCrumb"))(handler)
        elif "crumb=newCrumb" in handler.path:
            NORMAL(handler)
        else:
            both.wait(5)
            REFUSED(handler)

    with talking(tmp_path, answer) as (conversation, it), ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: ask(conversation, it), range(2)))
    assert paths(it).count("/v1/test/getcrumb") == 2
    assert paths(it).count("/v7/finance/quote") == 4


def test_a_429_as_the_crumbs_text_is_a_429_and_no_crumb(tmp_path: Path) -> None:
    with talking(tmp_path, COOKIE, sample("crumb_too_many_requests.txt"), tries=1) as (conversation, it):
        with pytest.raises(RateLimited, match="Edge: Too Many Requests"):
            ask(conversation, it)
        assert paths(it) == ["/", "/v1/test/getcrumb"]


def test_a_page_in_place_of_data_is_blocked(tmp_path: Path) -> None:
    with talking(tmp_path, COOKIE, CRUMB, sample("will_be_right_back.html")) as (conversation, it):
        with pytest.raises(Blocked, match="markup where json is due"):
            ask(conversation, it)
        assert len(it.server.seen) == 3


def test_where_the_cookies_host_is_out_of_reach_the_consent_page_gives_the_cookie(tmp_path: Path) -> None:
    posted: list[bytes] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        replies = {
            "/yahoo/": reply(503, b""),
            "/yahoo/consent": reply(302, b"", Location="https://consent.yahoo.com/v2/collectConsent?sessionId=1"),
            "/yahoo/v1/test/getcrumb": CRUMB,
            "/yahoo/copyConsent": reply(200, b"<html></html>", Set_Cookie=A_COOKIE, Content_Type="text/html"),
        }
        if path == "/yahoo/v2/collectConsent" and handler.command == "POST":
            posted.append(it.server.seen[-1].body)
        replies |= {"/yahoo/v2/collectConsent": sample("consent.html")}
        replies.get(path, NORMAL)(handler)

    with talking(tmp_path, answer, tries=1) as (conversation, it):
        assert ask(conversation, it)
    assert b"csrfToken=tOkEn1" in posted[0]
    assert it.server.seen[-1].headers["Cookie"] == "A3=d=AQABBx&S=AQAAA"


def test_when_the_cookies_host_is_back_it_is_asked_before_the_consent_page(tmp_path: Path) -> None:
    down = reply(503, b"")
    with talking(tmp_path, down, down, COOKIE, CRUMB, NORMAL, tries=1) as (conversation, it):
        with pytest.raises(SourceUnreachable, match=r"guce\.yahoo\.com/consent"):
            ask(conversation, it)
        ask(conversation, it)
    assert paths(it) == ["/", "/consent", "/", "/v1/test/getcrumb", "/v7/finance/quote"]


def test_a_consent_page_that_yfinance_cannot_read_is_blocked(tmp_path: Path) -> None:
    odd = reply(body=b'<html><input name="csrfToken" value="x"></html>', Content_Type="text/html")
    with talking(tmp_path, reply(503, b""), odd, tries=1) as (conversation, it):
        with pytest.raises(Blocked, match=r"yfinance cannot read \(TypeError\)"):
            ask(conversation, it)
        assert paths(it) == ["/", "/consent"]


def test_no_host_but_yahoos_is_ever_asked(tmp_path: Path) -> None:
    away = reply(302, b"", Location="https://example.org/")
    with talking(tmp_path, COOKIE, CRUMB, away) as (conversation, it):
        with pytest.raises(ConfigurationError, match=r"wanted to ask example\.org"):
            ask(conversation, it)
        with pytest.raises(ConfigurationError, match=r"notyahoo\.com"):
            ask(conversation, it, "https://notyahoo.com/v7/finance/quote")


def test_an_error_of_the_data_call_is_ours_and_asks_for_nothing_else(tmp_path: Path) -> None:
    with talking(tmp_path, COOKIE, CRUMB, reply(503), tries=1) as (conversation, it):
        with pytest.raises(SourceUnreachable, match="HTTP 503"):
            ask(conversation, it)
        assert len(it.server.seen) == 3


def test_yfinance_still_works_inside_as_we_rely_on(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path)
    assert (conversation._crumb, conversation._cookie, conversation._cookie_strategy) == (None, None, "basic")
    assert conversation is not Conversation(tmp_path)
    assert {"_load_cookie_curlCffi", "_save_cookie_curlCffi"} <= set(dir(Conversation.__mro__[1]))
