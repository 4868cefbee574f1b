"""The life of alerts: each fires once, repeats while it lasts, is remembered over restarts, and ends with a message.

What is told goes into each channel's queue within the transaction that notes it; post.py delivers the queues.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from market_pipeline.alerts.alert import EVERY_MARKET, Alert, AlertRecord, Group, Silence
from market_pipeline.alerts.change import Change
from market_pipeline.alerts.channel import Channel
from market_pipeline.alerts.compose import heartbeat_message, summary_message, told_message
from market_pipeline.alerts.conditions import Condition, Verdict
from market_pipeline.alerts.ledger import ChannelStatus, Ledger
from market_pipeline.alerts.message import Message, MessageKind, Origin
from market_pipeline.alerts.policy import Policy
from market_pipeline.alerts.post import Delivery, Post
from market_pipeline.alerts.severity import Severity
from market_pipeline.alerts.telling import Look, Telling, tellings
from market_pipeline.clock import Clock
from market_pipeline.errors import UsageError


class AlertLife:
    """Remembers which alerts are on and what is still to be told."""

    def __init__(
        self, path: Path, *, channels: Sequence[Channel], clock: Clock, origin: Origin, policy: Policy | None = None
    ) -> None:
        self._channels = tuple(channels)
        self._clock = clock
        self._origin = origin
        self._policy = policy or Policy()
        self._ledger = Ledger(path)
        self._post = Post(self._ledger, self._channels, clock=clock, lock=path.with_name(f"{path.name}.lock"))

    def update(self, *verdicts: Verdict) -> tuple[Message, ...]:
        """Queue what is to be told after one look at these markets, and return it.

        What is undecided neither begins nor ends. Verdicts of one look belong in one call: a cause that they share is
        told once. Raises StorageError when the state cannot be read or written.
        """
        now = self._clock.now()
        with self._ledger.change() as change:
            confirmed = frozenset(number for verdict in verdicts for number in _record(change, verdict, now))
            silences = [silence for silence in change.silences() if silence.is_on(now)]
            look = Look(now, confirmed, lambda market: any(s.covers(market, now) for s in silences), self._policy)
            markets = {verdict.market for verdict in verdicts}
            summary, summed_up = self._release_held(change, look)
            told = [
                message
                for group in change.groups(change.unsettled())
                if any(alert.market in markets for alert in group.alerts)
                for message in self._tell(change, group, look=look, summed_up=summed_up)
            ]
            change.forget_settled_groups()
        return (*summary, *told)

    def heartbeat(self, evidence: str, *, every: timedelta) -> Message | None:
        """Queue a sign of life when the last is at least `every` old: its absence shows a broken notifier."""
        now = self._clock.now()
        with self._ledger.change() as change:
            last = change.noted("heartbeat")
            if last is not None and now - last < every:
                return None
            message = heartbeat_message(evidence, at=now, origin=self._origin)
            change.note("heartbeat", now)
            change.queue(message, self._names())
        return message

    def is_time_to_beat(self, *, every: timedelta) -> bool:
        """Tell whether the dead man's switch was last asked `every` ago, by whichever process; if so, note that."""
        now = self._clock.now()
        with self._ledger.change() as change:
            last = change.noted("beat")
            if last is not None and timedelta() <= now - last < every:
                return False
            change.note("beat", now)
        return True

    def deliver(self) -> tuple[Delivery, ...]:
        """Send each channel its queue in order, up to its first failure; one channel's failure stops no other.

        Returns nothing while another process delivers. A channel's failure is in the result and in the log, not
        raised; StorageError is.
        """
        return self._post.deliver()

    def status(self) -> tuple[ChannelStatus, ...]:
        """Return each channel's queue and last success: a broken notifier shows here."""
        return tuple(self._ledger.status(name) for name in self._names())

    def active(self, market: str | None = None) -> tuple[Alert, ...]:
        """Return the alerts that are on in `market`, or everywhere, oldest first."""
        with self._ledger.change() as change:
            return tuple(alert for alert in change.unsettled() if alert.is_on and market in (None, alert.market))

    def silence(self, market: str = EVERY_MARKET, *, lasting: timedelta, reason: str) -> Silence:
        """Tell nothing about `market`, or at all, from now on for so long; what happens is recorded all the same."""
        now = self._clock.now()
        with self._ledger.change() as change:
            return change.silence(Silence(0, market, now, now + lasting, reason))

    def silences(self) -> tuple[Silence, ...]:
        """Return the silences that last, oldest first."""
        now = self._clock.now()
        with self._ledger.change() as change:
            return tuple(silence for silence in change.silences() if silence.is_on(now))

    def end_silence(self, number: int) -> Silence:
        """End a silence: what still holds is told at the next look. Raises UsageError when none such lasts."""
        now = self._clock.now()
        with self._ledger.change() as change:
            lasting = {silence.number: silence for silence in change.silences() if silence.is_on(now)}
            if number not in lasting:
                known = ", ".join(map(str, lasting)) or "none"
                raise UsageError(
                    f"wanted to end silence {number}, and those that last are: {known}; a retry does not help; "
                    "market-pipeline silence --list shows them"
                )
            change.end_silence(number, now)
        return replace(lasting[number], ended=now)

    def unpublished(self) -> tuple[AlertRecord, ...]:
        """Return the alerts that the table of alerts does not show as they are now."""
        return self._ledger.unpublished()

    def note_published(self, records: Sequence[AlertRecord]) -> None:
        """Note that the table of alerts shows these."""
        self._ledger.note_published(records)

    def _names(self) -> list[str]:
        return [channel.name for channel in self._channels]

    def _tell(self, change: Change, group: Group, *, look: Look, summed_up: frozenset[int]) -> Iterable[Message]:
        for telling in tellings(group, look):
            message = told_message(telling, at=look.at, origin=self._origin)
            numbers = [alert.number for alert in telling.alerts]
            _note(change, group, telling, look=look)
            is_quiet = message.severity is not Severity.CRITICAL and look.policy.is_quiet(message.markets, look.at)
            if telling.kind is MessageKind.REMINDER and (is_quiet or summed_up.intersection(numbers)):
                continue
            if is_quiet:
                change.hold(message, numbers)
            else:
                change.queue(message, self._names(), numbers)
                yield message

    def _release_held(self, change: Change, look: Look) -> tuple[tuple[Message, ...], frozenset[int]]:
        """Queue one summary of what was held in quiet hours that are over; return it, and which alerts it is about."""
        over = [
            entry
            for entry in change.held()
            if not look.policy.is_quiet(entry[1].markets, look.at)
            and not all(look.is_silenced(market) for market in entry[1].markets)
        ]
        if not over:
            return (), frozenset()
        numbers = frozenset(number for _, _, alerts in over for number in alerts)
        on = [f"{a.market}: {a.title}" for a in change.unsettled() if a.is_on and a.number in numbers]
        summary = summary_message([message for _, message, _ in over], on, at=look.at, origin=self._origin)
        for number, _, _ in over:
            change.release(number)
        change.queue(summary, self._names(), sorted(numbers))
        return (summary,), numbers


