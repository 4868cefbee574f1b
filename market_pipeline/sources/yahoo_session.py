"""Yahoo's cookie, crumb and consent page, which yfinance knows how to get, over our transport and nothing else.

yfinance asks through a requests session whose only adapter hands each request to the transport: budget, breaker,
Retry-After, body checks, kept payloads and the simulated exchange are there, and no host but Yahoo's is reached.
Only this module may know yfinance's inside; test_yahoo_session.py pins what it relies on.
"""

from __future__ import annotations

import json
import os
import threading
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.cookies import create_cookie
from urllib3 import HTTPHeaderDict
from yfinance.data import SingletonMeta, YfData
from yfinance.exceptions import YFException

from market_pipeline.errors import (
    Blocked,
    BreakerOpen,
    ConfigurationError,
    SourceTimeout,
    SourceUnreachable,
    Unauthorised,
)
from market_pipeline.model.outcome import RequestKind
from market_pipeline.sources.source import Answer, Request, Transport
from market_pipeline.sources.transport.browser_adapter import fill
from market_pipeline.sources.yahoo_payloads import SOURCE, refusal

DOMAIN = "yahoo.com"
COOKIE_HOST = "fc.yahoo.com"
"""Answers 404, with the cookie. Many ad blockers refuse to resolve it; then the consent page gives the cookie."""
# what counts of them is the cookie, not the status
PAGE_HOSTS = frozenset({COOKIE_HOST, "guce.yahoo.com", "consent.yahoo.com", "finance.yahoo.com"})
CRUMB_PATH = "/v1/test/getcrumb"
COOKIE = "A3"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
COOKIE_TROUBLE = (SourceUnreachable, SourceTimeout, Blocked, BreakerOpen)
PAGE_TROUBLE = (requests.RequestException, YFException, TypeError, KeyError, AttributeError, ValueError)
"""yfinance takes a consent page's fields for granted."""


class CrumbRefused(Unauthorised):
    """Yahoo refused the crumb of a request; a new cookie and crumb help once."""

    crumb: str | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """On whose behalf requests are sent: the cookie's and the crumb's too."""

    transport: Transport
    kind: RequestKind
    is_last: bool = False
    """A refused crumb is now an error of the source."""


_errand: ContextVar[Errand] = ContextVar("errand")


class _Response(requests.Response):
    answer: Answer


class _TransportAdapter(BaseAdapter):
    """Hands yfinance's requests to the errand's transport."""

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        url, errand = str(request.url), _errand.get()
        host = urlsplit(url).hostname or ""
        if host != DOMAIN and not host.endswith("." + DOMAIN):
            raise ConfigurationError(
                f"yfinance wanted to ask {host}, and the source {SOURCE} reaches {DOMAIN} only: a retry does not help; "
                "if Yahoo moved, add its host to yahoo_session.py"
            )
        try:
            answer = errand.transport.send(_as_ours(request, errand))
        except COOKIE_TROUBLE as error:
            if host != COOKIE_HOST:
                raise
            # what yfinance takes as a reason to try the consent page
            raise requests.exceptions.ConnectionError(type(error).__name__) from None
        if answer.http_status == requests.codes.unauthorized:
            raise _refused_crumb(url)
        return _as_theirs(request, answer)

    def close(self) -> None:
        """Keep nothing open: connections are the transport's."""


def _as_ours(request: requests.PreparedRequest, errand: Errand) -> Request:
    url = str(request.url)
    host = urlsplit(url).hostname
    is_page, is_crumb = host in PAGE_HOSTS, urlsplit(url).path == CRUMB_PATH
    accepts = REDIRECTS | ({404} if is_page else frozenset() if errand.is_last else {401})
    body = request.body.encode() if isinstance(request.body, str) else request.body
    return Request(
        SOURCE,
        errand.kind,
        url,
        method=cast(Any, request.method),
        headers={name: value for name, value in request.headers.items() if name != "Content-Length"},
        body=body,
        service=DOMAIN,
        expects="html" if is_page else "text" if is_crumb else "json",
        min_bytes=0 if is_page else 2,
        refusal=refusal,
        accepts=accepts,
        as_browser=True,
    )


def _as_theirs(request: requests.PreparedRequest, answer: Answer) -> _Response:
    headers = HTTPHeaderDict({"Content-Type": answer.content_type})
    for name in ("Location", "location"):
        if name in answer.headers:
            headers["Location"] = answer.headers[name]
    for line in answer.set_cookies:
        # all of Yahoo's hosts want it; on loopback it cannot be given for the domain
        headers.add("Set-Cookie", line if "domain=" in line.lower() else f"{line}; Domain=.{DOMAIN}")
    response = fill(_Response(), request, status=answer.http_status, headers=headers, body=answer.body)
    response.answer = answer
    return response


