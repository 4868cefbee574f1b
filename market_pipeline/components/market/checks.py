"""The `fresh` check of a market's tables: ages in minutes of open market time. A closed market is never stale.

The health sensor evaluates it each minute; it can also be run by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile

if TYPE_CHECKING:
    from market_pipeline.quality.freshness import Freshness

TABLES = ("live_tickers", "bars_1m", "indicators_1m")
NOT_FRESH = ("stale", "warn")


def freshness_checks(file: MarketFile) -> Sequence[dg.AssetChecksDefinition]:
    """Build one `fresh` check for each live table of a market."""
    return [_check(file, table) for table in TABLES]


def _check(file: MarketFile, table: str) -> dg.AssetChecksDefinition:
    limits = f"warns after {file.freshness.warn_minutes:g}, fails after {file.freshness.fail_minutes:g} open minutes"

    @dg.asset_check(asset=[file.market, table], name="fresh", description=f"{table} is fresh: {limits}")
    def fresh(runtime: RuntimeResource) -> dg.AssetCheckResult:
        from market_pipeline.steps.watch import table_freshness

        opened = runtime.open()
        judged = table_freshness(opened, opened.market(file.market), table)
        return dg.AssetCheckResult(passed=is_fresh(judged), severity=severity(judged), metadata=metadata(judged))

    return fresh


def is_fresh(judged: Freshness) -> bool:
    """Tell whether nothing speaks against the table; a closed market's tables are as they should be."""
    return judged.level not in NOT_FRESH


def severity(judged: Freshness) -> dg.AssetCheckSeverity:
    """Return ERROR for a stale table, WARN for one that is about to be."""
    return dg.AssetCheckSeverity.ERROR if judged.level == "stale" else dg.AssetCheckSeverity.WARN


def metadata(judged: Freshness) -> dict[str, Any]:
    """Return the age and the verdict in words."""
    age = {} if judged.age_minutes is None else {"age_open_minutes": round(judged.age_minutes, 2)}
    return {"verdict": judged.text, **age}
