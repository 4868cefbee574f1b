"""The component that a market's defs.yaml instantiates. Its schema is MarketFile and nothing else."""

from __future__ import annotations

from typing import Self

import dagster as dg
from pydantic import BaseModel

from market_pipeline.components.market import (
    bars,
    checks,
    gaps,
    health,
    indicators,
    instruments,
    levels,
    live_tickers,
    metrics,
    metrics_schedule,
    partitions,
    raw_quotes,
    reports,
    schedules,
    session,
    sharia_screen,
)
from market_pipeline.errors import MarketFileError
from market_pipeline.indicators.choice import check_choice
from market_pipeline.markets.schema import MarketFile


class Market(dg.Component):
    """One market: raw quotes per source → live tickers → one-minute bars → indicators, levels; metrics; sessions."""

    def __init__(self, file: MarketFile) -> None:
        self.file = file

    @classmethod
    def get_model_cls(cls) -> type[MarketFile]:
        """Return the only schema of a market file."""
        return MarketFile

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the component from the validated file."""
        if not isinstance(attributes, MarketFile):
            raise MarketFileError(f"{context.path}: a market file has `attributes`; see markets/schema/")
        check_choice(attributes)
        return cls(attributes)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """Build everything that belongs to this market."""
        minute = [
            raw_quotes.assets(self.file),
            live_tickers.asset(self.file),
            bars.asset(self.file),
            indicators.asset(self.file),
            levels.asset(self.file),
        ]
        session_dates = partitions.session_partitions(self.file)
        healthy = health.asset(self.file)
        daily = [instruments.asset(self.file), *session.assets(self.file, session_dates)]
        daily += reports.assets(self.file, session_dates)
        slow = [metrics.asset(self.file), *sharia_screen.assets(self.file)]
        missing = gaps.asset(self.file)
        heal_job = gaps.heal_job(self.file, missing)
        running = checks.running_checks(self.file)
        minute_job = schedules.minute_job(self.file, minute, running)
        sweeps = [schedules.sweep_job(self.file, minute, running)] if self.file.sweep else []
        daily_job = schedules.daily_job(self.file, [*daily, healthy], running)
        metrics_job = metrics_schedule.metrics_job(self.file, slow)
        return dg.Definitions(
            assets=[*minute, *slow, *daily, missing, healthy],
            asset_checks=running,
            jobs=[minute_job, *sweeps, metrics_job, daily_job, heal_job],
            schedules=[
                schedules.minute_schedule(self.file, minute_job),
                *(schedules.minute_schedule(self.file, job, is_sweep=True) for job in sweeps),
                metrics_schedule.metrics_schedule(self.file, metrics_job),
                schedules.daily_schedule(self.file, daily_job, session_dates),
                gaps.heal_schedule(self.file, heal_job),
            ],
        )
