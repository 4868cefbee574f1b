"""Cycles of tier 2 apart from those of tier 1."""

from __future__ import annotations

from pydantic import Field

from market_pipeline.markets.schema.fields import Section


class SweepRule(Section):
    """Tier 2 has a job of its own, `<market>_sweep`, so that the minute of tier 1 does not wait for thousands."""

    cycle_deadline_seconds: int = Field(45, ge=5, le=55, description="within which a sweep's cycle asks its sources")
