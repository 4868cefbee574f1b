"""How each part of the health score judges a situation: the shares of its points that are lost, with the reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from market_pipeline.markets.schema import HealthScales
from market_pipeline.quality.freshness import FreshnessLevel
from market_pipeline.quality.remedies import OLD_DATA, OLD_TIER, remedy_for
from market_pipeline.quality.situation import Requests, Situation, SourceFailures


class Part(StrEnum):
    """What the score is made of."""

    RUNNING = "running"
    COMPLIANCE = "compliance"
    ERRORS = "errors"
    FRESHNESS = "freshness"
    PERFORMANCE = "performance"


@dataclass(frozen=True, slots=True)
class Loss:
    """The share of a part's weight that is lost (0 to 1), with its reasons."""

    share: float
    cause: str
    evidence: str
    what_to_do: str
    source: str | None = None
    symbols: tuple[str, ...] = ()
    run_id: str | None = None


Judge = Callable[[Situation, HealthScales], tuple[Loss, ...] | None]
"""The shares add up to 1 at most. None means that there is nothing to judge."""


def _along(value: float, scale: tuple[float, float]) -> float:
    begin, end = scale
    return min(max((value - begin) / (end - begin), 0.0), 1.0)


def _running(situation: Situation, scales: HealthScales) -> tuple[Loss, ...] | None:
    if not situation.is_open:
        return None
    silent = situation.silent_minutes
    last = "never" if situation.last_success is None else f"at {situation.last_success:%Y-%m-%d %H:%M} UTC"
    loss = Loss(
        _along(silent, scales.running_minutes),
        "no cycle brings data",
        f"last cycle that brought a quote: {last}; {silent:.0f} open minutes without one",
        "market-pipeline doctor; look at the newest runs of the minute job and whether its schedule is on",
        run_id=situation.runs.last_id,
    )
    return (loss,)


def _compliance(situation: Situation, _: HealthScales) -> tuple[Loss, ...] | None:
    runs = situation.runs
    due = runs.expected + runs.while_closed
    if due == 0:
        return None
    missing = max(runs.expected - runs.started, 0)
    found = {"missing": missing, "overlapping": runs.overlapping, "while the market was closed": runs.while_closed}
    seen = ", ".join(f"{count} {what}" for what, count in found.items() if count)
    loss = Loss(
        min(sum(found.values()) / due, 1.0),
        "runs do not follow the market's hours",
        f"in the last {situation.window_minutes:.0f} minutes of {runs.expected} due runs: {seen}",
        "look at the schedule's ticks (skip reasons, daemon running) and at runs longer than a minute",
        run_id=next(iter(runs.irregular_ids), None),
    )
    return (loss,)


def _errors(situation: Situation, scales: HealthScales) -> tuple[Loss, ...] | None:
    """Judge the worse of two rates; the points that failing requests cost are shared out among their sources."""
    runs, requests = situation.runs, situation.requests
    of_runs = runs.failed / runs.started if runs.started else None
    of_requests = requests.error_rate
    rates = [rate for rate in (of_requests, of_runs) if rate is not None]
    if not rates:
        return None
    share = _along(max(rates), scales.error_rate)
    if of_runs is not None and (of_requests is None or of_runs > of_requests):
        return (
            Loss(
                share,
                "runs fail",
                error_evidence(situation),
                "open the run in Dagster's UI: its failed step says what was tried, seen, and what to do",
                run_id=next(iter(runs.failed_ids), None),
            ),
        )
    return tuple(_failing_requests(situation, share))


def _failing_requests(situation: Situation, share: float) -> Iterator[Loss]:
    requests = situation.requests
    if not requests.sources:
        yield Loss(share, "requests fail", error_evidence(situation), remedy_for(requests.failed_by_status))
    for failures in requests.sources:
        yield Loss(
            share * failures.count / requests.failed,
            f"requests to {failures.source} fail",
            source_evidence(failures, requests, window_minutes=situation.window_minutes),
            remedy_for(failures.by_status, failures.source),
            source=failures.source,
            symbols=failures.symbols,
        )


def source_evidence(failures: SourceFailures, requests: Requests, *, window_minutes: float) -> str:
    """Return "wafa_bourse: 16 of all 48 requests failed (blocked 16), in the last 15 minutes; ATW, IAM"."""
    named = f"; {', '.join(failures.symbols)}" if failures.symbols else ""
    return (
        f"{failures.source}: {failures.count} of all {requests.total} requests failed "
        f"({statuses_text(failures.by_status)}), in the last {window_minutes:.0f} minutes{named}"
    )


def error_evidence(situation: Situation) -> str:
    """Return in words how many requests and runs of the window failed, the most frequent status first."""
    requests, runs = situation.requests, situation.runs
    statuses = statuses_text(requests.failed_by_status)
    text = f"{requests.failed} of {requests.total} requests failed" + (f" ({statuses})" if statuses else "")
    return f"{text}, {runs.failed} of {runs.started} runs failed, in the last {situation.window_minutes:.0f} minutes"


def statuses_text(by_status: Mapping[str, int]) -> str:
    """Return "timeout 15, blocked 2"."""
    ordered = sorted(by_status.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{status} {count}" for status, count in ordered if count)


def _freshness(situation: Situation, scales: HealthScales) -> tuple[Loss, ...] | None:
    """Judge the market's newest price and the looks at tier 1; the worse of the two costs."""
    found = [loss for loss in (_old_data(situation), _old_tier(situation, scales)) if loss is not None]
    if not found:
        return None
    return (max(found, key=lambda loss: loss.share),)


def _old_data(situation: Situation) -> Loss | None:
    fresh = situation.freshness
    if not situation.is_open or fresh.level in (FreshnessLevel.CLOSED, FreshnessLevel.NEVER):
        return None
    warn, fail = fresh.limits.warn_minutes, fresh.limits.fail_minutes
    partly = 0.0 if fresh.age_minutes is None or warn >= fail else _along(fresh.age_minutes, (warn, fail))
    share = {FreshnessLevel.FRESH: 0.0, FreshnessLevel.WARN: min(partly, 0.5)}.get(fresh.level, 1.0)
    return Loss(share, "data is old", fresh.text, OLD_DATA)


def _old_tier(situation: Situation, scales: HealthScales) -> Loss | None:
    tier = situation.tier_1
    if not situation.is_open or tier is None:
        return None
    share = _along(tier.old_share, scales.old_symbols)
    return Loss(share, "symbols of tier 1 are not asked, or get no answer", tier.text, OLD_TIER, symbols=tier.oldest)


def _performance(situation: Situation, scales: HealthScales) -> tuple[Loss, ...] | None:
    cycle = situation.cycle
    if not situation.is_open or cycle.seconds is None:
        return None
    slowest = "" if cycle.slowest_seconds is None else f"; the slowest took {cycle.slowest_seconds:.1f} s"
    loss = Loss(
        _along(cycle.seconds / cycle.deadline_seconds, scales.deadline_share),
        "cycles are slow",
        f"the median cycle takes {cycle.seconds:.1f} s of {cycle.deadline_seconds:.0f} s allowed{slowest}",
        "look at latency_ms in fetch_outcomes and at what else the machine does; raise the cadence of slow sources",
        run_id=cycle.slowest_id,
    )
    return (loss,)


JUDGES: dict[Part, Judge] = {
    Part.RUNNING: _running,
    Part.COMPLIANCE: _compliance,
    Part.ERRORS: _errors,
    Part.FRESHNESS: _freshness,
    Part.PERFORMANCE: _performance,
}
