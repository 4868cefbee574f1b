"""`<market>/bars_1m`: honest one-minute bars from the sources' charts, else sampled from the live tickers."""

import dagster as dg

from market_pipeline.components.market.metadata import (
    counts_text,
    event_range,
    table_metadata,
    valid_result,
    valid_spec,
)
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.storage.tables import BARS_1M


def asset(file: MarketFile) -> dg.AssetsDefinition:
    """Build the asset for one market."""
    key = [file.market, "bars_1m"]

    @dg.asset(
        key=key,
        deps=[[file.market, "live_tickers"]],
        group_name=file.market,
        description=f"One-minute bars of {file.title}. A minute without trades has no bar; nothing is ever filled in.",
        metadata=table_metadata(BARS_1M),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def bars_1m(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.build_bars import build_bars
        from market_pipeline.steps.step_times import timed

        opened = runtime.open()
        market = opened.market(file.market, in_cycle=True)
        with timed(opened, market, "bars"):
            report = build_bars(opened, market)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": report.rows,
                "origins": counts_text(report.origins),
                "revised": report.revised,
                "set_aside": report.set_aside,
                "chart_requests": counts_text(report.chart_counts),
                **event_range(report.first_event, report.last_event),
            },
            check_results=[valid_result(key, report.rules)],
        )

    return bars_1m
