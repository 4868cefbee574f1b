"""`<market>/instruments`: what trades, from the market file or the source's instrument master."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from market_pipeline.components.market.metadata import markdown_table, table_metadata, valid_result, valid_spec
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.storage.tables import INSTRUMENTS

if TYPE_CHECKING:
    from market_pipeline.transforms.instrument_changes import InstrumentChanges

SHOWN = 100


def asset(file: MarketFile) -> dg.AssetsDefinition:
    """Build the asset for one market."""
    key = [file.market, "instruments"]

    @dg.asset(
        key=key,
        group_name=file.market,
        description=f"What trades on {file.title}; requested codes that were renamed, merged or not found say so.",
        metadata=table_metadata(INSTRUMENTS),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def instruments(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.refresh_instruments import refresh_instruments

        opened = runtime.open()
        report = refresh_instruments(opened, opened.market(file.market))
        metadata = {"dagster/row_count": report.rows, **_changes(report.changes), **_seeds(file)}
        return dg.MaterializeResult(metadata=metadata, check_results=[valid_result(key, report.rules)])

    return instruments


def _changes(changes: "InstrumentChanges") -> dict[str, Any]:
    metadata: dict[str, Any] = {"new": len(changes.new), "renamed": len(changes.renamed), "gone": len(changes.gone)}
    rows = [("renamed", old, new) for old, new in changes.renamed.items()]
    rows += [
        (what, symbol, "")
        for what, symbols in (("new", changes.new), ("gone", changes.gone), ("held", changes.held))
        for symbol in symbols
    ]
    if rows and len(rows) - len(changes.new):  # the first list is nothing but new ones
        metadata["changes"] = markdown_table(("what", "symbol", "now"), rows[:SHOWN])
    return metadata


def _seeds(file: MarketFile) -> dict[str, Any]:
    rows = [(seed.code, seed.seed_name, seed.resolution, seed.symbol or "", seed.reason) for seed in file.seeds]
    header = ("code", "asked for as", "resolution", "symbol", "reason")
    return {"seeds": markdown_table(header, rows)} if rows else {}
