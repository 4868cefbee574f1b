"""Conditions on how a market runs: silence, old data, failures, few updates, low coverage, a low score."""

from __future__ import annotations

from datetime import datetime, timedelta

from market_pipeline.alerts.condition import UNDECIDED, Condition, Judged, Key, as_judged, band, source_cause
from market_pipeline.alerts.severity import Severity
from market_pipeline.markets.schema import AlertLimits
from market_pipeline.quality.coverage import CoverageLevel
from market_pipeline.quality.freshness import FreshnessLevel
from market_pipeline.quality.health import Health
from market_pipeline.quality.health_parts import error_evidence, source_evidence
from market_pipeline.quality.remedies import OLD_DATA, OLD_TIER, remedy_for
from market_pipeline.quality.situation import Situation

DAEMON = "is the daemon running and the market's schedule on? market-pipeline status, then market-pipeline doctor"


def not_running(situation: Situation, _: Health, limits: AlertLimits) -> Judged:
    """Judge the silence since the last cycle that brought a quote; an opening without any is told sooner."""
    silent, title, limit = situation.silent_minutes, "nothing runs in market hours", limits.silent_minutes
    if situation.is_mute and situation.saw_opening:
        title, limit = "the opening brought nothing", limits.opening_minutes
    elif situation.is_mute:
        title, limit = "nothing has come since we began to look", limits.start_minutes
    clear = min(limit, limits.silent_minutes_clear)
    never = "; there never was one" if situation.last_success is None else ""
    condition = Condition(
        Key.NOT_RUNNING,
        situation.market,
        title,
        _silent_since(situation),
        f"{silent:.0f} open minutes without a cycle that brought a quote (limit {limit:g}){never}",
        DAEMON,
        Severity.CRITICAL,
        run_id=situation.runs.last_id,
    )
    return as_judged(band(silent, limit, clear), condition)


def _silent_since(situation: Situation) -> datetime:
    if situation.is_mute or situation.last_success is None:
        return situation.at - timedelta(minutes=situation.watched_minutes)
    return situation.last_success


def stale_data(situation: Situation, _: Health, __: AlertLimits) -> Judged:
    """Judge the age of the market's newest price by the market's freshness limits."""
    fresh = situation.freshness
    if fresh.level is FreshnessLevel.FRESH:
        return None
    if fresh.level is not FreshnessLevel.STALE:
        return UNDECIDED
    since = fresh.last_event or situation.at
    return Condition(
        Key.STALE_DATA,
        situation.market,
        "data is stale",
        since,
        fresh.text,
        OLD_DATA,
        Severity.CRITICAL,
        run_id=situation.runs.last_id,
    )


def tier_1_old(situation: Situation, _: Health, limits: AlertLimits) -> Judged:
    """Judge the share of tier 1 that no source answered for in time."""
    tier = situation.tier_1
    if tier is None:
        return UNDECIDED
    condition = Condition(
        Key.TIER_1_OLD,
        situation.market,
        f"data of tier 1 is more than {tier.limit_minutes:g} minutes old",
        situation.at - timedelta(minutes=tier.limit_minutes),
        tier.text,
        OLD_TIER,
        run_id=situation.runs.last_id,
    )
    return as_judged(band(tier.old_share, limits.tier_1_share, limits.tier_1_share_clear), condition)


def error_rate(situation: Situation, _: Health, limits: AlertLimits) -> Judged:
    """Judge the share of requests that failed."""
    requests = situation.requests
    rate = requests.error_rate
    if rate is None or requests.total < limits.least_requests:
        return UNDECIDED
    lines = [source_evidence(found, requests, window_minutes=situation.window_minutes) for found in requests.sources]
    worst = requests.sources[0] if requests.sources else None
    condition = Condition(
        Key.ERROR_RATE,
        situation.market,
        f"more than {limits.error_rate:.0%} of requests fail",
        situation.at,
        "\n".join([f"error rate {rate:.1%}: {error_evidence(situation)}", *lines]),
        remedy_for(worst.by_status, worst.source) if worst else remedy_for(requests.failed_by_status),
        cause=source_cause([found.source for found in requests.sources]),
        run_id=situation.runs.last_id,
    )
    is_beyond = band(rate, limits.error_rate, limits.error_rate_clear)
    # two failures by chance among a session's first twenty requests are no rate
    return as_judged(None if is_beyond and requests.failed < limits.least_failures else is_beyond, condition)


def few_updates(situation: Situation, _: Health, limits: AlertLimits) -> Judged:
    """Judge the share of the due cycles that ran and did not fail."""
    runs = situation.runs
    if runs.expected < limits.least_updates_due:
        return UNDECIDED
    share = (runs.started - runs.failed) / runs.expected
    condition = Condition(
        Key.FEW_UPDATES,
        situation.market,
        "updates are rare",
        situation.at,
        f"{runs.started - runs.failed} good runs of {runs.expected} due in the last "
        f"{situation.window_minutes:.0f} minutes (limit {limits.update_share:.0%})",
        "look at the schedule's ticks for skips and at runs that take longer than a minute",
        run_id=next(iter(runs.failed_ids), runs.last_id),
    )
    return as_judged(band(share, limits.update_share, limits.update_share_clear), condition)


def low_coverage(situation: Situation, _: Health, limits: AlertLimits) -> Judged:
    """Judge the worst tier by the market's coverage limits; a session's first minutes are not judged."""
    if not situation.coverage or situation.watched_minutes <= limits.coverage_after_minutes:
        return UNDECIDED
    levels = {tier.level(situation.coverage_limits) for tier in situation.coverage}
    is_low = CoverageLevel.FAIL in levels or (None if CoverageLevel.WARN in levels else False)
    condition = Condition(
        Key.LOW_COVERAGE,
        situation.market,
        "few symbols have a fresh price",
        situation.at,
        "\n".join(tier.text for tier in situation.coverage),
        "the reasons count the symbols: timeout, blocked … name a source's trouble, deferred a budget too small, "
        "old_price a venue that does not trade; `coverage` in the market's file has the limits",
        run_id=situation.runs.last_id,
    )
    return as_judged(is_low, condition)


def low_score(situation: Situation, health: Health, limits: AlertLimits) -> Judged:
    """Judge the health score; the evidence is every lost point."""
    lines = [f"-{lost.points:g} {lost.cause}: {lost.evidence}" for lost in health.lost_points]
    remedies = dict.fromkeys(lost.what_to_do for lost in health.lost_points[:2])
    condition = Condition(
        Key.LOW_SCORE,
        situation.market,
        f"health score is below {limits.score:g}",
        situation.at,
        "\n".join([f"score {health.score:g} of 100", *lines]),
        "\n".join(remedies),
        run_id=health.run_id or situation.runs.last_id,
    )
    return as_judged(band(health.score, limits.score, limits.score_clear), condition)
