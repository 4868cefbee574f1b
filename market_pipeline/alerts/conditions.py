"""When a market deserves somebody's attention: from its situation and health to the conditions that hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from market_pipeline.alerts.severity import Severity
from market_pipeline.quality.freshness import FreshnessLevel
from market_pipeline.quality.health import Health
from market_pipeline.quality.health_parts import error_evidence
from market_pipeline.quality.situation import Situation


class Key(StrEnum):
    """What can be wrong with a market."""

    NOT_RUNNING = "not_running"
    STALE_DATA = "stale_data"
    ERROR_RATE = "error_rate"
    FEW_UPDATES = "few_updates"
    LOW_SCORE = "low_score"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """An alert begins beyond the first figure and ends only at the second, so that it does not flicker."""

    silent_minutes: float = 5
    silent_minutes_clear: float = 2
    error_rate: float = 0.05
    error_rate_clear: float = 0.03
    least_requests: int = 10
    """Fewer requests than this in the window say nothing about a rate."""
    update_share: float = 0.5
    update_share_clear: float = 0.8
    least_updates_due: int = 4
    score: float = 50
    score_clear: float = 60


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now. (market, key) names it; `since` is when it began, as far as is known (UTC).

    `cause` names what several conditions and markets may share, like "source:yahoo": they are told as one. `run_id`
    is the run to look at, if there is one.
    """

    key: str
    market: str
    title: str
    since: datetime
    evidence: str
    what_to_do: str
    severity: Severity = Severity.WARNING
    cause: str = ""
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds, and what cannot be judged now: an alert on an undecided key neither begins nor ends."""

    market: str
    holding: tuple[Condition, ...]
    undecided: frozenset[str]


def conditions(situation: Situation, health: Health, *, thresholds: Thresholds | None = None) -> Verdict:
    """Judge every key. In a closed market nothing can be judged, so nothing begins and nothing ends."""
    if not situation.is_open:
        return Verdict(situation.market, (), frozenset(Key))
    limits = thresholds or Thresholds()
    found = {
        Key.NOT_RUNNING: _not_running(situation, limits),
        Key.STALE_DATA: _stale_data(situation),
        Key.ERROR_RATE: _error_rate(situation, limits),
        Key.FEW_UPDATES: _few_updates(situation, limits),
        Key.LOW_SCORE: _low_score(situation, health, limits),
    }
    holding = tuple(entry for entry in found.values() if isinstance(entry, Condition))
    return Verdict(situation.market, holding, frozenset(key for key, entry in found.items() if entry is _UNDECIDED))


class _Undecided:
    pass


_UNDECIDED = _Undecided()
_Judged = Condition | _Undecided | None
"""None: this is in order."""


def _band(value: float, alert: float, clear: float) -> bool | None:
    """Tell whether `value` is beyond `alert`; None between there and `clear`. Works in both directions."""
    if alert > clear:
        return True if value > alert else None if value > clear else False
    return True if value < alert else None if value < clear else False


def _as_judged(is_wrong: bool | None, condition: Condition, /) -> _Judged:
    return _UNDECIDED if is_wrong is None else condition if is_wrong else None


def _not_running(situation: Situation, limits: Thresholds) -> _Judged:
    since = situation.minutes_since_success
    silent = situation.watched_minutes if since is None else min(since, situation.watched_minutes)
    never = situation.last_success is None
    condition = Condition(
        Key.NOT_RUNNING,
        situation.market,
        "nothing runs in market hours",
        situation.last_success or situation.at,
        f"{silent:.0f} open minutes without a cycle that brought a quote (limit {limits.silent_minutes:g})"
        + ("; there never was one" if never else ""),
        "is the daemon running and the market's schedule on? market-pipeline status, then market-pipeline doctor",
        Severity.CRITICAL,
    )
    return _as_judged(_band(silent, limits.silent_minutes, limits.silent_minutes_clear), condition)


def _stale_data(situation: Situation) -> _Judged:
    fresh = situation.freshness
    if fresh.level is FreshnessLevel.FRESH:
        return None
    if fresh.level is not FreshnessLevel.STALE:
        return _UNDECIDED
    return Condition(
        Key.STALE_DATA,
        situation.market,
        "data is stale",
        fresh.last_event or situation.at,
        fresh.text,
        "compare raw_quotes per source: all old means the venue or our network, one old means that source",
        Severity.CRITICAL,
    )


def _error_rate(situation: Situation, limits: Thresholds) -> _Judged:
    rate = situation.requests.error_rate
    if rate is None or situation.requests.total < limits.least_requests:
        return _UNDECIDED
    condition = Condition(
        Key.ERROR_RATE,
        situation.market,
        f"more than {limits.error_rate:.0%} of requests fail",
        situation.at,
        f"error rate {rate:.1%}: {error_evidence(situation)}",
        "fetch_outcomes names source, status and reason; market-pipeline doctor tries each source",
    )
    return _as_judged(_band(rate, limits.error_rate, limits.error_rate_clear), condition)


def _few_updates(situation: Situation, limits: Thresholds) -> _Judged:
    runs = situation.runs
    if runs.expected < limits.least_updates_due:
        return _UNDECIDED
    share = (runs.started - runs.failed) / runs.expected
    condition = Condition(
        Key.FEW_UPDATES,
        situation.market,
        "updates are rare",
        situation.at,
        f"{runs.started - runs.failed} good runs of {runs.expected} due in the last "
        f"{situation.window_minutes:.0f} minutes (limit {limits.update_share:.0%})",
        "look at the schedule's ticks for skips and at runs that take longer than a minute",
    )
    return _as_judged(_band(share, limits.update_share, limits.update_share_clear), condition)


def _low_score(situation: Situation, health: Health, limits: Thresholds) -> _Judged:
    lines = [f"-{lost.points:g} {lost.cause}: {lost.evidence}" for lost in health.lost_points]
    remedies = [lost.what_to_do for lost in health.lost_points[:2]]
    condition = Condition(
        Key.LOW_SCORE,
        situation.market,
        f"health score is below {limits.score:g}",
        situation.at,
        "\n".join([f"score {health.score:g} of 100", *lines]),
        "\n".join(remedies),
    )
    return _as_judged(_band(health.score, limits.score, limits.score_clear), condition)
