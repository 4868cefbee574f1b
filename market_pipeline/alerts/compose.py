"""Makes messages from what began, what ended, and from the wish for a sign of life."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from market_pipeline.alerts.conditions import Condition
from market_pipeline.alerts.ledger import ActiveAlert
from market_pipeline.alerts.message import Message, MessageKind, Origin


def _name(kind: MessageKind, market: str, key: str, *, at: datetime) -> str:
    return f"{kind.value}.{market}.{key}.{at:%Y%m%dT%H%M%S}"


def _together(parts: Iterable[str], between: str) -> str:
    return between.join(dict.fromkeys(part for part in parts if part))


def alert_message(begun: Sequence[Condition], *, at: datetime, origin: Origin) -> Message:
    """Word what began in one market in one look: one message, however many conditions an outage sets off."""
    several, market = len(begun) > 1, begun[0].market
    return Message(
        name=_name(MessageKind.ALERT, market, "+".join(one.key for one in begun), at=at),
        kind=MessageKind.ALERT,
        market=market,
        title=_together((one.title for one in begun), "; "),
        at=at,
        since=min(at, *(one.since for one in begun)),
        evidence=_together((f"{one.title}: {one.evidence}" if several else one.evidence for one in begun), "\n"),
        what_to_do=_together((one.what_to_do for one in begun), "\n"),
        origin=origin,
    )


def recovery_message(ended: Sequence[ActiveAlert], *, at: datetime, origin: Origin) -> Message:
    """Word what ended in one market in one look, with how long the oldest of it lasted."""
    market = ended[0].market
    return Message(
        name=_name(MessageKind.RECOVERED, market, "+".join(one.key for one in ended), at=at),
        kind=MessageKind.RECOVERED,
        market=market,
        title=_together((one.title for one in ended), "; "),
        at=at,
        since=min(at, *(one.since for one in ended)),
        evidence="",
        what_to_do="",
        origin=origin,
    )


def heartbeat_message(evidence: str, *, at: datetime, origin: Origin) -> Message:
    """Word a sign of life."""
    return Message(
        name=_name(MessageKind.HEARTBEAT, "all", "alerts", at=at),
        kind=MessageKind.HEARTBEAT,
        market="all markets",
        title="alerts are working",
        at=at,
        since=at,
        evidence=evidence,
        what_to_do="nothing; if this message stays away, the notifier is broken",
        origin=origin,
    )
