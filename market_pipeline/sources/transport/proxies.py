"""The operator's own proxies for one source: one at a time, the same one minute after minute, until it fails.

None is used unless MARKET_PIPELINE_PROXIES lists it, and never to get around a refusal: a 403 or 429 is the source's
word to us, whatever way we come. When every proxy fails, nothing goes out directly. Credentials stay in the address,
which no message, log or file shows.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import requests
import structlog

from market_pipeline.clock import Clock
from market_pipeline.errors import ConfigurationError, ProxyFailed
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.transport.shared_state import Record, SharedState

log = structlog.get_logger("market_pipeline.proxies")

FAILURES_IN_ROW = 3
QUARANTINE_SECONDS = 600.0
CHECK_EVERY_SECONDS = 300.0
CHECK_SECONDS = 3.0
PROXY_AUTHENTICATION_REQUIRED = 407


_FAULTS_OF_PROXY = (requests.exceptions.ProxyError, requests.exceptions.ConnectTimeout)


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy. `name` is all that people are shown of it."""

    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """Return host:port, without credentials."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}"

    @property
    def by_scheme(self) -> dict[str, str]:
        """Return it as requests wants it."""
        return {"http": self.url, "https": self.url}


def answers(proxy: Proxy) -> bool:
    """Tell whether the proxy takes a connection; nothing is sent through it."""
    parts = urlsplit(proxy.url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=CHECK_SECONDS):
            return True
    except OSError:
        return False


@dataclass(frozen=True)
class ProxyPool:
    """The proxies of one source for one session of it (a market); all processes of the feed share what is known."""

    source: str
    session: str
    proxies: Sequence[Proxy]
    folder: Path
    clock: Clock
    check: Callable[[Proxy], bool] = answers

    def choose(self) -> Proxy | None:
        """Return the proxy to use now, None where none is listed.

        It is the same one for this source and session as long as it is healthy. Raise ProxyFailed when none is.
        """
        for proxy in self._in_order():
            if self._is_healthy(proxy):
                return proxy
        if not self.proxies:
            return None
        now = self.clock.monotonic()
        wait = min(max(self._known(proxy).get("until", now) - now, 0.0) for proxy in self.proxies)
        error = ProxyFailed(
            f"did not ask {self.source}: none of its {len(self.proxies)} proxies works, and nothing goes out without "
            f"one while they are listed; a retry may help in {wait:.0f} s; look after {self._names()}, or correct "
            "MARKET_PIPELINE_PROXIES",
            retry_after_seconds=wait,
        )
        error.attempts = 0
        raise error

    def blamed(self, proxy: Proxy | None, error: Exception) -> ProxyFailed | None:
        """Note that a request through `proxy` ended with a library's `error`; return ours where the proxy is at fault.

        Where the way broke later, both may be: it counts for the proxy, and the caller's own error for the source.
        """
        if proxy is None:
            return None
        self.failed(proxy)
        return self._refusal(proxy, type(error).__name__) if isinstance(error, _FAULTS_OF_PROXY) else None

    def passed(self, proxy: Proxy | None, http_status: int) -> None:
        """Note that an answer came through `proxy`. Raise ProxyFailed when it is the proxy's own demand for a login."""
        if proxy is None:
            return
        if http_status == PROXY_AUTHENTICATION_REQUIRED:
            self.failed(proxy)
            raise self._refusal(proxy, f"HTTP {http_status}")
        self.succeeded(proxy)

    def failed(self, proxy: Proxy) -> None:
        """Note a failure of the proxy; the third in a row puts it in quarantine."""
        now = self.clock.monotonic()
        with self._state(proxy).changing(now) as record:
            record["failures"] = record.get("failures", 0) + 1
            record["checked_at"] = None
            if record["failures"] >= FAILURES_IN_ROW:
                record.update(failures=0, until=now + QUARANTINE_SECONDS)
                log.warning("proxy_quarantined", source=self.source, proxy=proxy.name, seconds=QUARANTINE_SECONDS)

    def succeeded(self, proxy: Proxy) -> None:
        """Note that an answer came through the proxy. Nothing is written while all is well."""
        now = self.clock.monotonic()
        if self._known(proxy).get("failures", 0):
            with self._state(proxy).changing(now) as record:
                record.update(failures=0, checked_at=now)

    def _in_order(self) -> list[Proxy]:
        """Return the proxies as this source and session prefer them: whoever drops out moves only his own users."""
        return sorted(self.proxies, key=lambda proxy: _digest(self.source, self.session, proxy.url))

    def _is_healthy(self, proxy: Proxy) -> bool:
        """Tell whether it may be used; one that was not looked at for a while is tried first."""
        now, known = self.clock.monotonic(), self._known(proxy)
        if known.get("until", now) > now:
            return False
        checked_at = known.get("checked_at")
        if checked_at is not None and now - checked_at < CHECK_EVERY_SECONDS:
            return True
        is_there = self.check(proxy)
        if is_there:
            with self._state(proxy).changing(now) as record:
                record["checked_at"] = now
        else:
            self.failed(proxy)
        return is_there

    def _known(self, proxy: Proxy) -> Record:
        return self._state(proxy).read(self.clock.monotonic())

    def _state(self, proxy: Proxy) -> SharedState:
        return SharedState(self.folder / f"proxy_{self.source}_{_digest(proxy.url)[:16]}.json")

    def _refusal(self, proxy: Proxy, seen: str) -> ProxyFailed:
        return ProxyFailed(
            f"asked {self.source} through the proxy {proxy.name} and got {seen}: a retry may help, after "
            f"{FAILURES_IN_ROW} failures in a row through another one; look after the proxy or its login"
        )

    def _names(self) -> str:
        return ", ".join(proxy.name for proxy in self.proxies)


def proxy_pool(source: str, session: str, *, settings: Settings, clock: Clock) -> ProxyPool:
    """Return the pool that the settings list for `source`.

    Raise ConfigurationError for the simulated feed with a proxy that is not on this machine.
    """
    proxies = [Proxy(url) for url in settings.proxies_of(source)]
    away = [proxy.name for proxy in proxies if not _is_loopback(proxy)]
    if settings.feed is Feed.SIMULATED and away:
        raise ConfigurationError(
            f"MARKET_PIPELINE_PROXIES lists {', '.join(away)} for {source}, and the simulated feed reaches this "
            "machine only: a retry does not help; list proxies on loopback, or unset it"
        )
    return ProxyPool(source, session, proxies, settings.feed_folder / "limits", clock)


def _is_loopback(proxy: Proxy) -> bool:
    host = urlsplit(proxy.url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
