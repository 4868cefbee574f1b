"""Decides what to tell about a group of alerts now: its beginning, that it lasts, that it escalates, its end. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from market_pipeline.alerts.alert import Alert, Group
from market_pipeline.alerts.message import MessageKind
from market_pipeline.alerts.policy import Policy
from market_pipeline.alerts.severity import is_graver, worst


@dataclass(frozen=True)
class Look:
    """One look at the markets: which alerts were seen to hold in it (by number), and what may be told."""

    at: datetime
    confirmed: frozenset[int]
    is_silenced: Callable[[str], bool]
    policy: Policy


@dataclass(frozen=True, slots=True)
class Telling:
    """A message to be written about these alerts."""

    kind: MessageKind
    alerts: tuple[Alert, ...]


def tellings(group: Group, look: Look) -> Iterator[Telling]:
    """Yield what is to be told now. A silenced market has no say; what was not seen to hold now is left alone.

    A condition that joins a cause that people know of waits for the next repeat, unless it is graver. One that merely
    happens in the same market is told at once.
    """
    heard = [alert for alert in group.alerts if not look.is_silenced(alert.market)]
    known = tuple(alert for alert in heard if alert.is_on and alert.told and alert.number in look.confirmed)
    fresh = tuple(alert for alert in heard if alert.is_on and not alert.told and alert.number in look.confirmed)
    over = tuple(alert for alert in heard if not alert.is_on and alert.told)
    joining = fresh if _is_known_enough(group, fresh, (*known, *over)) else ()
    if fresh and not joining:
        yield Telling(MessageKind.ALERT, fresh)
    if kind := _lasting(group, (*known, *joining), look):
        yield Telling(kind, (*known, *joining))
    if over and not (group.is_shared and any(alert.is_on for alert in group.alerts)):
        yield Telling(MessageKind.RECOVERED, over)


def _is_known_enough(group: Group, fresh: tuple[Alert, ...], told: tuple[Alert, ...]) -> bool:
    """Tell whether people know of the cause of what is new, and think it as grave as it is."""
    if not group.is_shared or not told:
        return False
    return not is_graver(worst(alert.severity for alert in fresh), than=worst(alert.severity for alert in told))


def _lasting(group: Group, lasting: tuple[Alert, ...], look: Look) -> MessageKind | None:
    """Return whether what people know of is to be escalated or repeated now, or neither."""
    told = [alert.told or group.told for alert in lasting]
    first = min((moment for moment in told if moment is not None), default=None)
    if first is None or group.told is None:
        return None
    if not any(alert.escalated for alert in group.alerts) and look.policy.has_to_escalate(look.at - first):
        return MessageKind.ESCALATED
    return MessageKind.REMINDER if look.policy.repeats_due(look.at - group.told) > group.repeats else None
