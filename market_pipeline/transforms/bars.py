"""The ways to a minute bar, in one import: a source's chart, its trades, or our own polls; and into what we have."""

from __future__ import annotations

from market_pipeline.transforms.bar_rows import BAR_SCHEMA, Bars, RejectedBar
from market_pipeline.transforms.chart_bars import chart_bars
from market_pipeline.transforms.merge_bars import MergedBars, merge_bars
from market_pipeline.transforms.sampled_bars import POLL_COLUMNS, sampled_bars
from market_pipeline.transforms.tick_bars import tick_bars

__all__ = [
    "BAR_SCHEMA",
    "POLL_COLUMNS",
    "Bars",
    "MergedBars",
    "RejectedBar",
    "chart_bars",
    "merge_bars",
    "sampled_bars",
    "tick_bars",
]
