"""How a market's health is scored, when people are told, and what service it owes: weights, scales, thresholds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from market_pipeline.markets.schema.fields import Section

Share = Annotated[float, Field(ge=0, le=1)]


def _rising(scale: tuple[float, float]) -> tuple[float, float]:
    if scale[0] < 0 or scale[0] >= scale[1]:
        raise ValueError("two figures, the first not negative and below the second: where points begin to go, and end")
    return scale


Scale = Annotated[tuple[float, float], AfterValidator(_rising)]


class HealthWeights(Section):
    """Points of each part of the health score; they make 100."""

    running: float = Field(30, ge=0, description="cycles bring data")
    compliance: float = Field(20, ge=0, description="runs follow the market's hours")
    errors: float = Field(25, ge=0, description="requests and runs succeed")
    freshness: float = Field(15, ge=0, description="data is new")
    performance: float = Field(10, ge=0, description="cycles are quick")

    @model_validator(mode="after")
    def _makes_a_hundred(self) -> HealthWeights:
        total = sum(self.model_dump().values())
        if abs(total - 100) > 1e-9:
            raise ValueError(f"the five weights make {total:g}, allowed: 100")
        return self


class HealthScales(Section):
    """Where a part begins to lose points and where it has lost all; straight lines between."""

    running_minutes: Scale = Field((2, 5), description="open minutes without a cycle that brought a quote")
    error_rate: Scale = Field((0.01, 0.20), description="share of requests, or of runs, that fail")
    old_symbols: Scale = Field((0.10, 0.50), description="share of tier 1 that no source answered for in time")
    deadline_share: Scale = Field((0.5, 1.0), description="median length of a cycle, as a share of its deadline")


class HealthRule(Section):
    """The health score of a market."""

    weights: HealthWeights = HealthWeights()
    scales: HealthScales = HealthScales()
    retention_days: int = Field(8, ge=1, description="how long the table `health` keeps its minutes")


class AlertLimits(Section):
    """An alert begins beyond the first figure and ends only within the second (`…_clear`), so that it does not flicker.

    Minutes are of open market time. Sources that are asked every n minutes get n - 1 minutes on top.
    """

    opening_minutes: float = Field(1, gt=0, description="an opening without any quote is told after so long")
    start_minutes: float = Field(5, gt=0, description="… and our own start in the middle of a session after so long")
    silent_minutes: float = Field(2, gt=0, description="nothing runs: no cycle brought a quote for so long")
    silent_minutes_clear: float = Field(1.5, gt=0)
    tier_1_minutes: float = Field(5, gt=0, description="tier 1 is old where no source answered for so long")
    tier_1_share: Share = Field(0.25, description="share of tier 1 that may be old")
    tier_1_share_clear: Share = 0.1
    error_rate: Share = 0.05
    error_rate_clear: Share = 0.03
    least_requests: int = Field(10, ge=1, description="fewer requests than this in the window say nothing about a rate")
    least_failures: int = Field(5, ge=1, description="… and neither do fewer failures than this")
    update_share: Share = Field(0.5, description="share of the due cycles that ran and did not fail")
    update_share_clear: Share = 0.8
    least_updates_due: int = Field(4, ge=1)
    coverage_after_minutes: float = Field(10, ge=0, description="a session's coverage is not judged before")
    disagree_bps: float = Field(200, gt=0, description="sources disagree when their prices are so far apart")
    disagree_minutes: float = Field(5, gt=0, description="… for so long without a break")
    deferred_share: Share = Field(0.5, description="a budget is exhausted when so much of tier 1 was not asked for")
    deferred_share_clear: Share = 0.2
    gap_minutes: int = Field(10, ge=1, description="a gap of tier 1 that cannot be healed is told from this length on")
    calendar_days: int = Field(60, ge=1, description="the calendar's published holidays end within so many days")
    score: float = Field(50, ge=0, le=100)
    score_clear: float = Field(60, ge=0, le=100)

    @model_validator(mode="before")
    @classmethod
    def _clear_follows(cls, given: Any) -> Any:
        """Let a limit that is stated without its `…_clear` be clear at the limit itself."""
        if not isinstance(given, dict):
            return given
        follows = {f"{name}_clear": value for name, value in given.items() if f"{name}_clear" in cls.model_fields}
        return follows | given

    @model_validator(mode="after")
    def _clear_is_better(self) -> AlertLimits:
        for name in ("silent_minutes", "tier_1_share", "error_rate", "deferred_share"):
            if getattr(self, f"{name}_clear") > getattr(self, name):
                raise ValueError(f"{name}_clear is above {name}: an alert would end before it began")
        for name in ("update_share", "score"):
            if getattr(self, f"{name}_clear") < getattr(self, name):
                raise ValueError(f"{name}_clear is below {name}: an alert would end before it began")
        return self


class ServiceLevelRule(Section):
    """The share of expected minutes of tier 1 that must be there in time, final and from a trade."""

    objective: float = Field(0.999, gt=0, lt=1)
    within_seconds: float = Field(60, gt=0, description="after the minute's end, beside the delay that sources declare")
    burn_rate_1h: float = Field(14.4, gt=0, description="told when both windows burn the error budget so fast")
    burn_rate_6h: float = Field(6, gt=0)
