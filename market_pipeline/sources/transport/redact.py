"""Takes out of a payload what is not for others: tokens, cookies, crumbs, client ids, and the keys that we sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

REDACTED = "REDACTED"
_NAMES = (
    r"(?:token|cookie|crumb|csrf|xsrf|secret|passw|session_?-?id|api_?-?key|authori[sz]ation|client_?-?id|jwt|nonce"
    r"|signature|fingerprint)"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_ATTRIBUTE = re.compile(rf"""(["'][^"'<>]*{_NAMES}[^"'<>]*["'][^<>]*?(?:value|content)\s*=\s*)(["'])[^"']*\2""", re.I)
_ASSIGNED = re.compile(rf"""(\b[\w.-]*{_NAMES}[\w.-]*["']?\s*[:=]\s*)(["'])[^"']*\2""", re.IGNORECASE)
_IN_ADDRESS = re.compile(rf"""([?&;][\w.-]*{_NAMES}[\w.-]*=)[^&;"'\s<>]+""", re.IGNORECASE)


def redacted(body: bytes, secrets: Iterable[str] = ()) -> bytes:
    """Return the payload without its secrets and without `secrets`, otherwise as it came; JSON stays JSON."""
    text = body.decode("utf-8", errors="replace")
    try:
        text = json.dumps(_without(json.loads(text)), ensure_ascii=False)
    except ValueError:
        text = _ATTRIBUTE.sub(rf"\1\2{REDACTED}\2", text)
        text = _ASSIGNED.sub(rf"\1\2{REDACTED}\2", text)
    text = _IN_ADDRESS.sub(rf"\1{REDACTED}", text)
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    return text.encode()


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: REDACTED if _is_secret(key, entry) else _without(entry) for key, entry in value.items()}
    return [_without(entry) for entry in value] if isinstance(value, list) else value


def _is_secret(key: str, entry: Any) -> bool:
    return bool(_SECRET_NAME.search(key)) and isinstance(entry, str | int | list) and not isinstance(entry, bool)
