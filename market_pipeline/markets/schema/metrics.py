"""Which sources are asked for metrics, how often, and how old each field may be."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from market_pipeline.markets.schema.fields import Name, Section

TWO_WEEKS, QUARTER = 336.0, 2400.0


class MetricAges(Section):
    """Hours after which a field that nobody says anew becomes null.

    Volume, day range and book also end with the next session's start. Two weeks outlast the longest holidays.
    """

    volume: float = Field(24, gt=0)
    day_range: float = Field(24, gt=0)
    book: float = Field(24, gt=0)
    market_cap: float = Field(TWO_WEEKS, gt=0)
    pe_ratio: float = Field(TWO_WEEKS, gt=0)
    dividend_yield: float = Field(TWO_WEEKS, gt=0)
    week_52_range: float = Field(TWO_WEEKS, gt=0)
    average_volume_3m: float = Field(TWO_WEEKS, gt=0)
    eps: float = Field(QUARTER, gt=0)
    book_value: float = Field(QUARTER, gt=0)
    earnings_date: float = Field(QUARTER, gt=0)
    shares_outstanding: float = Field(QUARTER, gt=0)

    def by_group(self) -> dict[str, timedelta]:
        """Return group of fields → its greatest age."""
        return {name: timedelta(hours=hours) for name, hours in self.model_dump().items()}


class MetricsRule(Section):
    """The metrics of a market. Every market has them: what no source says comes from live tickers and daily bars."""

    sources: tuple[Name, ...] | None = Field(
        None, description="sources to ask, best first; without it every source of the market that offers metrics"
    )
    every_minutes: int = Field(10, ge=1, le=60)
    deadline_seconds: int = Field(300, ge=5, le=540, description="what has not answered by then counts as a time-out")
    max_age_hours: MetricAges = MetricAges()
    max_dividend_yield: float = Field(1.0, gt=0, le=1, description="a fraction; more than that was meant as percent")