def _refused_crumb(url: str) -> CrumbRefused:
    error = CrumbRefused(
        f"asked {urlsplit(url).netloc} and saw HTTP 401 Invalid Crumb: a retry helps with a new cookie and crumb"
    )
    error.http_status = 401
    error.crumb = parse_qs(urlsplit(url).query).get("crumb", [None])[0]
    return error


class _OnePerFolder(SingletonMeta):  # type: ignore[misc] # yfinance has no types
    """yfinance keeps one object a process; feeds must not share theirs."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 # a metaclass's instances are classes
        return type.__call__(cls, *args, **kwargs)


class Conversation(YfData, metaclass=_OnePerFolder):  # type: ignore[misc] # yfinance has no types
    """A cookie, the crumb that goes with it, and how to ask with both. Safe to share among threads.

    Both outlive the process in `folder`, so that each minute's run need not ask for them again; yfinance's own files
    (a database of pickles in the home directory) are never made.
    """

    def __init__(self, folder: Path | None) -> None:
        session = requests.Session()
        session.headers.clear()
        session.adapters.clear()
        session.trust_env = False
        session.mount("https://", _TransportAdapter())
        super().__init__(session=session)
        self._crumb: str | None = None
        self._file = folder / "session.json" if folder else None
        self._renewing = threading.Lock()
        self._kept: str | None = None
        self._restore()

    def ask(self, errand: Errand, url: str, params: dict[str, str]) -> Answer:
        """Return the answer of one call, with a new cookie and crumb if Yahoo refuses the old ones.

        Raises what a transport raises.
        """
        try:
            return self._ask(errand, url, params)
        except CrumbRefused as refused:
            self._renew(refused.crumb)
            return self._ask(replace(errand, is_last=True), url, params)

    def _ask(self, errand: Errand, url: str, params: dict[str, str]) -> Answer:
        self._begin_with_the_cheap_way()
        token = _errand.set(errand)
        try:
            response = self.get(url, params=params)
        except PAGE_TROUBLE as error:
            raise Blocked(
                f"asked {urlsplit(url).netloc} and got a page that yfinance cannot read ({type(error).__name__}): "
                "a retry does not help; if it lasts, Yahoo's consent page has changed: update yfinance"
            ) from None
        finally:
            _errand.reset(token)
        if urlsplit(response.url).path != urlsplit(url).path or not isinstance(response, _Response):
            raise Blocked(
                f"asked {urlsplit(url).netloc} and was sent to {urlsplit(response.url).netloc}: consent was given "
                "there; a retry helps in the next cycle; if it lasts, Yahoo's consent page has changed"
            )
        self._keep()
        return response.answer

    def _begin_with_the_cheap_way(self) -> None:
        """Without a crumb, try the cookie's host first, whatever was tried last: the consent page takes four calls."""
        with self._cookie_lock:
            if self._crumb is None:
                self._cookie_strategy = "basic"

    def _renew(self, refused: str | None) -> None:
        """Forget cookie and crumb, unless another thread has done so since `refused` was sent."""
        with self._renewing, self._cookie_lock:
            if self._crumb == refused:
                self._crumb = self._cookie = None
                self._session.cookies.clear()

    def _load_cookie_curlCffi(self) -> bool:  # noqa: N802 # yfinance asks here for a cookie that was kept
        self._cookie = next((cookie for cookie in self._session.cookies if cookie.name == COOKIE), None)
        return self._cookie is not None and not self._cookie.is_expired()

    def _save_cookie_curlCffi(self) -> bool:  # noqa: N802 # yfinance says here that a cookie came
        return self._load_cookie_curlCffi()

    def _restore(self) -> None:
        try:
            kept = json.loads(self._file.read_bytes()) if self._file else {}
            for cookie in kept.get("cookies", ()):
                self._session.cookies.set_cookie(create_cookie(**cookie))  # type: ignore[no-untyped-call]
            self._crumb = self._kept = kept.get("crumb")
        except (OSError, ValueError, TypeError, AttributeError):
            # no file yet, or one that cannot be used: a new cookie is one request away
            self._session.cookies.clear()

    def _keep(self) -> None:
        """Write cookie and crumb down when the crumb is a new one."""
        if self._file is None or self._crumb == self._kept:
            return
        with self._renewing:
            cookies = [
                {name: getattr(cookie, name) for name in ("name", "value", "domain", "path", "expires", "secure")}
                for cookie in self._session.cookies
            ]
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(f".{os.getpid()}.tmp")
            draft.write_text(json.dumps({"crumb": self._crumb, "cookies": cookies}))
            draft.chmod(0o600)
            draft.replace(self._file)
            self._kept = self._crumb


@cache
def conversation(folder: Path | None) -> Conversation:
    """Return the process's conversation with Yahoo for a feed, which keeps its cookie in `folder`."""
    return Conversation(folder)
