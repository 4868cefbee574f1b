"""`<market>/indicators_1m`: every column of the catalogue for the bars that are new or were corrected."""

import dagster as dg

from market_pipeline.components.market.metadata import event_range, table_metadata, valid_result, valid_spec
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.steps.warehouse_tables import indicators_1m


def asset(file: MarketFile) -> dg.AssetsDefinition:
    """Build the asset for one market."""
    key = [file.market, "indicators_1m"]

    @dg.asset(
        key=key,
        deps=[[file.market, "bars_1m"]],
        group_name=file.market,
        description=f"Technical indicators of {file.title}'s one-minute bars; null while warming up.",
        metadata=table_metadata(indicators_1m()),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def indicators(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.compute_indicators import compute_indicators
        from market_pipeline.steps.step_times import timed

        opened = runtime.open()
        market = opened.market(file.market)
        with timed(opened, market, "indicators"):
            report = compute_indicators(opened, market)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": report.rows,
                "symbols": report.symbols,
                "columns": report.columns,
                "duration_seconds": round(report.duration_seconds, 3),
                **event_range(report.first_event, report.last_event),
            },
            check_results=[valid_result(key, report.rules)],
        )

    return indicators
