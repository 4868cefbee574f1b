"""Thresholds of support, resistance, volume profile and zones. No authority fixes them: the defaults are ours."""

from __future__ import annotations

from pydantic import Field

from market_pipeline.markets.schema.fields import Section


class LevelsRule(Section):
    """How levels_1m is computed. "Usual range" is the mean true range of `range_bars` bars."""

    range_bars: int = Field(14, ge=2, le=200, description="bars of the usual range")
    swing_strength: int = Field(3, ge=1, le=50, description="bars on each side that a swing tops; known so many later")
    touch_ranges: float = Field(0.5, ge=0, description="swings so many usual ranges apart touch the same level")
    bin_share: float = Field(0.001, gt=0, le=0.1, description="widest bin of the volume profile, share of the open")
    value_area_share: float = Field(0.7, gt=0, le=1, description="share of the session's volume in the value area")
    max_bins: int = Field(1000, ge=10, le=10_000, description="a session that spans more bins has no profile")
    max_base_bars: int = Field(6, ge=1, le=60, description="bars of a base at most; the last ones count")
    base_body_ranges: float = Field(0.5, gt=0, description="body of a base's bar at most, in usual ranges")
    base_ranges: float = Field(1.0, gt=0, description="range of a base's bar at most, in usual ranges")
    departure_bars: int = Field(3, ge=1, le=60, description="a departure takes so many bars at most")
    departure_ranges: float = Field(1.5, gt=0, description="it closes at least so many usual ranges off the base")
    volume_bars: int = Field(20, ge=1, le=375, description="bars before the base whose mean volume is usual")
    volume_ratio: float = Field(1.2, ge=0, description="mean volume of a departure at least, in usual volumes")
