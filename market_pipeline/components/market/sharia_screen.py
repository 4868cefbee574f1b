"""`<market>/sharia_screen`: one verdict an instrument, for markets whose file has a `sharia` section."""

from typing import TYPE_CHECKING

import dagster as dg

from market_pipeline.components.market.metadata import (
    Metadata,
    counts_text,
    markdown_table,
    table_metadata,
    valid_result,
    valid_spec,
)
from market_pipeline.components.market.metrics import SHOWN_REFUSALS, outcomes_text
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.storage.tables import SHARIA_SCREEN

if TYPE_CHECKING:
    from market_pipeline.steps.screen_sharia import ScreenReport

SHOWN_VERDICTS = 8
SHOWN_REASON = 120


def assets(file: MarketFile) -> list[dg.AssetsDefinition]:
    """Build the asset for one market; none without thresholds to screen by."""
    return [_asset(file, file.sharia.standard)] if file.sharia is not None else []


def _asset(file: MarketFile, standard: str) -> dg.AssetsDefinition:
    key = [file.market, "sharia_screen"]

    @dg.asset(
        key=key,
        deps=[[file.market, "metrics"]],
        group_name=file.market,
        description=f"{file.title}, screened by {standard}. Unknown where an input is missing, never compliant.",
        metadata=table_metadata(SHARIA_SCREEN),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def sharia_screen(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.screen_sharia import screen_sharia

        opened = runtime.open()
        report = screen_sharia(opened, opened.market(file.market))
        return dg.MaterializeResult(metadata=_metadata(report), check_results=[valid_result(key, report.rules)])

    return sharia_screen


def _metadata(report: "ScreenReport") -> Metadata:
    shown = [(v.symbol, v.verdict.value, v.reason[:SHOWN_REASON]) for v in report.verdicts[:SHOWN_VERDICTS]]
    statements = report.statements
    metadata: Metadata = {
        "dagster/row_count": len(report.verdicts),
        "verdicts": counts_text(report.by_verdict),
        "missing": counts_text(report.missing) if report.missing else "nothing",
        "screen": markdown_table(("symbol", "verdict", "reason"), shown),
        "statements_asked": outcomes_text(statements.counts),
        "operator_lines": statements.operator_lines,
        "set_aside": len(statements.refused),
    }
    if statements.refused:
        rows = [(r.source, r.symbol, r.reason) for r in statements.refused[:SHOWN_REFUSALS]]
        metadata["refused"] = markdown_table(("source", "symbol", "reason"), rows)
    return metadata
