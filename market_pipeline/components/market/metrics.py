"""`<market>/metrics`: valuation, ranges, book and shares of every instrument, each field with source and age."""

from collections.abc import Mapping
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
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.storage.tables import METRICS

if TYPE_CHECKING:
    from market_pipeline.steps.refresh_metrics import FieldReport, MetricsReport

SHOWN_REFUSALS = 5


def asset(file: MarketFile) -> dg.AssetsDefinition:
    """Build the asset for one market."""
    key = [file.market, "metrics"]

    @dg.asset(
        key=key,
        deps=[[file.market, "live_tickers"], [file.market, "bars_1d"], [file.market, "instruments"]],
        group_name=file.market,
        description=f"What changes slowly about {file.title}, every {file.metrics.every_minutes} minutes: "
        "each field from the best source that has it, with its age; null where nobody says it.",
        metadata=table_metadata(METRICS),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def metrics(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.refresh_metrics import refresh_metrics

        opened = runtime.open()
        report = refresh_metrics(opened, opened.market(file.market))
        return dg.MaterializeResult(metadata=_metadata(report), check_results=[valid_result(key, report.rules)])

    return metrics


def _metadata(report: "MetricsReport") -> Metadata:
    metadata: Metadata = {
        "dagster/row_count": report.rows,
        "fields": _fields_table(report),
        "outcomes": outcomes_text(report.counts),
        "set_aside": len(report.refused),
        "asking_seconds": round(report.asking_seconds, 3),
        "own_seconds": round(report.own_seconds, 3),
    }
    if report.oldest is not None and report.oldest.oldest is not None:
        metadata["oldest_field"] = f"{report.oldest.name}, of {report.oldest.oldest:%Y-%m-%d %H:%M} UTC"
    if report.refused:
        shown = [(r.report.source, r.report.symbol, r.reason) for r in report.refused[:SHOWN_REFUSALS]]
        metadata["refused"] = markdown_table(("source", "symbol", "reason"), shown)
    if report.notes:
        metadata["notes"] = "; ".join(f"{name}: {note}" for name, note in report.notes.items())
    return metadata


def _fields_table(report: "MetricsReport") -> dg.MarkdownMetadataValue:
    def row(found: "FieldReport") -> tuple[str, str, str, str]:
        oldest = f"{found.oldest:%m-%d %H:%M}" if found.oldest else ""
        share = f"{found.known / report.rows:.0%}" if report.rows else ""
        return found.name, share, counts_text(found.sources) if found.sources else "", oldest

    return markdown_table(("field", "known", "from", "oldest, UTC"), (row(found) for found in report.fields))


def outcomes_text(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return "yahoo: 480 ok, 7 timeout; argaam: 487 ok"."""
    listed = "; ".join(f"{source}: {counts_text(found)}" for source, found in counts.items())
    return listed or "nothing asked: no source offers this"
