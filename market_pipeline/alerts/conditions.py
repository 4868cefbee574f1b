"""When a market deserves somebody's attention: from its situation and health to the conditions that hold.

One function a key, in running_, source_, data_ and platform_conditions; docs/health.md has a line for each.
"""

from __future__ import annotations

from market_pipeline.alerts.condition import UNDECIDED, Condition, Judge, Key, Verdict
from market_pipeline.alerts.data_conditions import error_budget_burns, gap_unhealable, sources_disagree
from market_pipeline.alerts.platform_conditions import CalendarEnd, Disk, platform_conditions
from market_pipeline.alerts.running_conditions import (
    error_rate,
    few_updates,
    low_coverage,
    low_score,
    not_running,
    stale_data,
    tier_1_old,
)
from market_pipeline.alerts.source_conditions import breaker_open, budget_exhausted, token_rejected
from market_pipeline.markets.schema import AlertLimits
from market_pipeline.quality.health import Health
from market_pipeline.quality.situation import Situation

__all__ = ["CalendarEnd", "Condition", "Disk", "Key", "Verdict", "conditions", "platform_conditions"]

JUDGES: dict[Key, Judge] = {
    Key.NOT_RUNNING: not_running,
    Key.STALE_DATA: stale_data,
    Key.TIER_1_OLD: tier_1_old,
    Key.ERROR_RATE: error_rate,
    Key.FEW_UPDATES: few_updates,
    Key.LOW_COVERAGE: low_coverage,
    Key.LOW_SCORE: low_score,
    Key.SOURCES_DISAGREE: sources_disagree,
    Key.BREAKER_OPEN: breaker_open,
    Key.BUDGET_EXHAUSTED: budget_exhausted,
    Key.TOKEN_REJECTED: token_rejected,
    Key.GAP_UNHEALABLE: gap_unhealable,
    Key.ERROR_BUDGET_BURNS: error_budget_burns,
}


def conditions(situation: Situation, health: Health, *, limits: AlertLimits | None = None) -> Verdict:
    """Judge every key of a market. In a closed one nothing can be judged, so nothing begins and nothing ends."""
    if not situation.is_open:
        return Verdict(situation.market, (), frozenset(Key))
    chosen = limits or AlertLimits()
    found = {key: judge(situation, health, chosen) for key, judge in JUDGES.items()}
    holding = tuple(entry for entry in found.values() if isinstance(entry, Condition))
    return Verdict(situation.market, holding, frozenset(key for key, entry in found.items() if entry is UNDECIDED))
