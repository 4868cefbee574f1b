"""A real HTTP proxy on loopback: forwards plain requests, tunnels TLS, and keeps what it saw."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class TinyProxy:
    """`passed` has the address of every request that was let through, CONNECT included."""

    port: int
    login: str = ""
    is_broken: bool = False
    """Takes a request and closes the connection."""
    passed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.login}@127.0.0.1:{self.port}" if self.login else f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    """Forwards requests and opens tunnels for whoever is let through; `proxying` says for which proxy."""

    proxy: TinyProxy
    expected: str

    def is_let_through(self) -> bool:
        sent = self.headers.get("Proxy-Authorization", "")
        is_welcome = not self.expected or sent == "Basic " + base64.b64encode(self.expected.encode()).decode()
        (self.proxy.passed if is_welcome and not self.proxy.is_broken else self.proxy.refused).append(self.path)
        if self.proxy.is_broken:
            self.close_connection = True
        elif not is_welcome:
            self.send_response(407)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return is_welcome and not self.proxy.is_broken

    def forward(self) -> None:
        if not self.is_let_through():
            return
        parts = urlsplit(self.path)
        upstream = HTTPConnection(parts.netloc, timeout=10)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")}
        upstream.request(self.command, f"{parts.path}?{parts.query}", body, headers)
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        upstream.close()

    do_GET = do_POST = forward  # noqa: N815

    def do_CONNECT(self) -> None:
        if not self.is_let_through():
            return
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as upstream:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(upstream, self.connection), daemon=True)
            back.start()
            _pump(self.connection, upstream)
            back.join(timeout=10)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def proxying(*, login: str = "", wanted: str | None = None) -> Iterator[TinyProxy]:
    """Serve as a proxy that wants the login `wanted` (by default the one that its `url` carries)."""
    proxy = TinyProxy(0, login)
    expected = login if wanted is None else wanted
    handler = type("Handler", (_Handler,), {"proxy": proxy, "expected": expected})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        proxy.port = http.server_address[1]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            http.shutdown()
            thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
