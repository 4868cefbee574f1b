"""How each part of the health score judges a situation: the share of its points that is lost, with the reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from market_pipeline.quality.freshness import FreshnessLevel
from market_pipeline.quality.situation import Situation


class Part(StrEnum):
    """What the score is made of."""

    RUNNING = "running"
    COMPLIANCE = "compliance"
    ERRORS = "errors"
    FRESHNESS = "freshness"
    PERFORMANCE = "performance"


@dataclass(frozen=True, slots=True)
class Scales:
    """Where each part begins to lose points and where it has lost all; straight lines between."""

    running_minutes: tuple[float, float] = (2, 5)
    error_rate: tuple[float, float] = (0.01, 0.20)
    deadline_share: tuple[float, float] = (0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Loss:
    """The share of a part's weight that is lost (0 to 1), with its reasons."""

    share: float
    cause: str = ""
    evidence: str = ""
    what_to_do: str = ""


Judge = Callable[[Situation, Scales], Loss | None]
"""None means that there is nothing to judge."""


def _along(value: float, scale: tuple[float, float]) -> float:
    begin, end = scale
    return min(max((value - begin) / (end - begin), 0.0), 1.0)


def _running(situation: Situation, scales: Scales) -> Loss | None:
    if not situation.is_open:
        return None
    since = situation.minutes_since_success
    # counted from the opening or our start at most: yesterday's gap is no news this morning
    silent = situation.watched_minutes if since is None else min(since, situation.watched_minutes)
    last = "never" if situation.last_success is None else f"at {situation.last_success:%Y-%m-%d %H:%M} UTC"
    return Loss(
        _along(silent, scales.running_minutes),
        "no cycle brings data",
        f"last cycle that brought a quote: {last}; {silent:.0f} open minutes without one",
        "market-pipeline doctor; look at the newest runs of the minute job and whether its schedule is on",
    )


def _compliance(situation: Situation, _: Scales) -> Loss | None:
    runs = situation.runs
    due = runs.expected + runs.while_closed
    if due == 0:
        return None
    missing = max(runs.expected - runs.started, 0)
    found = {"missing": missing, "overlapping": runs.overlapping, "while the market was closed": runs.while_closed}
    seen = ", ".join(f"{count} {what}" for what, count in found.items() if count)
    return Loss(
        min(sum(found.values()) / due, 1.0),
        "runs do not follow the market's hours",
        f"in the last {situation.window_minutes:.0f} minutes of {runs.expected} due runs: {seen}",
        "look at the schedule's ticks (skip reasons, daemon running) and at runs longer than a minute",
    )


def _errors(situation: Situation, scales: Scales) -> Loss | None:
    runs, requests = situation.runs, situation.requests
    failing_runs = runs.failed / runs.started if runs.started else None
    rates = [rate for rate in (requests.error_rate, failing_runs) if rate is not None]
    if not rates:
        return None
    return Loss(
        _along(max(rates), scales.error_rate),
        "requests or runs fail",
        error_evidence(situation),
        "fetch_outcomes names source, status and reason: market-pipeline doctor tries each source",
    )


def error_evidence(situation: Situation) -> str:
    """Return in words how many requests and runs of the window failed, the most frequent status first."""
    requests, runs = situation.requests, situation.runs
    by_status = sorted(requests.failed_by_status.items(), key=lambda entry: (-entry[1], entry[0]))
    statuses = ", ".join(f"{status} {count}" for status, count in by_status if count)
    text = f"{requests.failed} of {requests.total} requests failed" + (f" ({statuses})" if statuses else "")
    return f"{text}, {runs.failed} of {runs.started} runs failed, in the last {situation.window_minutes:.0f} minutes"


def _freshness(situation: Situation, _: Scales) -> Loss | None:
    fresh = situation.freshness
    if not situation.is_open or fresh.level in (FreshnessLevel.CLOSED, FreshnessLevel.NEVER):
        return None
    warn, fail = fresh.limits.warn_minutes, fresh.limits.fail_minutes
    partly = 0.0 if fresh.age_minutes is None or warn >= fail else _along(fresh.age_minutes, (warn, fail))
    share = {FreshnessLevel.FRESH: 0.0, FreshnessLevel.WARN: min(partly, 0.5)}.get(fresh.level, 1.0)
    return Loss(
        share,
        "data is old",
        fresh.text,
        "compare raw_quotes per source: all old means the venue or our network, one old means that source",
    )


def _performance(situation: Situation, scales: Scales) -> Loss | None:
    cycle = situation.cycle
    if not situation.is_open or cycle.seconds is None:
        return None
    return Loss(
        _along(cycle.seconds / cycle.deadline_seconds, scales.deadline_share),
        "cycles are slow",
        f"the median cycle takes {cycle.seconds:.1f} s of {cycle.deadline_seconds:.0f} s allowed",
        "look at latency_ms in fetch_outcomes and at what else the machine does; raise the cadence of slow sources",
    )


JUDGES: dict[Part, Judge] = {
    Part.RUNNING: _running,
    Part.COMPLIANCE: _compliance,
    Part.ERRORS: _errors,
    Part.FRESHNESS: _freshness,
    Part.PERFORMANCE: _performance,
}
