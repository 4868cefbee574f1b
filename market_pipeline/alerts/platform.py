"""What can be wrong with the machinery itself: Dagster's daemon, the health sensor, our processes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from market_pipeline.alerts.conditions import Condition, Verdict
from market_pipeline.alerts.message import PLATFORM, duration
from market_pipeline.alerts.severity import Severity

SILENT_AFTER = timedelta(minutes=2)
UNSEEN_AFTER = timedelta(minutes=4)
"""The health sensor looks each minute, and may be slow once."""
CLEAR_WITHIN = timedelta(seconds=90)
FROZEN_AFTER = timedelta(seconds=90)
"""Run monitoring has a frozen cycle killed within 80 s by itself."""
RECENT = timedelta(minutes=5)
OFTEN, OFTEN_WITHIN = 3, timedelta(minutes=10)
CAUSE = "dagster"


class PlatformKey(StrEnum):
    """What can be wrong with the machinery."""

    DAEMON_SILENT = "daemon_silent"
    HEALTH_SILENT = "health_silent"
    PART_ENDED = "part_ended"
    LOCK_FROZEN = "lock_frozen"


@dataclass(frozen=True)
class Part:
    """A process that a supervisor keeps: its number while it runs, and when it ended by itself, newest last."""

    name: str
    pid: int | None
    ends: Sequence[datetime] = ()
    ended_by: str = ""
    last_words: str = ""


@dataclass(frozen=True)
class FrozenHolder:
    """A process that is stopped and holds a market's lock, and since when we see that."""

    market: str
    pid: int
    since: datetime


@dataclass(frozen=True)
class PlatformSituation:
    """What the watchdog saw, in the machine's time. `shift` leads to the feed's.

    None: not seen. Nobody counts as silent for longer than the watchdog has looked.
    """

    at: datetime
    watched_since: datetime
    shift: timedelta
    is_any_open: bool
    newest_tick: datetime | None
    newest_look: datetime | None
    heartbeats: Mapping[str, datetime] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    frozen: Sequence[FrozenHolder] = ()

    def silence_since(self, moment: datetime | None) -> datetime:
        """Return since when there was silence: since `moment`, or since we look."""
        return self.watched_since if moment is None else max(moment, self.watched_since)


def platform_verdict(situation: PlatformSituation) -> Verdict:
    """Judge the machinery. Where no market is open, silence is not called out, but its end is."""
    found = {
        PlatformKey.DAEMON_SILENT: _daemon_silent(situation),
        PlatformKey.HEALTH_SILENT: _health_silent(situation),
        PlatformKey.LOCK_FROZEN: _lock_frozen(situation),
    }
    holding = [entry for entry in found.values() if isinstance(entry, Condition)]
    ended = [entry for part in situation.parts if (entry := _part_ended(part, situation))]
    return Verdict(PLATFORM, (*holding, *ended), frozenset(key for key, entry in found.items() if entry is False))


_Judged = Condition | bool
"""True: in order. False: cannot be judged now."""


def _daemon_silent(situation: PlatformSituation) -> _Judged:
    since = situation.silence_since(situation.newest_tick)
    beats = ", ".join(f"{name} {moment:%H:%M:%S}" for name, moment in sorted(situation.heartbeats.items()))
    last = f"{situation.newest_tick:%Y-%m-%d %H:%M} machine time" if situation.newest_tick else "none was seen"
    condition = Condition(
        PlatformKey.DAEMON_SILENT,
        PLATFORM,
        "Dagster's daemon is silent",
        since + situation.shift,
        f"no schedule ticked for {duration(situation.at - since)} (last: {last}; limit "
        f"{duration(SILENT_AFTER)}); heartbeats: {beats or 'none'}",
        "`market-pipeline up` restarts it by itself; elsewhere restart the daemon's unit; daemon.log says why",
        Severity.CRITICAL,
        CAUSE,
    )
    return _silence(situation, situation.newest_tick, SILENT_AFTER, condition=condition)


def _health_silent(situation: PlatformSituation) -> _Judged:
    since = situation.silence_since(situation.newest_look)
    condition = Condition(
        PlatformKey.HEALTH_SILENT,
        PLATFORM,
        "nobody looks at the markets' health",
        since + situation.shift,
        f"the health sensor has not looked for {duration(situation.at - since)} (limit {duration(UNSEEN_AFTER)})",
        "is the sensor `health` on, and does the code server answer? code_server.log and the sensor's ticks say why",
        Severity.CRITICAL,
        CAUSE,
    )
    return _silence(situation, situation.newest_look, UNSEEN_AFTER, condition=condition)


def _silence(situation: PlatformSituation, seen: datetime | None, limit: timedelta, *, condition: Condition) -> _Judged:
    """Judge a silence since `seen`. A watchdog that has just begun to look ends no alert by that."""
    if situation.at - situation.silence_since(seen) > limit:
        return condition if situation.is_any_open else False
    return seen is not None and situation.at - seen <= CLEAR_WITHIN


def _part_ended(part: Part, situation: PlatformSituation) -> Condition | None:
    """Judge one part, under a key of its own: that another one ends as well is news."""
    is_recent = bool(part.ends) and situation.at - part.ends[-1] < RECENT
    if not is_recent and part.pid is not None:
        return None
    is_often = len([end for end in part.ends if situation.at - end < OFTEN_WITHIN]) >= OFTEN
    what = (
        "keeps ending"
        if is_often
        else "ended and is started again"
        if part.pid is None
        else "ended and was started again"
    )
    return Condition(
        f"{PlatformKey.PART_ENDED}.{part.name}",
        PLATFORM,
        f"{part.name} {what}",
        max(part.ends, default=situation.at) + situation.shift,
        f"{part.name} ended by {part.ended_by}; its last words: {part.last_words}",
        f"nothing if it stays up; else {part.name}.log in the feed's logs folder says why it ends",
        Severity.CRITICAL if is_often else Severity.WARNING,
    )


def _lock_frozen(situation: PlatformSituation) -> _Judged:
    frozen = overdue(situation)
    if not frozen:
        return not situation.frozen
    markets = ", ".join(holder.market for holder in frozen)
    return Condition(
        PlatformKey.LOCK_FROZEN,
        PLATFORM,
        f"a stopped process keeps {markets} from being written",
        min(holder.since for holder in frozen) + situation.shift,
        "\n".join(f"process {holder.pid} holds the lock of {holder.market} and is stopped" for holder in frozen),
        "a run of Dagster is killed by itself; any other: continue it (kill -CONT) or end it (kill -KILL)",
        Severity.CRITICAL,
    )


def overdue(situation: PlatformSituation) -> list[FrozenHolder]:
    """Return the stopped holders that nobody has ended in time."""
    return [holder for holder in situation.frozen if situation.at - holder.since >= FROZEN_AFTER]
