"""Make a report of the figures of its sessions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from market_pipeline.model.gap import ACTIVE, QUIET, GapState
from market_pipeline.reports.figures import Asked, SessionFigures, Spread, StepFigures, TierCycle, percentile, together
from market_pipeline.reports.rankings import budgets, level, movers, unreliable
from market_pipeline.reports.report import (
    Ages,
    CycleTimes,
    ErrorRate,
    GapCount,
    Heading,
    Percentiles,
    Report,
    StepTimes,
    TableSize,
    TierCoverage,
    Uptime,
)

FIRST_TIER = 1
SLOWEST = 5


def compose(
    heading: Heading, sessions: Sequence[SessionFigures], *, storage: Sequence[TableSize] | None = None
) -> Report:
    """Make the report of some sessions, oldest first."""
    open_cycles = tuple(cycle for one in sessions for cycle in _while_open(one))
    return Report(
        heading=heading,
        sessions=tuple(one.session_date for one in sessions),
        hours=tuple(part for one in sessions for part in one.stretches),
        uptime=tuple(uptime(one) for one in sessions if one.cycles is not None) or None,
        coverage=_coverage(open_cycles),
        cycles=open_cycles,
        ages=_ages(sessions),
        errors=_errors([one.asked for one in sessions if one.asked is not None]),
        gaps=_gaps(sessions),
        cycle_times=_cycle_times(open_cycles),
        movers=movers(sessions),
        unreliable=unreliable(sessions),
        budgets=budgets([one.budgets for one in sessions if one.budgets is not None]),
        storage=tuple(storage) if storage is not None else None,
        steps=_steps([one.steps for one in sessions if one.steps is not None]),
        level=level([one.level for one in sessions if one.level is not None]),
    )


def uptime(session: SessionFigures) -> Uptime:
    """Return how much of the open hours was served. A cycle of the first tier counts in the minute it began in."""
    minutes = [m for start, end in session.stretches for m in _minutes(start, end)]
    of_first = [cycle for cycle in session.cycles or () if cycle.tier == _first_tier(session)]
    ran = {cycle.minute for cycle in of_first}
    up = {cycle.minute for cycle in of_first if cycle.fresh > 0}
    return Uptime(
        session_date=session.session_date,
        open_minutes=len(minutes),
        cycle_minutes=sum(m in ran for m in minutes),
        up_minutes=sum(m in up for m in minutes),
        first_cycle=min((m for m in minutes if m in ran), default=None),
        last_cycle=max((m for m in minutes if m in ran), default=None),
        down=tuple(sorted(_runs([m for m in minutes if m not in up]), key=lambda run: -run[1])[:SLOWEST]),
    )


def percentiles(counted: Spread) -> Percentiles | None:
    """Return the percentiles of a spread; None of none."""
    p50, p90, p99 = (percentile(counted, percent) for percent in (50, 90, 99))
    if p50 is None or p90 is None or p99 is None:
        return None
    return Percentiles(sum(counted.values()), p50, p90, p99, max(counted))


def _first_tier(session: SessionFigures) -> int:
    return min((cycle.tier for cycle in session.cycles or ()), default=FIRST_TIER)


def _minutes(start: datetime, end: datetime) -> Iterable[datetime]:
    count = int((end - start) / timedelta(minutes=1))
    return (start + timedelta(minutes=n) for n in range(count))


def _runs(minutes: Sequence[datetime]) -> list[tuple[datetime, int]]:
    """Return first minute and length of each run of minutes that follow one another."""
    runs: list[tuple[datetime, int]] = []
    for minute in minutes:
        if runs and minute == runs[-1][0] + timedelta(minutes=runs[-1][1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((minute, 1))
    return runs


def _while_open(session: SessionFigures) -> Iterable[TierCycle]:
    return (c for c in session.cycles or () if any(start <= c.minute < end for start, end in session.stretches))


def _coverage(cycles: Sequence[TierCycle]) -> tuple[TierCoverage, ...] | None:
    of_tier: dict[int, list[TierCycle]] = defaultdict(list)
    for cycle in cycles:
        if cycle.listed:
            of_tier[cycle.tier].append(cycle)
    return tuple(_tier_coverage(tier, of_tier[tier]) for tier in sorted(of_tier)) or None


def _tier_coverage(tier: int, cycles: Sequence[TierCycle]) -> TierCoverage:
    worst = min(cycles, key=lambda cycle: cycle.fresh / cycle.listed)
    reasons: Counter[str] = Counter()
    for cycle in cycles:
        reasons.update(cycle.reasons)
    return TierCoverage(
        tier=tier,
        listed=cycles[-1].listed,
        cycles=len(cycles),
        mean_share=sum(cycle.fresh / cycle.listed for cycle in cycles) / len(cycles),
        worst_share=worst.fresh / worst.listed,
        worst_minute=worst.minute,
        reasons=dict(reasons.most_common()),
    )


def _ages(sessions: Sequence[SessionFigures]) -> Ages | None:
    found = [one.ages for one in sessions if one.ages is not None]
    if not found:
        return None
    points = tuple(point for one in found for point in one.points)
    return Ages(percentiles(together(one.spread for one in found)), sum(one.without_price for one in found), points)


def _errors(asked: Sequence[Sequence[Asked]]) -> tuple[ErrorRate, ...] | None:
    of_key: dict[tuple[str, str], list[Asked]] = defaultdict(list)
    for one in (one for session in asked for one in session):
        of_key[one.source, one.kind].append(one)
    return tuple(_error_rate(key, of_key[key]) for key in sorted(of_key)) or None


def _error_rate(key: tuple[str, str], found: Sequence[Asked]) -> ErrorRate:
    failed: Counter[str] = Counter()
    for one in found:
        failed.update(one.failed_by_status)
    answered, count = sum(one.answered for one in found), failed.total()
    return ErrorRate(
        source=key[0],
        kind=key[1],
        answered=answered,
        failed=count,
        other=sum(one.other for one in found),
        rate=count / (answered + count) if answered + count else None,
        failed_by_status=dict(failed.most_common()),
        latency_ms=percentiles(together(one.latencies for one in found)),
    )


def _gaps(sessions: Sequence[SessionFigures]) -> tuple[GapCount, ...] | None:
    looked = [one.gaps for one in sessions if one.gaps is not None]
    if not looked:
        return None
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for gap in (gap for session in looked for gap in session):
        state = "open" if gap.state in ACTIVE else gap.state
        counts[gap.cause].update({"gaps": gap.gaps, "minutes": gap.minutes, state: gap.gaps})
    return tuple(
        GapCount(
            cause=cause,
            gaps=counts[cause]["gaps"],
            minutes=counts[cause]["minutes"],
            healed=counts[cause][GapState.HEALED],
            open=counts[cause]["open"],
            unhealable=counts[cause][GapState.UNHEALABLE],
            is_quiet=cause in QUIET,
        )
        for cause in sorted(counts, key=lambda cause: (cause in QUIET, -counts[cause]["minutes"], cause))
    )


def _steps(sessions: Sequence[Sequence[StepFigures]]) -> tuple[StepTimes, ...] | None:
    of_step: dict[tuple[str, str | None], list[Spread]] = defaultdict(list)
    for one in (one for session in sessions for one in session):
        of_step[one.step, one.source].append(one.milliseconds)
    timed = ((key, percentiles(together(spreads))) for key, spreads in of_step.items())
    return tuple(StepTimes(*key, found) for key, found in timed if found is not None) or None


def _cycle_times(cycles: Sequence[TierCycle]) -> CycleTimes | None:
    seconds: dict[datetime, float] = {}
    for cycle in cycles:
        if cycle.seconds is not None:
            seconds[cycle.minute] = max(cycle.seconds, seconds.get(cycle.minute, 0.0))
    found = percentiles(Counter(round(value, 1) for value in seconds.values()))
    if found is None:
        return None
    slowest = sorted(seconds.items(), key=lambda item: (-item[1], item[0]))[:SLOWEST]
    return CycleTimes(found, tuple(slowest))
