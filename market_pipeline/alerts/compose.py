"""Makes messages from what began, what ended, and from the wish for a sign of life."""

from __future__ import annotations

from datetime import datetime

from market_pipeline.alerts.conditions import Condition
from market_pipeline.alerts.ledger import ActiveAlert
from market_pipeline.alerts.message import Message, MessageKind, Origin


def _name(kind: MessageKind, market: str, key: str, *, at: datetime) -> str:
    return f"{kind.value}.{market}.{key}.{at:%Y%m%dT%H%M%S}"


def alert_message(condition: Condition, *, at: datetime, origin: Origin) -> Message:
    """Word what began."""
    return Message(
        name=_name(MessageKind.ALERT, condition.market, condition.key, at=at),
        kind=MessageKind.ALERT,
        market=condition.market,
        title=condition.title,
        at=at,
        since=min(condition.since, at),
        evidence=condition.evidence,
        what_to_do=condition.what_to_do,
        origin=origin,
    )


def recovery_message(alert: ActiveAlert, *, at: datetime, origin: Origin) -> Message:
    """Word what ended, with how long it lasted."""
    return Message(
        name=_name(MessageKind.RECOVERED, alert.market, alert.key, at=at),
        kind=MessageKind.RECOVERED,
        market=alert.market,
        title=alert.title,
        at=at,
        since=min(alert.since, at),
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
