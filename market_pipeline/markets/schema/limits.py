"""Limits of merging, freshness, coverage and retention."""

from __future__ import annotations

from pydantic import Field

from market_pipeline.markets.schema.fields import Section


class MergeRule(Section):
    """Limits of the merge rule."""

    daily_band_percent: float | None = Field(None, gt=0, description="the exchange's price limit around the reference")
    outlier_percent: float = Field(2.0, gt=0)
    same_moment_minutes: float = Field(20, gt=0)
    jump_percent: float = Field(15.0, gt=0)
    session_max_age_minutes: float = Field(1440, gt=0)
    book_max_age_minutes: float = Field(5, gt=0)
    valuation_max_age_days: float = Field(7, gt=0)


class FreshnessLimits(Section):
    """Ages in minutes of open market time; beyond `fail` a table is stale."""

    warn_minutes: float = Field(3, gt=0)
    fail_minutes: float = Field(5, gt=0)
    opening_minutes: float | None = Field(
        2, gt=0, description="after an opening without any new event; null where events have no time of day"
    )


class CoverageLimits(Section):
    """Share of symbols that must be fresh in a cycle."""

    warn: float = Field(0.9, ge=0, le=1)
    fail: float = Field(0.5, ge=0, le=1)


class Retention(Section):
    """How many days (sessions for slices) each kind of data is kept; None keeps it for ever."""

    live_ticker_files: int = Field(1440, ge=1, description="JSON snapshot files kept, newest first")
    payload_days: int = Field(2, ge=0)
    quotes_sessions: int | None = Field(22, ge=1)
    indicators_sessions: int | None = Field(22, ge=1)
    bars_sessions: int | None = None
    daily_bars_sessions: int | None = Field(
        None, ge=1, description="newest sessions of bars_1d and bars_1d_adjusted; they reach back years on purpose"
    )
    differences_sessions: int | None = Field(
        260, ge=1, description="newest sessions of session_differences: a year of comparing sources"
    )
    daily_reports: int = Field(260, ge=1, description="daily reports kept, newest first: about a year of sessions")
    weekly_reports: int = Field(260, ge=1, description="weekly reports kept, newest first: five years")
