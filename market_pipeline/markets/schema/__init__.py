"""The only schema of a market file (defs/<market>/defs.yaml): plain pydantic, extra keys forbidden.

Times of day are local to the calendar's zone; dates are session dates; durations carry their unit in the name.
"""

from __future__ import annotations

from market_pipeline.markets.schema.calendar import CalendarSection, PhaseRule, SpecialDay
from market_pipeline.markets.schema.daily import DailyRule
from market_pipeline.markets.schema.fields import NEXT_MIDNIGHT, Code, Isin, LocalTime, MonthDay, Name, Pattern, Section
from market_pipeline.markets.schema.health import (
    AlertLimits,
    HealthRule,
    HealthScales,
    HealthWeights,
    ServiceLevelRule,
)
from market_pipeline.markets.schema.indicators import IndicatorChoice, PandasTaChoice
from market_pipeline.markets.schema.instruments import AliasRule, SeedRule, SymbolRule, UniverseRule
from market_pipeline.markets.schema.levels import LevelsRule
from market_pipeline.markets.schema.limits import CoverageLimits, FreshnessLimits, MergeRule, Retention
from market_pipeline.markets.schema.market_file import MarketFile
from market_pipeline.markets.schema.metrics import MetricAges, MetricsRule
from market_pipeline.markets.schema.sharia import ExcludedSector, ReviewedSector, ShariaRule
from market_pipeline.markets.schema.sources import Budget, SourceRule, budget_disputes
from market_pipeline.markets.schema.sweep import SweepRule

__all__ = [
    "NEXT_MIDNIGHT",
    "AlertLimits",
    "AliasRule",
    "Budget",
    "CalendarSection",
    "Code",
    "CoverageLimits",
    "DailyRule",
    "ExcludedSector",
    "FreshnessLimits",
    "HealthRule",
    "HealthScales",
    "HealthWeights",
    "IndicatorChoice",
    "Isin",
    "LevelsRule",
    "LocalTime",
    "MarketFile",
    "MergeRule",
    "MetricAges",
    "MetricsRule",
    "MonthDay",
    "Name",
    "PandasTaChoice",
    "Pattern",
    "PhaseRule",
    "Retention",
    "ReviewedSector",
    "Section",
    "SeedRule",
    "ServiceLevelRule",
    "ShariaRule",
    "SourceRule",
    "SpecialDay",
    "SweepRule",
    "SymbolRule",
    "UniverseRule",
    "budget_disputes",
]
