"""Conditions on a market's sources: left alone after failures, budget too small, token refused."""

from __future__ import annotations

from market_pipeline.alerts.condition import UNDECIDED, Condition, Judged, Key, as_judged, band, source_cause
from market_pipeline.alerts.severity import Severity
from market_pipeline.markets.schema import AlertLimits
from market_pipeline.model.outcome import OutcomeStatus
from market_pipeline.quality.health import Health
from market_pipeline.quality.remedies import BY_STATUS
from market_pipeline.quality.situation import Budget, OpenBreaker, Situation


def breaker_open(situation: Situation, _: Health, __: AlertLimits) -> Judged:
    """Judge whether a source is left alone because it kept failing."""
    breakers = situation.surroundings.breakers
    if not breakers:
        return None
    names = ", ".join(dict.fromkeys(breaker.source for breaker in breakers))
    return Condition(
        Key.BREAKER_OPEN,
        situation.market,
        f"a source is left alone after failures: {names}",
        situation.at,
        "\n".join(_breaker_text(breaker) for breaker in breakers),
        "nothing while the other sources answer: it is probed by itself, two minutes apart at most; market-pipeline "
        "doctor says whether it can be reached from here",
        cause=source_cause(breaker.source for breaker in breakers),
        run_id=situation.runs.last_id,
    )


def _breaker_text(breaker: OpenBreaker) -> str:
    probe = "" if breaker.next_probe is None else f", next probe {breaker.next_probe:%H:%M:%S} UTC"
    return f"{breaker.source}: {breaker.cause or 'it kept failing'}{probe}"


def budget_exhausted(situation: Situation, _: Health, limits: AlertLimits) -> Judged:
    """Judge how much of tier 1 the budgets left out; tier 2 is made to wait its turn."""
    budgets = situation.surroundings.budgets
    if not budgets:
        return UNDECIDED
    worst = max(budgets, key=lambda budget: budget.share)
    condition = Condition(
        Key.BUDGET_EXHAUSTED,
        situation.market,
        f"the request budget of {worst.source} does not reach tier 1",
        situation.at,
        "\n".join(_budget_text(budget) for budget in budgets if budget.deferred),
        "market-pipeline status shows each budget: refusals halve it and it recovers by itself; otherwise make tier 1 "
        "smaller, the source's cadence longer, or the budget larger where its terms allow",
        cause=source_cause([worst.source]),
        run_id=situation.runs.last_id,
    )
    return as_judged(band(worst.share, limits.deferred_share, limits.deferred_share_clear), condition)


def _budget_text(budget: Budget) -> str:
    wait = "" if budget.wait_seconds is None else f"; the next request would wait {budget.wait_seconds:.0f} s"
    return f"{budget.source}: {budget.deferred} of {budget.asked} symbols of tier 1 deferred{wait}"


def token_rejected(situation: Situation, _: Health, __: AlertLimits) -> Judged:
    """Judge whether a source refused our key or token in the window: no retry helps, somebody must act."""
    status = OutcomeStatus.UNAUTHORISED.value
    if situation.requests.total == 0:
        return UNDECIDED
    refused = [found for found in situation.requests.sources if found.by_status.get(status)]
    if not refused:
        return None
    names = ", ".join(found.source for found in refused)
    return Condition(
        Key.TOKEN_REJECTED,
        situation.market,
        f"{names} refuses our key or token",
        situation.at,
        "\n".join(
            f"{found.source}: {found.by_status[status]} requests answered `unauthorised` in the last "
            f"{situation.window_minutes:.0f} minutes"
            for found in refused
        ),
        BY_STATUS[status],
        Severity.CRITICAL,
        cause=source_cause(found.source for found in refused),
        run_id=situation.runs.last_id,
    )
