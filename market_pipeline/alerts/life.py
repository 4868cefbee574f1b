"""The life of alerts: each fires once, is remembered over restarts, and ends with a message; channels may be down.

A process that dies between a delivery and its note sends that message again (mail: with the same Message-ID): told
twice is better than never told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from filelock import FileLock, Timeout

from market_pipeline.alerts.channel import Channel
from market_pipeline.alerts.compose import alert_message, heartbeat_message, recovery_message
from market_pipeline.alerts.conditions import Condition, Verdict
from market_pipeline.alerts.ledger import ActiveAlert, ChannelStatus, Ledger, Queued
from market_pipeline.alerts.message import Message, Origin
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


class AlertLife:
    """Remembers which alerts are on and what is still to be told."""

    def __init__(self, path: Path, *, channels: Sequence[Channel], clock: Clock, origin: Origin) -> None:
        self._channels = tuple(channels)
        self._clock = clock
        self._origin = origin
        self._ledger = Ledger(path)
        self._turn = FileLock(path.with_name(f"{path.name}.lock"))

    def update(self, verdict: Verdict) -> tuple[Message, ...]:
        """Queue what is new in this market, and return it: one alert for what began, one recovery for what ended.

        What is undecided neither begins nor ends. Raises StorageError when the state cannot be read or written.
        """
        now = self._clock.now()
        with self._ledger.change() as change:
            active = {alert.key: alert for alert in change.active(verdict.market)}
            settled = {str(key) for key in (*verdict.undecided, *(c.key for c in verdict.holding))}
            begun = [condition for condition in verdict.holding if condition.key not in active]
            ended = [alert for key, alert in active.items() if key not in settled]
            for condition in begun:
                change.begin(_remembered(condition))
            for alert in ended:
                change.end(alert)
            messages = (
                *([alert_message(begun, at=now, origin=self._origin)] if begun else []),
                *([recovery_message(ended, at=now, origin=self._origin)] if ended else []),
            )
            for message in messages:
                change.queue(message, self._names())
        return messages

    def heartbeat(self, evidence: str, *, every: timedelta) -> Message | None:
        """Queue a sign of life when the last is at least `every` old: its absence shows a broken notifier."""
        now = self._clock.now()
        with self._ledger.change() as change:
            last = change.last_heartbeat()
            if last is not None and now - last < every:
                return None
            message = heartbeat_message(evidence, at=now, origin=self._origin)
            change.note_heartbeat(now)
            change.queue(message, self._names())
        return message

    def deliver(self) -> tuple[Delivery, ...]:
        """Send each channel its queue in order, up to its first failure; one channel's failure stops no other.

        Returns nothing while another process delivers. A channel's failure is in the result and in the log, not
        raised; StorageError is.
        """
        try:
            with self._turn.acquire(timeout=0):
                return tuple(self._deliver_to(channel) for channel in self._channels)
        except Timeout:
            return ()

    def status(self) -> tuple[ChannelStatus, ...]:
        """Return each channel's queue and last success: a broken notifier shows here."""
        return tuple(self._ledger.status(name) for name in self._names())

    def active(self, market: str) -> tuple[ActiveAlert, ...]:
        """Return the alerts that are on in `market`, oldest first."""
        with self._ledger.change() as change:
            return change.active(market)

    def _names(self) -> list[str]:
        return [channel.name for channel in self._channels]

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


def _remembered(condition: Condition) -> ActiveAlert:
    return ActiveAlert(condition.market, condition.key.value, condition.title, condition.since)
