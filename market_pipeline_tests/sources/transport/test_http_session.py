"""Certificates: verified always, against the usual authorities and an extra bundle."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import ConfigurationError, SourceUnreachable
from market_pipeline.markets.schema import SourceRule
from market_pipeline.model.outcome import RequestKind
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.source import Request
from market_pipeline.sources.transport.http_session import open_session, sent_url
from market_pipeline.sources.transport.http_transport import HttpTransport
from market_pipeline.sources.transport.patience import Patience
from market_pipeline_tests.sources.transport.tiny_proxy import proxying

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, key included, made for this run."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem", "-out", folder / "ca.pem"]
    try:
        subprocess.run([*command, *more], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed; it makes the certificate of this test")
    (folder / "both.pem").write_text((folder / "key.pem").read_text() + (folder / "ca.pem").read_text())
    return folder


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The live feed follows the operator's proxies; loopback needs none."""
    monkeypatch.setenv("NO_PROXY", "localhost")


@contextmanager
def https(certificate: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"a":1}')

        def log_message(self, *args: object) -> None:
            pass

    class Server(HTTPServer):
        def handle_error(self, *args: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "both.pem")
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"https://localhost:{server.server_address[1]}/v2"
        server.shutdown()
        thread.join()


def fetch(url: str, data: Path, bundle: Path | None, proxies: str | None = None) -> bytes:
    settings = Settings(feed=Feed.LIVE, data=data, ca_bundle=bundle, proxies=proxies)
    transport = HttpTransport(
        SourceRule(name="dhan", terms="test"),
        settings=settings,
        clock=HandClock(NOON),
        keep=lambda body: hashlib.sha256(body).hexdigest(),
        patience=Patience(tries=1),
    )
    try:
        return transport.send(Request("dhan", RequestKind.QUOTE, url)).body
    finally:
        transport.close()


def test_a_certificate_that_nobody_vouches_for_is_refused_and_the_remedy_named(
    certificate: Path, tmp_path: Path
) -> None:
    with https(certificate) as url, pytest.raises(SourceUnreachable, match="MARKET_PIPELINE_CA_BUNDLE"):
        fetch(url, tmp_path, None)


def test_the_extra_bundle_completes_a_broken_chain(certificate: Path, tmp_path: Path) -> None:
    with https(certificate) as url:
        assert fetch(url, tmp_path, certificate / "ca.pem") == b'{"a":1}'


def test_the_extra_bundle_adds_to_the_usual_authorities(certificate: Path, tmp_path: Path) -> None:
    usual = open_session(Settings(feed=Feed.LIVE, data=tmp_path)).get_adapter("https://a.example")
    more = open_session(Settings(feed=Feed.LIVE, data=tmp_path, ca_bundle=certificate / "ca.pem"))
    context = more.get_adapter("https://a.example").poolmanager.connection_pool_kw["ssl_context"]  # type: ignore[attr-defined]
    assert len(context.get_ca_certs()) > 100
    assert "ssl_context" not in usual.poolmanager.connection_pool_kw  # type: ignore[attr-defined]


def test_a_listed_proxy_tunnels_tls_and_the_certificate_is_still_the_source_s(
    certificate: Path, tmp_path: Path
) -> None:
    with https(certificate) as url, proxying(login="user:pa55word") as proxy:
        assert fetch(url, tmp_path, certificate / "ca.pem", f"dhan={proxy.url}") == b'{"a":1}'
        with pytest.raises(SourceUnreachable, match="SSLError"):
            fetch(url, tmp_path, None, f"dhan={proxy.url}")
        host = url.removeprefix("https://").removesuffix("/v2")
        assert proxy.passed == [host, host]


def test_a_bundle_that_cannot_be_read_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must name a readable PEM file"):
        open_session(Settings(feed=Feed.LIVE, data=tmp_path, ca_bundle=tmp_path / "none.pem"))


def test_the_simulated_feed_moves_every_host_under_the_simulated_exchange(tmp_path: Path) -> None:
    simulated = Settings(feed=Feed.SIMULATED, data=tmp_path, simulator_url="http://127.0.0.1:8765/")
    url = "https://images.dhan.co/api-data/api-scrip-master.csv"
    assert sent_url(url, "dhan", simulated) == "http://127.0.0.1:8765/dhan/api-data/api-scrip-master.csv"
    assert sent_url(url, "dhan", Settings(feed=Feed.LIVE, data=tmp_path)) == url
