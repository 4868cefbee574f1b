"""`<market>/session_bars`, `session_indicators`, `session_levels`, `bars_1d`: a partition a session date.

The daily job materializes the session that ended; a backfill in the UI materializes any session of the past.
"""

import warnings
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from market_pipeline.components.market.metadata import (
    counts_text,
    markdown_table,
    table_metadata,
    valid_result,
    valid_spec,
)
from market_pipeline.components.market.partitions import freshness_policy
from market_pipeline.components.market.plots import chart_preview, session_plot
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import UsageError
from market_pipeline.markets.schema import MarketFile
from market_pipeline.model.outcome import RequestKind
from market_pipeline.steps.warehouse_tables import indicators_1m
from market_pipeline.storage.tables import BARS_1D, BARS_1M, LEVELS_1M

if TYPE_CHECKING:
    from market_pipeline.quality.rule import RuleResult
    from market_pipeline.steps.close_session import SessionReport


FORCE_TAG = "market_pipeline/force"
"""On a run over several sessions: ask again for those that are complete already."""


class SessionIndicatorsConfig(dg.Config):
    """What to compute of pandas-ta in this run, besides what the market file says (market-pipeline indicators)."""

    pandas_ta_symbols: list[str] = Field([], description="symbols that get pandas-ta's columns in this run")
    pandas_ta_columns: list[str] = Field([], description="these of pandas-ta's columns; none named: all of them")


