"""What the transport makes of a body: size, compression, encoding, kind, and a source that drips."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import Blocked, PayloadError, SourceTimeout
from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.source import Request
from market_pipeline_tests.sources.scripted_server import reply
from market_pipeline_tests.sources.transport_bench import bench

QUOTE = Request("dhan", RequestKind.QUOTE, "https://api.dhan.co/v2/marketfeed/quote")


def test_html_where_json_is_due_is_blocked(tmp_path: Path) -> None:
    page = reply(body=b"<!doctype html><title>Will be right back</title>", Content_Type="text/html")
    with bench(tmp_path, [page]) as it, pytest.raises(Blocked, match="markup where json is due"):
        it.transport.send(QUOTE)


def test_an_empty_body_is_a_payload_error(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(body=b"")]) as it, pytest.raises(PayloadError, match="0 bytes, at least 2 are due"):
        it.transport.send(QUOTE)


def test_an_image_where_json_is_due_is_a_payload_error(tmp_path: Path) -> None:
    picture = reply(body=b"\x89PNG....", Content_Type="image/png")
    with bench(tmp_path, [picture]) as it, pytest.raises(PayloadError, match="image/png where json is due"):
        it.transport.send(QUOTE)


def test_a_body_in_another_encoding_than_declared_is_a_payload_error(tmp_path: Path) -> None:
    page = reply(body="<p>Séance</p>".encode("latin-1"), Content_Type="text/html; charset=utf-8")
    with bench(tmp_path, [page]) as it, pytest.raises(PayloadError, match="the body is not utf-8"):
        it.transport.send(replace(QUOTE, expects="html"))


def test_a_declared_encoding_is_believed(tmp_path: Path) -> None:
    page = reply(body="<p>Séance</p>".encode("latin-1"), Content_Type="text/html; charset=iso-8859-1")
    with bench(tmp_path, [page]) as it:
        assert it.transport.send(replace(QUOTE, expects="html")).body == b"<p>S\xe9ance</p>"


def test_a_truncated_body_is_retried(tmp_path: Path) -> None:
    def truncated(handler: BaseHTTPRequestHandler) -> None:
        reply(body=b'{"a"', Content_Length="400")(handler)
        handler.close_connection = True

    with bench(tmp_path, [truncated, reply(body=b'{"a":1}')]) as it:
        answer = it.transport.send(QUOTE)
    assert (answer.body, answer.attempts) == (b'{"a":1}', 2)
    assert it.kept == [b'{"a":1}']


def test_an_announced_body_over_the_cap_is_not_read(tmp_path: Path) -> None:
    def promise(handler: BaseHTTPRequestHandler) -> None:
        reply(body=b"x", Content_Length="6000000")(handler)
        handler.close_connection = True

    with bench(tmp_path, [promise]) as it, pytest.raises(PayloadError, match="more than 5 MB"):
        it.transport.send(QUOTE)
    assert it.kept == []


def test_a_compressed_bomb_stops_at_the_cap(tmp_path: Path) -> None:
    bomb = reply(body=gzip.compress(b" " * 20_000_000), Content_Encoding="gzip")
    with bench(tmp_path, [bomb]) as it, pytest.raises(PayloadError, match="more than 5 MB"):
        it.transport.send(QUOTE)


def test_a_request_may_raise_the_cap(tmp_path: Path) -> None:
    with bench(tmp_path, [reply(body=b"[" + b" " * 6_000_000 + b"]")]) as it:
        assert len(it.transport.send(replace(QUOTE, max_bytes=7_000_000)).body) == 6_000_002


def test_broken_compression_is_a_payload_error(tmp_path: Path) -> None:
    wrong = reply(body=b"not gzip at all", Content_Encoding="gzip")
    with bench(tmp_path, [wrong]) as it, pytest.raises(PayloadError, match="its compression is broken"):
        it.transport.send(QUOTE)


def test_a_source_that_drips_its_body_is_left_at_the_deadline(tmp_path: Path) -> None:
    clocks: list[HandClock] = []

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(1000):
            clocks[0].advance(timedelta(seconds=1))
            handler.wfile.write(b"x")

    with bench(tmp_path, [drip]) as it:
        clocks.append(it.clock)
        with pytest.raises(SourceTimeout, match="a retry may help"):
            it.transport.send(QUOTE)
    assert len(it.server.seen) == 1


def test_a_source_that_drips_its_headers_is_left_at_the_deadline(tmp_path: Path) -> None:
    clocks: list[HandClock] = []

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(1000):
            clocks[0].advance(timedelta(seconds=1))
            handler.wfile.write(b"x")

    with bench(tmp_path, [drip]) as it:
        clocks.append(it.clock)
        with pytest.raises(SourceTimeout):
            it.transport.send(QUOTE)
    assert len(it.server.seen) == 1
