"""The service level of a session for its report, where this version of the product measures one."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from importlib.util import find_spec

from market_pipeline.reports.figures import LevelFigures
from market_pipeline.steps.runtime import MarketRuntime, Runtime

MODULE = "market_pipeline.steps.service_level"


def level_figures(runtime: Runtime, market: MarketRuntime, day: date) -> LevelFigures | None:
    """Return the session's service level; None where none is promised, or nothing was traded."""
    if find_spec(MODULE) is None:
        return None
    module = import_module(MODULE)
    counts = module.session_service_level(runtime, market, day)
    if counts is None:
        return None
    level, objective = counts.level, module.promise_of(market).objective
    return LevelFigures(level.expected, level.good, level.late, level.missing, objective)
