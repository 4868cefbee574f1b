"""Makes messages from alerts that begin, last or end, from what quiet hours held back, and for signs of life."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from market_pipeline.alerts.alert import Alert
from market_pipeline.alerts.message import Message, MessageKind, Origin, subject
from market_pipeline.alerts.severity import Severity, worst
from market_pipeline.alerts.telling import Telling

LONGEST_NAME = 180
"""Names travel in a mail's header."""
EVERYWHERE = "all markets"


def told_message(telling: Telling, *, at: datetime, origin: Origin) -> Message:
    """Word what is to be told of a group of alerts: one message, however many conditions and markets it is about."""
    alerts, is_over = telling.alerts, telling.kind is MessageKind.RECOVERED
    moment = min(at, max((alert.ended for alert in alerts if alert.ended), default=at)) if is_over else at
    is_escalated = telling.kind is MessageKind.ESCALATED or any(alert.escalated for alert in alerts)
    markets = tuple(dict.fromkeys(alert.market for alert in alerts))
    return Message(
        name=_name(telling.kind, alerts, at=at),
        kind=telling.kind,
        market=", ".join(markets),
        title=_together((alert.title for alert in alerts), "; "),
        at=moment,
        since=min(moment, *(alert.since for alert in alerts)),
        evidence="" if is_over else _evidence(alerts, len(markets) > 1),
        what_to_do="" if is_over else _together((alert.what_to_do for alert in alerts), "\n"),
        origin=origin,
        severity=Severity.CRITICAL if is_escalated else worst(alert.severity for alert in alerts),
        is_escalated=is_escalated,
        markets=markets,
        run_id="" if is_over else next((alert.run_id for alert in alerts if alert.run_id), ""),
    )


def summary_message(held: Sequence[Message], still_on: Iterable[str], *, at: datetime, origin: Origin) -> Message:
    """Word what quiet hours held back, oldest first, and which of it is still on."""
    markets = tuple(dict.fromkeys(market for message in held for market in message.markets))
    lines = [f"{message.at:%Y-%m-%d %H:%M} {_without_mark(subject(message))}" for message in held]
    on = list(still_on)
    messages = "one message" if len(held) == 1 else f"{len(held)} messages"
    return Message(
        name=f"summary.{'+'.join(markets)}.{at:%Y%m%dT%H%M%S}"[:LONGEST_NAME],
        kind=MessageKind.SUMMARY,
        market=", ".join(markets),
        title=f"{messages} held back in quiet hours, {len(on)} still on",
        at=at,
        since=min(at, *(message.at for message in held)),
        evidence="\n".join([*lines, *(f"still on: {one}" for one in on)]),
        what_to_do="see what is still on; market-pipeline alert list shows it" if on else "nothing: all of it is over",
        origin=origin,
        markets=markets,
    )


def heartbeat_message(evidence: str, *, at: datetime, origin: Origin) -> Message:
    """Word a sign of life."""
    return Message(
        name=f"heartbeat.all.alerts.{at:%Y%m%dT%H%M%S}",
        kind=MessageKind.HEARTBEAT,
        market=EVERYWHERE,
        title="alerts are working",
        at=at,
        since=at,
        evidence=evidence,
        what_to_do="nothing; if this message stays away, the notifier is broken",
        origin=origin,
    )


def trial_message(*, at: datetime, origin: Origin) -> Message:
    """Word a message by which somebody finds out whether a channel works."""
    return Message(
        name=f"test.all.alerts.{at:%Y%m%dT%H%M%S%f}",
        kind=MessageKind.TEST,
        market=EVERYWHERE,
        title="this is what an alert looks like here",
        at=at,
        since=at,
        evidence="somebody ran `market-pipeline alert test`",
        what_to_do="nothing",
        origin=origin,
    )


def _name(kind: MessageKind, alerts: Sequence[Alert], *, at: datetime) -> str:
    keys = "+".join(dict.fromkeys(alert.key for alert in alerts))
    about = f"{alerts[0].cause or alerts[0].market}.{keys}"
    if len(about) > LONGEST_NAME - 60:
        about = f"{about[:60]}.{hashlib.sha256(about.encode()).hexdigest()[:16]}"
    return re.sub(r"[^A-Za-z0-9._+-]", "-", f"{kind.value}.{about}.{at:%Y%m%dT%H%M%S}")


def _evidence(alerts: Sequence[Alert], in_several_markets: bool, /) -> str:
    titles = len({alert.title for alert in alerts})
    lines = []
    for alert in alerts:
        where = f"{alert.market}: " if in_several_markets else ""
        what = f"{alert.title}: " if titles > 1 else ""
        lines.append(f"{where}{what}{alert.evidence}" if alert.evidence else "")
    return _together(lines, "\n")


def _together(parts: Iterable[str], between: str) -> str:
    return between.join(dict.fromkeys(part for part in parts if part))


def _without_mark(line: str) -> str:
    return line.removeprefix("[SIMULATED] ")
