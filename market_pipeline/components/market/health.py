"""`<market>/health`: the day's score with its plot. The health sensor writes the table; this asset shows it."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import dagster as dg

from market_pipeline.components.market.metadata import (
    markdown_table,
    table_metadata,
    valid_result,
    valid_spec,
)
from market_pipeline.components.market.plots import health_plot, service_level_plot
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.storage.tables import HEALTH

if TYPE_CHECKING:
    import pyarrow as pa

    from market_pipeline.steps.runtime import MarketRuntime, Runtime

SHOWN_CAUSES = 10


def asset(file: MarketFile) -> dg.AssetsDefinition:
    """Build the asset for one market; the daily job materializes it after the close, and so does its button."""
    key = [file.market, "health"]

    @dg.asset(
        key=key,
        deps=[[file.market, "live_tickers"], [file.market, "bars_1m"]],
        group_name=file.market,
        description=f"The health score of {file.title} through its last session: what was lost, why, and what to do.",
        metadata=table_metadata(HEALTH),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def health(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.judge import judge
        from market_pipeline.steps.keep_health import health_of_session

        opened = runtime.open()
        market = opened.market(file.market)
        rows = health_of_session(opened, file.market, market.calendar.session_date_at(opened.clock.now()))
        metadata = day_metadata(file, rows) | service_metadata(opened, market)
        return dg.MaterializeResult(
            metadata=metadata, check_results=[valid_result(key, judge(opened, market, HEALTH, rows=rows))]
        )

    return health


def day_metadata(file: MarketFile, rows: "pa.Table") -> dict[str, Any]:
    """Return what a day's page shows: how many minutes, the mean and the least score, the causes, and the plot."""
    metadata: dict[str, Any] = {"dagster/row_count": rows.num_rows}
    if rows.num_rows == 0:
        return metadata | {"note": "nobody has looked in this session: the health sensor does each minute"}
    scores = [
        score for score, is_open in zip(*(rows[n].to_pylist() for n in ("score", "is_open")), strict=True) if is_open
    ]
    if scores:
        metadata |= {"mean_score": round(sum(scores) / len(scores), 1), "least_score": min(scores)}
    if causes := _causes(rows):
        metadata["lost"] = markdown_table(("minutes", "points a minute", "cause", "what to do"), causes)
    return metadata | {"plot": health_plot(rows, file.health.weights.model_dump())}


def service_metadata(opened: "Runtime", market: "MarketRuntime") -> dict[str, Any]:
    """Return the session's service level and its plot; nothing where none was measured."""
    from market_pipeline.steps.service_level import service_level_document, session_minutes

    level = service_level_document(opened, market)
    if level is None:
        return {}
    good, expected, late, missing = (f"{level[name]:,}" for name in ("good", "expected", "late", "missing"))
    text = f"{good} of {expected} minutes of tier 1 in time, {late} late, {missing} missing"
    left = level["error_budget_left"]
    shown = {"service_level": text, "service_level_plot": service_level_plot(session_minutes(opened, market))}
    return shown if left is None else shown | {"error_budget_left": left}


def _causes(rows: "pa.Table") -> list[tuple[int, float, str, str]]:
    """Return what cost most over the day: minutes, mean points, cause, remedy."""
    from market_pipeline.steps.keep_health import lost_points_of

    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for lost in lost_points_of(rows):
        found[lost["cause"], lost["what_to_do"]].append(lost["points"])
    ordered = sorted(found.items(), key=lambda entry: -sum(entry[1]))[:SHOWN_CAUSES]
    return [(len(points), round(sum(points) / len(points), 1), *what) for what, points in ordered]