def _record(change: Change, verdict: Verdict, now: datetime) -> list[int]:
    """Begin, refresh and end the alerts of one market; return the numbers of those that were seen to hold."""
    on = {alert.key: alert for alert in change.unsettled() if alert.is_on and alert.market == verdict.market}
    holding = {str(condition.key): condition for condition in verdict.holding}
    for key, alert in on.items():
        if key not in holding and key not in verdict.undecided:
            change.update(replace(alert, ended=now))
    return [_seen(change, condition, on.get(key), now=now) for key, condition in holding.items()]


def _seen(change: Change, condition: Condition, alert: Alert | None, *, now: datetime) -> int:
    seen = Alert(
        number=0,
        market=condition.market,
        key=str(condition.key),
        cause=condition.cause,
        title=condition.title,
        severity=condition.severity,
        since=condition.since,
        noticed=now,
        evidence=condition.evidence,
        what_to_do=condition.what_to_do,
        run_id=condition.run_id or "",
    )
    if alert is None:
        return change.begin(seen).number
    # it stays in the group that people know it by, and began when it was first seen to
    latest = replace(
        alert, title=seen.title, severity=seen.severity, evidence=seen.evidence, what_to_do=seen.what_to_do
    )
    if latest != alert:
        change.update(latest)
    return alert.number


def _note(change: Change, group: Group, telling: Telling, *, look: Look) -> None:
    """Note on each alert, and on its group, what is being told."""
    for alert in telling.alerts:
        if telling.kind is MessageKind.RECOVERED:
            change.update(replace(alert, end_told=look.at))
        else:
            escalated = look.at if telling.kind is MessageKind.ESCALATED else alert.escalated
            change.update(replace(alert, told=alert.told or look.at, escalated=escalated))
    if telling.kind is not MessageKind.RECOVERED:
        change.note_told(group, look.at, repeats=look.policy.repeats_due(look.at - (group.told or look.at)))
