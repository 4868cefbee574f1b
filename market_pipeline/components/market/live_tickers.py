"""`<market>/live_tickers`: the merged state of every instrument, and its JSON snapshot file."""

import dagster as dg

from market_pipeline.components.market import raw_quotes
from market_pipeline.components.market.metadata import (
    event_range,
    markdown_table,
    table_metadata,
    valid_result,
    valid_spec,
)
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.storage.tables import LIVE_TICKERS

SHOWN_ROWS = 8


def asset(file: MarketFile) -> dg.AssetsDefinition:
    """Build the asset for one market."""
    key = [file.market, "live_tickers"]

    @dg.asset(
        key=key,
        deps=raw_quotes.keys(file),
        group_name=file.market,
        description=f"The newest trustworthy price of every instrument of {file.title}; each field's provenance.",
        metadata=table_metadata(LIVE_TICKERS),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def live_tickers(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.merge_tickers import merge_tickers
        from market_pipeline.steps.step_times import timed

        opened = runtime.open()
        market = opened.market(file.market)
        with timed(opened, market, "merge"):
            report = merge_tickers(opened, market)
        rows = [(t["symbol"], t["price"], t["source"], " ".join(t["flags"])) for t in report.documents[:SHOWN_ROWS]]
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": report.rows,
                "coverage": round(report.coverage, 4),
                "coverage_by_tier": "\n".join(tier.text for tier in report.tiers),
                "session_state": report.session_state,
                "set_aside": report.set_aside,
                "tickers": markdown_table(("symbol", "price", "source", "flags"), rows),
                **event_range(report.first_event, report.last_event),
            },
            check_results=[valid_result(key, report.rules)],
        )

    return live_tickers
