"""`<market>/raw_quotes_<source>`: one subsettable multi-asset that asks all sources at the same time.

A failed source gives no quotes, its outcomes and a failed check; it never fails the step.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from market_pipeline.components.market.metadata import (
    counts_text,
    event_range,
    table_metadata,
    valid_result,
    valid_spec,
)
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import CoverageLimits, MarketFile
from market_pipeline.storage.tables import RAW_QUOTES

if TYPE_CHECKING:
    from market_pipeline.quality.rule import RuleResult
    from market_pipeline.steps.fetch_quotes import SourceReport

PREFIX = "raw_quotes_"


def keys(file: MarketFile) -> list[dg.AssetKey]:
    """Return the asset keys of this market's sources of quotes, best source first."""
    return [dg.AssetKey([file.market, f"{PREFIX}{rule.name}"]) for rule in file.quote_sources]


def assets(file: MarketFile) -> dg.AssetsDefinition:
    """Build the multi-asset of all sources of one market."""
    specs = [
        dg.AssetSpec(
            [file.market, f"{PREFIX}{rule.name}"],
            group_name=file.market,
            description=f"What {rule.name} reports on {file.title}, unedited. Terms: {rule.terms}",
            metadata=table_metadata(RAW_QUOTES),
            kinds={"parquet", "api"},
        )
        for rule in file.quote_sources
    ]

    @dg.multi_asset(
        name=f"{file.market}_raw_quotes",
        specs=specs,
        check_specs=[valid_spec(spec.key.path) for spec in specs],
        can_subset=True,
    )
    def raw_quotes(context: dg.AssetExecutionContext, runtime: RuntimeResource) -> Iterator[dg.MaterializeResult]:
        from market_pipeline.steps.fetch_quotes import fetch_quotes
        from market_pipeline.steps.step_times import FETCH, note_sources, timed

        opened = runtime.open()
        selected = {key.path[-1].removeprefix(PREFIX) for key in context.selected_asset_keys}
        market = opened.market(file.market, in_cycle=True)
        with timed(opened, market, FETCH):
            report = fetch_quotes(opened, market, only=selected)
        note_sources(opened, market, report)
        for key in keys(file):
            if key in context.selected_asset_keys:
                yield _result(key, report.by_source[key.path[-1].removeprefix(PREFIX)], file.coverage)

    return raw_quotes


def _result(key: dg.AssetKey, source: "SourceReport", limits: CoverageLimits) -> dg.MaterializeResult:
    metadata = {
        "dagster/row_count": source.rows,
        "outcomes": counts_text(source.counts),
        "duration_seconds": round(source.duration_seconds, 3),
        **event_range(source.first_event, source.last_event),
    }
    if source.budgets:
        metadata["budget"] = "\n".join(use.text for use in source.budgets)
    if source.full_sweep_at is not None:
        metadata["full_sweep_at"] = dg.MetadataValue.timestamp(source.full_sweep_at)
    if source.note:
        metadata["note"] = source.note
    rules = (answering_rule(source, limits), *source.rules) if source.counts else source.rules
    return dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=[valid_result(key.path, rules)])


def answering_rule(source: "SourceReport", limits: CoverageLimits) -> "RuleResult":
    """Judge whether the source answered for enough of the symbols it was asked for; the market's coverage limits tell.

    A quote that never came has no row, so no rule over rows can miss it.
    """
    from market_pipeline.model.outcome import RequestKind
    from market_pipeline.quality.rule import RuleResult, Severity
    from market_pipeline.steps.failures import tally_kind

    requests = tally_kind(RequestKind.QUOTE, source.counts)
    answered = 1 - (requests.error_rate or 0.0)
    return RuleResult(
        rule=f"the source answers for at least {limits.warn:.0%} of the symbols",
        passed=answered >= limits.warn,
        severity=Severity.WARN if answered >= limits.fail else Severity.ERROR,
        failed_rows=requests.failed,
        example=counts_text(requests.failed_by_status) if requests.failed else None,
        what_to_do="fetch_outcomes has each reason; market-pipeline doctor tries the source",
    )
