"""What an HTTP answer means before anybody parses it: an error of ours, or a body worth parsing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from market_pipeline.errors import (
    Blocked,
    MarketPipelineError,
    PayloadError,
    RateLimited,
    SourceTimeout,
    SourceUnreachable,
    Transient,
    Unauthorised,
)
from market_pipeline.sources.source import Request

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
EXCERPT = 120
_Meaning = tuple[type[MarketPipelineError], str]
_BLOCKED: _Meaning = (Blocked, "ask less, and see what the source's terms allow")
_OTHER_4XX: _Meaning = (PayloadError, "compare the request with the source's manual")
_OTHER_5XX: _Meaning = (SourceUnreachable, "wait for the source to recover")
_MEANINGS: dict[int, _Meaning] = {
    401: (Unauthorised, "renew the credentials of this source"),
    403: _BLOCKED,
    408: (SourceTimeout, "wait for the source to recover"),
    425: _OTHER_5XX,
    429: (RateLimited, "lower kind_budgets in the market file if it lasts"),
    451: _BLOCKED,
}
_REDIRECTED = (
    " redirecting to {0.netloc}{0.path}: a retry does not help; redirects are not followed, so that no credentials "
    "travel; correct the source's address"
)
CONTENT_TYPES: dict[str, tuple[str, ...]] = {
    "json": ("json", "javascript", "text/", "octet-stream"),
    "html": ("html", "xml", "text/plain"),
    "csv": ("csv", "excel", "text/", "octet-stream", "binary"),
    "text": ("text/", "json", "javascript", "octet-stream"),
}


def status_error(
    request: Request, status: int, body: bytes, *, headers: Mapping[str, str], now: datetime
) -> MarketPipelineError | None:
    """Return what an HTTP status other than 2xx means, and None for 2xx. `now` dates a Retry-After that is a date."""
    if 200 <= status < 300:
        return None
    saw = f"asked {described(request)} and saw HTTP {status} {excerpt(request, body)}"
    if 300 <= status < 400:
        return PayloadError(f"{saw}{_REDIRECTED.format(urlsplit(headers.get('Location', '')))}")
    wait = retry_after_seconds(headers.get("Retry-After"), now)
    kind, advice = _MEANINGS.get(status, _OTHER_5XX if status >= 500 else _OTHER_4XX)
    if issubclass(kind, Transient):
        after = "" if wait is None else f" after {wait:.0f} s"
        return kind(f"{saw}: a retry may help{after}; {advice}", retry_after_seconds=wait)
    return kind(f"{saw}: a retry does not help; {advice}")


def body_error(request: Request, body: bytes, content_type: str) -> MarketPipelineError | None:
    """Return why a 2xx body is not worth parsing, None when it is.

    HTML where something else is due is Blocked: a guard's page, a maintenance notice or a login form.
    """
    saw = f"asked {described(request)} and saw {content_type or 'no content type'}"
    if len(body) < request.min_bytes:
        return PayloadError(
            f"{saw} with {len(body)} bytes, at least {request.min_bytes} are due: a retry may help later"
        )
    if request.expects != "html" and body.lstrip()[:1] == b"<":
        return Blocked(
            f"{saw} with markup where {request.expects} is due {excerpt(request, body)}: a retry does not help"
        )
    if content_type and not any(part in content_type.lower() for part in CONTENT_TYPES[request.expects]):
        return PayloadError(f"{saw} where {request.expects} is due: a retry does not help; look at the source's page")
    return _encoding_error(saw, body, content_type)


def _encoding_error(saw: str, body: bytes, content_type: str) -> MarketPipelineError | None:
    charset = declared_charset(content_type)
    try:
        body.decode(charset)
    except (UnicodeDecodeError, LookupError) as error:
        return PayloadError(
            f"{saw}, but the body is not {charset} ({type(error).__name__}): a retry does not help; "
            "look at the kept payload"
        )
    return None


def declared_charset(content_type: str) -> str:
    """Return the character set that a Content-Type names, utf-8 where it names none."""
    for part in content_type.split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset" and value:
            return value.strip("\"' ")
    return "utf-8"


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (a number or an HTTP date), None when it says nothing."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def described(request: Request) -> str:
    """Return the request for a message: never its query, which may hold a token."""
    parts = urlsplit(request.url)
    return f"{request.source} for {request.kind.value} ({request.method} {parts.netloc}{parts.path})"


def excerpt(request: Request, body: bytes) -> str:
    """Return the first characters of a body for a message, without the values of the request's own headers."""
    text = " ".join(body[:1000].decode("utf-8", "replace").split())
    for value in request.headers.values():
        if len(value) > 3:
            text = text.replace(value, "***")
    return f"({text[:EXCERPT]!r})" if text else "(no body)"
