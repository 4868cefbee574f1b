"""Conditions on the data: sources disagree, minutes are lost for good, the error budget burns."""

from __future__ import annotations

from datetime import timedelta

from market_pipeline.alerts.condition import UNDECIDED, Condition, Judged, Key
from market_pipeline.markets.schema import AlertLimits
from market_pipeline.quality.disputes import Dispute
from market_pipeline.quality.health import Health
from market_pipeline.quality.situation import Burn, LostGap, Situation

SHOWN = 5
FAST_HOURS, SLOW_HOURS = 1, 6


def sources_disagree(situation: Situation, _: Health, limits: AlertLimits) -> Judged:
    """Judge whether two sources name prices too far apart, for too long."""
    patience = timedelta(minutes=limits.disagree_minutes)
    lasting = [dispute for dispute in situation.disputes if situation.at - dispute.since >= patience]
    if not lasting:
        return UNDECIDED if situation.disputes else None
    more = f"\n… and {len(lasting) - SHOWN} more" if len(lasting) > SHOWN else ""
    return Condition(
        Key.SOURCES_DISAGREE,
        situation.market,
        f"sources disagree on {_symbols(lasting)}",
        min(dispute.since for dispute in lasting),
        "\n".join(dispute.text for dispute in lasting[:SHOWN]) + more,
        "provenance in live_tickers says which price counts and why; a factor like 7 or 100 is a split or a unit that "
        "one source missed: check its alias and currency in the market's file",
        run_id=situation.runs.last_id,
    )


def _symbols(disputes: list[Dispute]) -> str:
    return disputes[0].symbol if len(disputes) == 1 else f"{len(disputes)} symbols"


def gap_unhealable(situation: Situation, _: Health, limits: AlertLimits) -> Judged:
    """Judge whether minutes of this session's tier 1 are lost for good; over when the next session begins."""
    lost = [gap for gap in situation.surroundings.lost_gaps if gap.minutes >= limits.gap_minutes]
    if not lost:
        return None
    return Condition(
        Key.GAP_UNHEALABLE,
        situation.market,
        "minutes are lost that no source gives back",
        min(gap.first_minute for gap in lost),
        "\n".join(_gap_text(gap) for gap in lost[:SHOWN]),
        "market-pipeline gaps shows them with their causes; nothing brings them back: mend what made them",
    )


def _gap_text(gap: LostGap) -> str:
    whose = "every symbol" if gap.symbol == "*" else gap.symbol
    return (
        f"{whose}: {gap.minutes} minutes from {gap.first_minute:%H:%M} UTC ({gap.cause}); {gap.reason or 'no reason'}"
    )


def error_budget_burns(situation: Situation, _: Health, __: AlertLimits) -> Judged:
    """Judge whether both windows burn the error budget too fast: the long one matters, the short one lasts."""
    burns = {burn.hours: burn for burn in situation.surroundings.burns}
    fast, slow = burns.get(FAST_HOURS), burns.get(SLOW_HOURS)
    if fast is None or slow is None or fast.rate is None or slow.rate is None:
        return UNDECIDED
    if not (fast.is_too_fast and slow.is_too_fast):
        return None if not fast.is_too_fast else UNDECIDED
    return Condition(
        Key.ERROR_BUDGET_BURNS,
        situation.market,
        "minutes of tier 1 are missing or late: the error budget burns",
        situation.at - timedelta(hours=FAST_HOURS),
        f"{_burn_text(fast)}\n{_burn_text(slow)}",
        "market-pipeline status shows the service level, fetch_outcomes why they are missing; late ones: slow cycles",
        run_id=situation.runs.last_id,
    )


def _burn_text(burn: Burn) -> str:
    return (
        f"last {burn.hours} h of trading: {burn.good} of {burn.expected} minutes in time, burning {burn.rate or 0:.1f} "
        f"times as fast as allowed (limit {burn.limit:g})"
    )
