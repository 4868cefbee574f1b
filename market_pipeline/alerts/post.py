"""Delivers what is queued, each channel in its own order. A channel may be down; it gets everything once it is back.

A process that dies between a delivery and its note sends that message again (mail: with the same Message-ID): told
twice is better than never told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

from market_pipeline.alerts.channel import Channel
from market_pipeline.alerts.ledger import Ledger, Queued
from market_pipeline.clock import Clock
from market_pipeline.errors import DeliveryError, MessageRefused

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one channel's queue: told and refused now, still queued, and what stopped it (or None)."""

    channel: str
    delivered: int
    refused: int
    queued: int
    error: str | None


class Post:
    """Empties the queues. One process at a time does."""

    def __init__(self, ledger: Ledger, channels: Sequence[Channel], *, clock: Clock, lock: Path) -> None:
        self._ledger = ledger
        self._channels = tuple(channels)
        self._clock = clock
        self._turn = FileLock(lock)

    def deliver(self) -> tuple[Delivery, ...]:
        """Send each channel its queue, up to its first failure; nothing while another process does."""
        try:
            with self._turn.acquire(timeout=0):
                return tuple(self._deliver_to(channel) for channel in self._channels)
        except Timeout:
            return ()

    def _deliver_to(self, channel: Channel) -> Delivery:
        queue = self._ledger.queued(channel.name)
        delivered = refused = 0
        for entry in queue:
            try:
                was_taken = self._send(entry, channel)
            except DeliveryError as error:
                return Delivery(channel.name, delivered, refused, len(queue) - delivered - refused, str(error))
            delivered, refused = delivered + was_taken, refused + (not was_taken)
        return Delivery(channel.name, delivered, refused, 0, None)

    def _send(self, entry: Queued, channel: Channel) -> bool:
        """Send one message and note what became of it: True taken, False refused. DeliveryError leaves it queued."""
        try:
            channel.send(entry.message)
        except MessageRefused as error:
            _log.error("alert_refused", channel=channel.name, name=entry.message.name, error=str(error))
            self._ledger.set_aside(entry.number, str(error))
            return False
        except DeliveryError as error:
            attempts = self._ledger.note_failure(entry.number, channel.name, str(error))
            # somebody must act, but need not be told so each minute
            write = _log.error if attempts == 1 else _log.warning
            write("alert_not_delivered", channel=channel.name, attempts=attempts, error=str(error))
            raise
        self._ledger.note_delivery(entry.number, channel.name, self._clock.now())
        return True
