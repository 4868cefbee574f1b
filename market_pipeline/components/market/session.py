"""`<market>/session_bars`, `session_indicators` and `bars_1d`, partitioned by session date in the exchange's zone.

The daily job materializes the session that ended; a backfill in the UI materializes any session of the past.
"""

import warnings
from datetime import date
from typing import Any

import dagster as dg

from market_pipeline.components.market.metadata import (
    counts_text,
    markdown_table,
    table_metadata,
    valid_result,
    valid_spec,
)
from market_pipeline.components.market.partitions import session_partitions
from market_pipeline.components.market.plots import session_plot
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.steps.close_session import SessionReport, close_session, session_daily_bars
from market_pipeline.steps.compute_indicators import compute_session_indicators
from market_pipeline.steps.runtime import indicators_1m
from market_pipeline.storage.tables import BARS_1D, BARS_1M


def assets(file: MarketFile) -> list[dg.AssetsDefinition]:
    """Build the session assets of one market."""
    with warnings.catch_warnings():
        # BackfillPolicy is marked beta; one run for a range is what a user of a backfill wants
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [_session_bars(file), _session_indicators(file), _bars_1d(file)]


def _session_bars(file: MarketFile) -> dg.AssetsDefinition:
    key = [file.market, "session_bars"]

    @dg.asset(
        key=key,
        partitions_def=session_partitions(file.market),
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=file.market,
        deps=[dg.AssetDep([file.market, "bars_1m"]), dg.AssetDep([file.market, "instruments"])],
        description=f"One closed session of {file.title}: minute bars, reconciled with the source's own history.",
        metadata=table_metadata(BARS_1M),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
        op_tags={"dagster/max_runtime": "7200"},
    )
    def session_bars(context: dg.AssetExecutionContext, runtime: RuntimeResource) -> dg.MaterializeResult:
        opened = runtime.open()
        market = opened.market(file.market)
        reports = [close_session(opened, market, day) for day in _days(context)]
        return dg.MaterializeResult(
            metadata=_session_metadata(reports),
            check_results=[valid_result(key, [rule for report in reports for rule in report.rules])],
        )

    return session_bars


def _session_metadata(reports: list[SessionReport]) -> dict[str, Any]:
    rows = [
        (
            r.session_date,
            r.symbols,
            r.rows,
            r.difference["missing"],
            r.difference["different"],
            r.difference["extra"],
            counts_text(r.counts),
        )
        for r in reports
    ]
    header = ("session", "symbols", "bars", "were missing", "differed", "only live", "history requests")
    metadata: dict[str, Any] = {
        "dagster/row_count": sum(report.rows for report in reports),
        "sessions": markdown_table(header, rows),
    }
    if reports and reports[-1].rows:
        metadata["plot"] = session_plot(reports[-1])
    return metadata


def _session_indicators(file: MarketFile) -> dg.AssetsDefinition:
    key = [file.market, "session_indicators"]

    @dg.asset(
        key=key,
        partitions_def=session_partitions(file.market),
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=file.market,
        deps=[[file.market, "session_bars"]],
        description=f"Indicators of one closed session of {file.title}, and of the next two, whose windows reach into it.",
        metadata=table_metadata(indicators_1m()),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def session_indicators(context: dg.AssetExecutionContext, runtime: RuntimeResource) -> dg.MaterializeResult:
        opened = runtime.open()
        report = compute_session_indicators(opened, opened.market(file.market), _days(context))
        return dg.MaterializeResult(
            metadata={"dagster/row_count": report.rows, "symbols": report.symbols, "columns": report.columns},
            check_results=[valid_result(key, report.rules)],
        )

    return session_indicators


def _bars_1d(file: MarketFile) -> dg.AssetsDefinition:
    key = [file.market, "bars_1d"]

    @dg.asset(
        key=key,
        partitions_def=session_partitions(file.market),
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=file.market,
        deps=[[file.market, "instruments"]],
        description=f"Daily bars of {file.title} from the sources' histories; prices as traded, not adjusted.",
        metadata=table_metadata(BARS_1D),
        kinds={"parquet", "duckdb"},
    )
    def bars_1d(context: dg.AssetExecutionContext, runtime: RuntimeResource) -> dg.MaterializeResult:
        opened = runtime.open()
        days = _days(context)
        report = session_daily_bars(opened, opened.market(file.market), first=days[0], last=days[-1])
        return dg.MaterializeResult(
            metadata={"dagster/row_count": report.rows, "history_requests": counts_text(report.counts)}
        )

    return bars_1d


def _days(context: dg.AssetExecutionContext) -> list[date]:
    return sorted(date.fromisoformat(key) for key in context.partition_keys)
