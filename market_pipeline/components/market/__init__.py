"""A market as a Dagster component: one defs.yaml becomes its assets, checks, jobs and schedules."""

from market_pipeline.components.market.component import Market

__all__ = ["Market"]
