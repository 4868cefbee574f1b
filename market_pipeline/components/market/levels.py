"""`<market>/levels_1m`: pivots, support and resistance, volume profile and zones of bars that are new or corrected."""

import dagster as dg

from market_pipeline.components.market.metadata import event_range, table_metadata, valid_result, valid_spec
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.storage.tables import LEVELS_1M


def asset(file: MarketFile) -> dg.AssetsDefinition:
    """Build the asset for one market."""
    key = [file.market, "levels_1m"]

    @dg.asset(
        key=key,
        deps=[[file.market, "bars_1m"]],
        group_name=file.market,
        description=f"Pivots, support, resistance, volume profile and zones of {file.title}'s one-minute bars.",
        metadata=table_metadata(LEVELS_1M),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def levels(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.compute_levels import compute_levels
        from market_pipeline.steps.step_times import timed

        opened = runtime.open()
        market = opened.market(file.market)
        with timed(opened, market, "levels"):
            report = compute_levels(opened, market)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": report.rows,
                "symbols": report.symbols,
                "duration_seconds": round(report.duration_seconds, 3),
                **event_range(report.first_event, report.last_event),
            },
            check_results=[valid_result(key, report.rules)],
        )

    return levels
