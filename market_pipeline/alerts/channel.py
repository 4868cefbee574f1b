"""What a way of telling people must do, and how its failures are worded without giving a secret away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from market_pipeline.alerts.message import Message

TIMEOUT_SECONDS = 8
"""The sensor that sends has a minute for everything."""


class Channel(Protocol):
    """Sends messages one at a time. `name` is stable: the queue of what is undelivered is kept under it."""

    @property
    def name(self) -> str:
        """Return the channel's name."""

    def send(self, message: Message) -> None:
        """Deliver the message. Raise MessageRefused for this message, DeliveryError when the channel does not work."""


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return `text` on one line, shortened, with every secret in it replaced: libraries quote URLs and servers echo."""
    for secret in sorted((s for s in secrets if s), key=len, reverse=True):
        text = text.replace(secret, "***")
    return " ".join(text.split())[:300]
