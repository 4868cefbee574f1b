"""What an alert is about: a key, a market, since when, evidence, what to do; and a market's verdict over all keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from market_pipeline.alerts.severity import Severity
from market_pipeline.markets.schema import AlertLimits
from market_pipeline.quality.health import Health
from market_pipeline.quality.situation import Situation


class Key(StrEnum):
    """What can be wrong with a market."""

    NOT_RUNNING = "not_running"
    STALE_DATA = "stale_data"
    TIER_1_OLD = "tier_1_old"
    ERROR_RATE = "error_rate"
    FEW_UPDATES = "few_updates"
    LOW_COVERAGE = "low_coverage"
    LOW_SCORE = "low_score"
    SOURCES_DISAGREE = "sources_disagree"
    BREAKER_OPEN = "breaker_open"
    BUDGET_EXHAUSTED = "budget_exhausted"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 no password, a name
    GAP_UNHEALABLE = "gap_unhealable"
    ERROR_BUDGET_BURNS = "error_budget_burns"
    CALENDAR_ENDS = "calendar_ends"
    DISK_LOW = "disk_low"


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now. (market, key) names it; `since` is when it began, as far as is known (UTC).

    `cause` names what several conditions and markets may share, like "source:yahoo": they are told as one.
    """

    key: str
    market: str
    title: str
    since: datetime
    evidence: str
    what_to_do: str
    severity: Severity = Severity.WARNING
    cause: str = ""
    run_id: str | None = None
    """The run that shows it, if one does."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds, and what cannot be judged now: an alert on an undecided key neither begins nor ends."""

    market: str
    holding: tuple[Condition, ...]
    undecided: frozenset[str]


class Undecided:
    """Stands for a key that cannot be judged now."""


UNDECIDED = Undecided()
Judged = Condition | Undecided | None
"""None: this is in order."""
Judge = Callable[[Situation, Health, AlertLimits], Judged]


def band(value: float, alert: float, clear: float) -> bool | None:
    """Tell whether `value` is beyond `alert`; None between there and `clear`. Works in both directions."""
    if alert >= clear:
        return True if value > alert else None if value > clear else False
    return True if value < alert else None if value < clear else False


def source_cause(names: Iterable[str]) -> str:
    """Return the cause that one source's trouble has in every market: the same outage is told once."""
    found = list(dict.fromkeys(names))
    return f"source:{found[0]}" if len(found) == 1 else ""


def as_judged(is_wrong: bool | None, condition: Condition, /) -> Judged:
    """Return the condition where it holds, UNDECIDED where nobody can say."""
    return UNDECIDED if is_wrong is None else condition if is_wrong else None
