"""A dead man's switch: an address is asked while alerts get through; whoever watches it calls out when that stops."""

from __future__ import annotations

import ssl
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from urllib.parse import urlsplit

from pydantic import SecretStr

from market_pipeline.alerts.channel import TIMEOUT_SECONDS, without_secrets
from market_pipeline.errors import DeliveryError


@dataclass(frozen=True)
class Heartbeat:
    """Asks the address, which is a secret, as most services put the key into its path."""

    url: SecretStr
    ssl_context: ssl.SSLContext | None = None
    timeout_seconds: float = TIMEOUT_SECONDS

    def beat(self) -> None:
        """Ask once. Raises DeliveryError for anything but an answer of 200 to 299."""
        address = self.url.get_secret_value()
        try:
            if urlsplit(address).scheme not in ("http", "https"):
                raise ValueError("not an address of http or https")
            opened = urllib.request.urlopen(address, timeout=self.timeout_seconds, context=self.ssl_context)  # noqa: S310
            with opened as answer:
                answer.read(1)
        except (OSError, HTTPException, ValueError) as error:
            raise DeliveryError(
                f"asked the address of HEARTBEAT_URL: {self._clean(error)}; it is asked again; if this stays, correct "
                "the address, or see whether its service is up"
            ) from None

    def _clean(self, error: Exception) -> str:
        address = self.url.get_secret_value()
        parts = urlsplit(address)
        secrets = [address, parts.path.strip("/"), parts.path.rpartition("/")[2], parts.query, parts.password or ""]
        return without_secrets(f"{type(error).__name__}: {error}", secrets)
