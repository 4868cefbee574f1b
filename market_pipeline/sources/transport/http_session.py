"""A pooled requests session that keeps to a total deadline, verifies TLS, and in the simulated feed knows one host.

A read time-out alone is no deadline: it starts anew with each byte, so a source that drips one byte a second holds a
caller for days. Here every read of the socket, headers included, gets what is left of the deadline at most.
"""

from __future__ import annotations

import http.client
import http.cookiejar
import io
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from market_pipeline.clock import Clock
from market_pipeline.errors import ConfigurationError
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.source import Request
from market_pipeline.sources.transport.browser_adapter import BrowserAdapter
from market_pipeline.sources.transport.proxies import Proxy

POOL_CONNECTIONS = 8
MOST_TEMPLATES = 32


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the clock's monotonic time by which a call must be over."""

    clock: Clock
    at: float

    def remaining(self) -> float:
        """Return the seconds that are left; negative when it has passed."""
        return self.at - self.clock.monotonic()


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def keeping(deadline: Deadline) -> Iterator[None]:
    """Hold every read of this thread's requests to `deadline`; a read after it raises TimeoutError."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


class _DeadlineReader(io.RawIOBase):
    """The socket's raw reader, with the time-out of each read cut to what the deadline leaves."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: Deadline) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline
        self._read_seconds = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._deadline.remaining()
        if remaining <= 0:
            raise TimeoutError("the deadline of the whole call has passed")
        self._sock.settimeout(remaining if self._read_seconds is None else min(self._read_seconds, remaining))
        return cast(int | None, self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        deadline = _current.get()
        if deadline is not None:
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_DeadlineReader(raw, sock, deadline))


class _PlainConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _TlsConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _PlainPool, "https": _TlsPool}


class _DeadlineAdapter(HTTPAdapter):
    """Pools connections of ours; TLS is verified against the usual authorities and the extra bundle."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        super().__init__(pool_connections=POOL_CONNECTIONS, pool_maxsize=POOL_CONNECTIONS)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **options, **self._tls_options())
        self.poolmanager.pool_classes_by_scheme = POOLS

    def _through_proxy(self, proxy: str, **options: Any) -> Any:
        through = super().proxy_manager_for(proxy, **options, **self._tls_options())
        through.pool_classes_by_scheme = POOLS
        return through

    proxy_manager_for = _through_proxy

    def _tls_options(self) -> dict[str, Any]:
        return {"ssl_context": self._tls} if self._tls else {}


class Sender:
    """Sends requests through a session. What many have in common is prepared once: headers, address, way out.

    Of a cycle's 500 charts, requests spent a third of its time on that. Safe to share among threads.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._template = lru_cache(MOST_TEMPLATES)(self._make_template)

    def close(self) -> None:
        """Release the pooled connections."""
        self._session.close()

    def send(
        self, request: Request, url: str, *, proxy: Proxy | None, timeout: tuple[float, float]
    ) -> requests.Response:
        """Send `request` to `url`; return the answer before its body is read. Raise requests' exceptions."""
        headers = tuple(request.headers.items())
        if self._session.cookies:  # answers have set them, and each address has its own
            draft, way = self._make_template(request.method, url, headers=headers, proxy=proxy)
        else:
            draft, way = self._template(request.method, _origin(url) + "/", headers=headers, proxy=proxy)
        prepared = draft.copy()
        params = request.params.items() if isinstance(request.params, Mapping) else request.params
        prepared.url = _quoted(url, tuple(params))
        if request.body is not None or request.json_body is not None:
            prepared.prepare_body(cast(Any, request.body), None, cast(Any, request.json_body))
        return self._session.send(prepared, timeout=timeout, allow_redirects=False, **way)

    def _make_template(
        self, method: str, url: str, *, headers: Sequence[tuple[str, str]], proxy: Proxy | None
    ) -> tuple[requests.PreparedRequest, dict[str, Any]]:
        """Return a request without body, and what Session.send is to know of proxies and certificates."""
        draft = self._session.prepare_request(requests.Request(method, url, headers=dict(headers)))
        proxies = proxy.by_scheme if proxy else {}
        return draft, dict(self._session.merge_environment_settings(url, proxies, True, None, None))


@lru_cache(MOST_TEMPLATES)
def _quoted(url: str, params: Sequence[tuple[str, str]]) -> str | None:
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, cast(Any, params))
    return prepared.url


def open_session(settings: Settings, *, as_browser: bool = False) -> requests.Session:
    """Make a session for the feed: live reaches https only, simulated reaches the simulated exchange only.

    It is safe to share among threads. `as_browser` sends a browser's handshake and headers, and only those cookies that
    a request names itself. Raise ConfigurationError when the extra CA bundle cannot be read.
    """
    session = requests.Session()
    session.headers["User-Agent"] = user_agent(settings.contact)
    session.adapters.clear()
    if as_browser:
        session.headers.clear()
        session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=()))
    if settings.feed is Feed.SIMULATED:
        session.trust_env = False
        session.mount(_origin(settings.simulator_url) + "/", BrowserAdapter() if as_browser else _DeadlineAdapter(None))
    else:
        # proxies and their exceptions are the operator's environment, which requests knows how to read
        tls = _trusting(settings.ca_bundle)
        session.mount("https://", BrowserAdapter() if as_browser else _DeadlineAdapter(tls))
    return session


def sent_url(url: str, source: str, settings: Settings) -> str:
    """Return where a request for `url` really goes: there, or to the simulated exchange's copy of `source`."""
    if settings.feed is Feed.LIVE:
        return url
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{settings.simulator_url.rstrip('/')}/{source}{parts.path}{query}"


@cache
def user_agent(contact: str) -> str:
    """Return the honest name under which we ask, with a way to reach the operator."""
    try:
        release = version("market_pipeline")
    except PackageNotFoundError:
        release = "unreleased"
    return f"market_pipeline/{release} (+{contact})"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _trusting(bundle: Path | None) -> ssl.SSLContext | None:
    if bundle is None:
        return None
    context = create_urllib3_context()
    context.load_verify_locations(certifi.where())
    try:
        context.load_verify_locations(bundle)
    except OSError as error:
        raise ConfigurationError(
            f"tried to read the CA bundle {bundle} and got {type(error).__name__}: a retry does not help; "
            "MARKET_PIPELINE_CA_BUNDLE must name a readable PEM file, or be unset"
        ) from error
    return context
