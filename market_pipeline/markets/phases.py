"""From the dated rules of a market file to the phases of one date, in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from market_pipeline.markets.published_calendar import DayHours
from market_pipeline.markets.schema import NEXT_MIDNIGHT, PhaseRule
from market_pipeline.model.session import Phase, Session, SessionState

CONTINUOUS = "continuous"
SPECIAL_SESSION = "special_session"
CLOSED = "closed"
TRADING = (SessionState.OPEN, SessionState.AUCTION)


def local_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return a local time of day on `day` in UTC."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def local_end(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return a local end in UTC; 00:00 is the midnight after `day`."""
    return local_moment(day + timedelta(days=1) if at == NEXT_MIDNIGHT else day, at, zone)


def phases_on(
    rules: Iterable[PhaseRule], day: date, *, hours: DayHours, usual_close: datetime, zone: ZoneInfo
) -> tuple[Phase, ...]:
    """Return the phases of `day` in time order; a market without rules trades continuously from open to close.

    On a half day, trading ends at the early close, and what usually follows the close follows the early one.
    """
    valid = [rule for rule in rules if rule.holds_on(day, hours.season)]
    if not valid:
        return whole_session(CONTINUOUS, hours)
    phases = [
        Phase(
            rule.name,
            rule.state,
            local_moment(day, rule.start, zone),
            local_end(day, rule.end, zone),
            rule.group,
        )
        for rule in valid
    ]
    if hours.is_half_day:
        phases = list(_on_half_day(phases, hours.close, usual_close))
    return tuple(sorted(phases, key=lambda phase: (phase.start, phase.group is not None)))


def _on_half_day(phases: Iterable[Phase], close: datetime, usual_close: datetime) -> Iterator[Phase]:
    earlier = usual_close - close
    for phase in phases:
        if phase.start >= usual_close:
            yield replace(phase, start=phase.start - earlier, end=phase.end - earlier)
        elif phase.start < close:
            yield replace(phase, end=min(phase.end, close))


def whole_session(name: str, hours: DayHours, group: str | None = None) -> tuple[Phase, ...]:
    """Return one open phase from open to close, or two with a pause between them."""
    pauses, resumes = hours.pause or (hours.close, hours.close)
    edges = ((hours.open, pauses), (resumes, hours.close))
    return tuple(Phase(name, SessionState.OPEN, start, end, group) for start, end in edges if start < end)


def no_session(hours: DayHours, group: str) -> tuple[Phase, ...]:
    """Return one closed phase: the group's own exchange has no session while the market has one."""
    return (Phase(CLOSED, SessionState.CLOSED, hours.open, hours.close, group),)


def phases_of(session: Session, group: str | None = None) -> tuple[Phase, ...]:
    """Return the phases that an instrument group follows: its own where it has some that day, else the general ones."""
    own = tuple(phase for phase in session.phases if phase.group == group)
    return own or tuple(phase for phase in session.phases if phase.group is None)


def phase_at(session: Session, at: datetime) -> Phase | None:
    """Return the phase at a moment: one in which somebody trades before others, a general one before a group's."""
    now = [phase for phase in session.phases if phase.start <= at < phase.end]
    return min(now, key=lambda phase: (phase.state not in TRADING, phase.group is not None), default=None)


def open_stretches(session: Session, group: str | None = None) -> list[tuple[datetime, datetime]]:
    """Return the stretches of continuous trading of a group, within [open, close)."""
    stretches = [
        (max(phase.start, session.open), min(phase.end, session.close))
        for phase in phases_of(session, group)
        if phase.state is SessionState.OPEN
    ]
    return [(start, end) for start, end in stretches if start < end]