def assets(file: MarketFile, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Build the session assets of one market. A range of sessions is one run, and a day without session has no key."""
    policy = freshness_policy(file)
    made = (_session_bars, _session_indicators, _session_levels, _bars_1d)
    return [make(file, partitions, policy) for make in made]


def one_run() -> dg.BackfillPolicy:
    """Return the policy that makes a range of sessions one run."""
    with warnings.catch_warnings():
        # marked beta; one run for a range is what a user of a backfill wants
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.BackfillPolicy.single_run()


def _session_bars(
    file: MarketFile, partitions: dg.PartitionsDefinition, policy: dg.FreshnessPolicy
) -> dg.AssetsDefinition:
    key = [file.market, "session_bars"]

    @dg.asset(
        key=key,
        partitions_def=partitions,
        backfill_policy=one_run(),
        freshness_policy=policy,
        group_name=file.market,
        metadata=table_metadata(BARS_1M),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
        deps=[[file.market, "bars_1m"], [file.market, "instruments"]],
        description=f"One closed session of {file.title}: minute bars, reconciled with the source's own history.",
    )
    def session_bars(context: dg.AssetExecutionContext, runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.close_session import close_session

        opened = runtime.open()
        market = opened.market(file.market)
        rules: list[RuleResult] = []
        days = days_of(context, file)
        for number, day in enumerate(days, start=1):
            if len(days) > 1 and opened.warehouse.is_closed(file.market, day) and FORCE_TAG not in context.run.tags:
                context.log.info(f"{number} of {len(days)}: {day} is complete already; the tag {FORCE_TAG} asks again")
                context.add_asset_metadata({"was_complete": True}, partition_key=day.isoformat())
                continue
            report = close_session(opened, market, day)
            context.log.info(f"{number} of {len(days)}: {day}, {report.rows} bars")
            _require_history(file, RequestKind.MINUTE_BARS, report.counts)
            context.add_asset_metadata(_session_metadata(report), partition_key=day.isoformat())
            rules += report.rules
        return dg.MaterializeResult(check_results=[valid_result(key, rules)])

    return session_bars


def _session_metadata(report: "SessionReport") -> dict[str, Any]:
    difference = report.difference
    metadata: dict[str, Any] = {
        "dagster/row_count": report.rows,
        "symbols": report.symbols,
        "history_requests": counts_text(report.counts),
        "were_missing": difference["missing"],
        "differed": difference["different"],
        "only_seen_live": difference["extra"],
        "is_closed": report.is_closed,
    }
    metadata |= {"gaps": counts_text({f"{state} ({cause})": n for (state, cause), n in report.gaps.items()})}
    if report.worst:
        names = ("symbol", "different", "missing", "extra", "worst_minute", "worst_percent")
        metadata["worst_differences"] = markdown_table(names, [[row[name] for name in names] for row in report.worst])
    if report.notes:
        metadata["note"] = "; ".join(report.notes)
    return metadata | ({"plot": session_plot(report)} if report.rows else {})


def _session_indicators(
    file: MarketFile, partitions: dg.PartitionsDefinition, policy: dg.FreshnessPolicy
) -> dg.AssetsDefinition:
    key = [file.market, "session_indicators"]

    @dg.asset(
        key=key,
        partitions_def=partitions,
        backfill_policy=one_run(),
        freshness_policy=policy,
        group_name=file.market,
        metadata=table_metadata(indicators_1m()),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
        deps=[[file.market, "session_bars"]],
        description=f"Indicators of one closed session of {file.title}, and of the next two: windows reach into it.",
    )
    def session_indicators(
        context: dg.AssetExecutionContext, runtime: RuntimeResource, config: SessionIndicatorsConfig
    ) -> dg.MaterializeResult:
        from market_pipeline.steps.compute_indicators import compute_session_indicators
        from market_pipeline.steps.wanted_indicators import PandasTaRequest

        opened = runtime.open()
        request = PandasTaRequest(tuple(config.pandas_ta_symbols), tuple(config.pandas_ta_columns))
        days = days_of(context, file)
        report = compute_session_indicators(opened, opened.market(file.market), days, request=request)
        shown = {"chart": chart_preview(opened, file, days[-1])}
        context.add_asset_metadata(shown, partition_key=days[-1].isoformat())
        return dg.MaterializeResult(
            metadata={"dagster/row_count": report.rows, "symbols": report.symbols, "columns": report.columns},
            check_results=[valid_result(key, report.rules)],
        )

    return session_indicators


def _session_levels(
    file: MarketFile, partitions: dg.PartitionsDefinition, policy: dg.FreshnessPolicy
) -> dg.AssetsDefinition:
    key = [file.market, "session_levels"]

    @dg.asset(
        key=key,
        partitions_def=partitions,
        backfill_policy=one_run(),
        group_name=file.market,
        metadata=table_metadata(LEVELS_1M),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
        freshness_policy=policy,
        deps=[[file.market, "session_bars"]],
        op_tags={"dagster/priority": "1"},  # before the indicators, whose chart shows the levels too
        description=f"Levels of one closed session of {file.title}, and of the next two: windows reach into it.",
    )
    def session_levels(context: dg.AssetExecutionContext, runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.compute_levels import compute_session_levels

        opened = runtime.open()
        report = compute_session_levels(opened, opened.market(file.market), days_of(context, file))
        return dg.MaterializeResult(
            metadata={"dagster/row_count": report.rows, "symbols": report.symbols},
            check_results=[valid_result(key, report.rules)],
        )

    return session_levels


def _bars_1d(file: MarketFile, partitions: dg.PartitionsDefinition, policy: dg.FreshnessPolicy) -> dg.AssetsDefinition:
    key = [file.market, "bars_1d"]

    @dg.asset(
        key=key,
        partitions_def=partitions,
        backfill_policy=one_run(),
        freshness_policy=policy,
        group_name=file.market,
        metadata=table_metadata(BARS_1D),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
        deps=[[file.market, "instruments"]],
        description=f"Daily bars of {file.title} from the sources' histories; prices as traded, not adjusted.",
    )
    def bars_1d(context: dg.AssetExecutionContext, runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.daily_bars import session_daily_bars

        opened = runtime.open()
        days = days_of(context, file)
        report = session_daily_bars(opened, opened.market(file.market), first=days[0], last=days[-1])
        _require_history(file, RequestKind.DAILY_BARS, report.counts)
        for day in days:
            context.add_asset_metadata({"dagster/row_count": report.by_day.get(day, 0)}, partition_key=day.isoformat())
        return dg.MaterializeResult(
            metadata={
                "history_requests": counts_text(report.counts),
                "repaired": report.repaired,
                "unclear": report.unclear,
            },
            check_results=[valid_result(key, report.rules)],
        )

    return bars_1d


def _require_history(file: MarketFile, kind: RequestKind, counts: Mapping[str, int]) -> None:
    """Raise Failure when the source's history is not there for most symbols: the daily schedule then tries again."""
    from market_pipeline.steps.failures import tally_kind

    requests = tally_kind(kind, counts)
    if requests.total and requests.answered / requests.total < file.coverage.fail:
        raise dg.Failure(
            f"asked the history of {requests.total} symbols of {file.market} ({kind}) and got {counts_text(counts)}; "
            "what was seen live is stored; a retry helps once the source answers, and the daily schedule makes one "
            "each hour; market-pipeline doctor tries the source"
        )


def days_of(context: dg.AssetExecutionContext, file: MarketFile) -> list[date]:
    """Return the sessions to materialize, oldest first.

    Dagster takes a day without partition for the next one that has one; what was asked for must not become another day.
    """
    asked = context.partition_key_range
    keys = sorted(key for key in context.partition_keys if asked.start <= key <= asked.end)
    if not keys:
        raise UsageError(
            f"asked for sessions of {file.market} from {asked.start} to {asked.end}, and there is none; "
            f"a retry does not help; name a trading date, as the asset's partitions list them"
        )
    return [date.fromisoformat(key) for key in keys]
