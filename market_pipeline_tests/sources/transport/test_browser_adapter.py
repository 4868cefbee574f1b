"""A browser's handshake for requests: what is sent, what comes back, and what a failure is called."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests

from market_pipeline.errors import PayloadError, SourceTimeout, SourceUnreachable
from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.source import Request
from market_pipeline.sources.transport.browser_adapter import BrowserAdapter
from market_pipeline_tests.sources.scripted_server import Reply, reply, serving
from market_pipeline_tests.sources.transport_bench import Bench, bench

ASKED = Request("yahoo", RequestKind.QUOTE, "https://query1.finance.yahoo.com/v7/finance/quote", as_browser=True)


@contextmanager
def browsing(folder: Path, script: Sequence[Reply], **patience: float) -> Iterator[Bench]:
    with bench(folder, script, rule={"name": "yahoo"}, tries=1, **patience) as it:
        yield it


def changed(**changes: object) -> Request:
    return Request(**{name: getattr(ASKED, name) for name in ("source", "kind", "url", "as_browser")} | changes)  # type: ignore[arg-type]


def test_it_shows_itself_as_a_browser_and_names_nobody_else(tmp_path: Path) -> None:
    with browsing(tmp_path, [reply()]) as it:
        it.transport.send(ASKED)
    headers = {name.lower(): value for name, value in it.server.seen[0].headers.items()}
    assert headers["user-agent"].startswith("Mozilla/5.0")
    assert "Chrome" in headers["sec-ch-ua"]
    assert "upgrade" not in headers


def test_a_packed_body_comes_unpacked(tmp_path: Path) -> None:
    with browsing(tmp_path, [reply(body=gzip.compress(b'{"a":1}'), Content_Encoding="gzip")]) as it:
        assert it.transport.send(ASKED).body == b'{"a":1}'


def test_cookies_are_handed_over_line_by_line_and_sent_only_when_named(tmp_path: Path) -> None:
    def two(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for line in ("A3=x; Expires=Wed, 24 Nov 2027 15:30:02 GMT; Path=/", "B=y; Path=/"):
            handler.send_header("Set-Cookie", line)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    with browsing(tmp_path, [two, reply()]) as it:
        answer = it.transport.send(ASKED)
        it.transport.send(changed(headers={"Cookie": "C=z"}))
    assert answer.set_cookies == ("A3=x; Expires=Wed, 24 Nov 2027 15:30:02 GMT; Path=/", "B=y; Path=/")
    assert it.server.seen[1].headers["Cookie"] == "C=z"


def test_a_form_is_posted_as_it_is(tmp_path: Path) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with browsing(tmp_path, [reply()]) as it:
        it.transport.send(changed(method="POST", headers=form, body=b"agree=agree"))
    seen = it.server.seen[0]
    assert (seen.method, seen.body, seen.headers["Content-Type"]) == ("POST", b"agree=agree", form["Content-Type"])


def test_a_redirect_is_not_followed_unless_the_caller_does_so_itself(tmp_path: Path) -> None:
    away = reply(302, Location="https://consent.yahoo.com/x")
    with browsing(tmp_path, [away]) as it:
        with pytest.raises(PayloadError, match=r"redirecting to consent\.yahoo\.com/x"):
            it.transport.send(ASKED)
        answer = it.transport.send(changed(accepts=frozenset({302})))
    assert (answer.http_status, answer.headers["Location"]) == (302, "https://consent.yahoo.com/x")
    assert len(it.server.seen) == 2


def test_a_body_beyond_the_limit_is_refused_while_it_comes(tmp_path: Path) -> None:
    with browsing(tmp_path, [reply(body=b"x" * 6_000_000)]) as it, pytest.raises(PayloadError, match="more than 5 MB"):
        it.transport.send(ASKED)


def test_silence_is_a_timeout(tmp_path: Path) -> None:
    def silent(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(1)

    with (
        browsing(tmp_path, [silent], read_seconds=0.2, connect_seconds=0.1) as it,
        pytest.raises(SourceTimeout, match="got Timeout"),
    ):
        it.transport.send(ASKED)


def test_a_connection_that_breaks_off_is_unreachable(tmp_path: Path) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)

    with browsing(tmp_path, [hang_up]) as it, pytest.raises(SourceUnreachable, match="got ConnectionError"):
        it.transport.send(ASKED)


def test_a_proxy_that_the_transport_chose_is_used() -> None:
    with serving([reply()]) as proxy, requests.Session() as session:
        session.trust_env = False
        session.mount("http://", BrowserAdapter())
        session.get("http://query1.finance.yahoo.com/x", proxies={"http": proxy.url}, timeout=(1, 2))
    assert proxy.seen[0].path == "http://query1.finance.yahoo.com/x"
