"""Lets a requests session speak with a browser's TLS and HTTP/2 handshake, through curl_cffi.

Some sources answer no client whose handshake is not a browser's. Budgets, deadlines and checks stay the transport's.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict

MOST_BYTES = 20_000_000
"""More than any request allows; whoever reads the body has the request's own limit."""
ABORT = 0xFFFFFFFF
"""What a callback returns to end the transfer (CURL_WRITEFUNC_ERROR)."""
DECODED = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that no longer hold: curl has unpacked the body."""


class BrowserAdapter(BaseAdapter):
    """Sends prepared requests as Chrome would, follows no redirect and keeps no cookie."""

    def send(  # noqa: PLR0917 # requests' own signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the whole answer. `timeout` is (seconds to connect, seconds for everything).

        Raises requests' exceptions, never curl's.
        """
        from curl_cffi.requests.exceptions import RequestException

        del stream, cert
        connect, whole = timeout
        body = _Body()
        try:
            answer = self._session.request(
                request.method,
                request.url,
                data=request.body,
                headers=dict(request.headers),
                # curl_cffi adds the two
                timeout=(connect, max(whole - connect, 0.001)),
                verify=verify,
                proxies=dict(proxies) if proxies else None,
                # over plain http, on loopback, a browser would first ask for an upgrade to HTTP/2
                http_version="v1" if str(request.url).startswith("http:") else None,
                quote=False,
                allow_redirects=False,
                discard_cookies=True,
                content_callback=body.take,
            )
        except RequestException as error:
            if not body.is_cut:
                raise _as_requests(error) from None
            answer = error.response
        return _response(request, answer, body.whole)

    def close(self) -> None:
        """Release the connections."""
        if "_session" in self.__dict__:
            self._session.close()

    @cached_property
    def _session(self) -> Any:
        from curl_cffi.requests import Session

        # requests reads the environment's proxies itself
        return Session(impersonate="chrome", trust_env=False)


class _Body:
    """Collects the parts of a body, and stops the transfer when they are too many."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def take(self, part: bytes) -> int:
        self._parts.append(part)
        self._size += len(part)
        return ABORT if self.is_cut else len(part)

    @property
    def is_cut(self) -> bool:
        return self._size > MOST_BYTES

    @property
    def whole(self) -> bytes:
        return b"".join(self._parts)


def fill[Response: requests.Response](
    response: Response, request: requests.PreparedRequest, *, status: int, headers: HTTPHeaderDict, body: bytes
) -> Response:
    """Put into `response` what came from elsewhere than a socket of urllib3, its Set-Cookie lines included."""
    lines = http.client.HTTPMessage()
    for line in headers.getlist("Set-Cookie"):
        lines["Set-Cookie"] = line
    origin: Any = SimpleNamespace(msg=lines, isclosed=lambda: True, close=lambda: None)
    response.raw = urllib3.HTTPResponse(
        io.BytesIO(body), headers=headers, status=status, preload_content=False, original_response=origin
    )
    response.status_code, response.url, response.request = status, request.url or "", request
    response.headers = CaseInsensitiveDict(headers)
    response.encoding = "utf-8"
    return response


def _response(request: requests.PreparedRequest, answer: Any, body: bytes) -> requests.Response:
    headers = HTTPHeaderDict()
    for name, value in answer.headers.multi_items():
        if name.lower() not in DECODED:
            headers.add(name, value)
    return fill(requests.Response(), request, status=answer.status_code, headers=headers, body=body)


def _as_requests(error: Exception) -> requests.RequestException:
    """Return requests' word for curl's error."""
    from curl_cffi.requests import exceptions as curl

    match error:
        case curl.ProxyError():
            return requests.exceptions.ProxyError(type(error).__name__)
        case curl.ConnectTimeout():
            return requests.exceptions.ConnectTimeout(type(error).__name__)
        case curl.SSLError():
            return requests.exceptions.SSLError(type(error).__name__)
        case curl.Timeout():
            return requests.exceptions.Timeout(type(error).__name__)
        case curl.InvalidSchema():
            return requests.exceptions.InvalidSchema(type(error).__name__)
    return requests.exceptions.ConnectionError(type(error).__name__)
