"""`<market>/gaps`: missing minutes, found and healed from the sources' history, with a schedule of its own.

Every five minutes: looking costs a second, so the minute cycle is kept free of it.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from market_pipeline.components.cadence import run_tags
from market_pipeline.components.market.metadata import (
    counts_text,
    markdown_table,
    table_metadata,
    valid_result,
    valid_spec,
)
from market_pipeline.components.market.schedules import Job, Ticking, due_schedule, every_five_minutes
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.markets.schema import MarketFile
from market_pipeline.storage.tables import GAPS

if TYPE_CHECKING:
    from market_pipeline.steps.heal_gaps import HealReport
    from market_pipeline.steps.runtime import MarketRuntime, Runtime

HEAL_SECONDS = 200
"""For asking; what a portion brought is stored and computed after that, and the next run begins at five minutes."""
HEAL_MAX_RUNTIME_SECONDS = 900
SHOWN = 10


def asset(file: MarketFile) -> dg.AssetsDefinition:
    """Build the asset for one market."""
    key = [file.market, "gaps"]

    @dg.asset(
        key=key,
        deps=[[file.market, "bars_1m"]],
        group_name=file.market,
        description=f"Missing minutes of {file.title}: why, and what became of them. Healed from the sources' history.",
        metadata=table_metadata(GAPS),
        kinds={"parquet", "duckdb"},
        check_specs=[valid_spec(key)],
    )
    def gaps(runtime: RuntimeResource) -> dg.MaterializeResult:
        from market_pipeline.steps.heal_gaps import heal_gaps

        opened = runtime.open()
        report = heal_gaps(opened, opened.market(file.market), deadline_seconds=HEAL_SECONDS)
        return dg.MaterializeResult(metadata=_metadata(report), check_results=[valid_result(key, report.gaps.rules)])

    return gaps


def heal_job(file: MarketFile, gaps: dg.AssetsDefinition) -> Job:
    """Build `<market>_heal`: find the gaps and work them off."""
    return dg.define_asset_job(
        f"{file.market}_heal",
        selection=dg.AssetSelection.assets(gaps),
        executor_def=dg.in_process_executor,
        tags=run_tags(file.market, "heal", longest_seconds=HEAL_MAX_RUNTIME_SECONDS),
        description=f"Find the missing minutes of {file.title} and heal them, newest and tier 1 first.",
    )


def heal_schedule(file: MarketFile, job: Job) -> dg.ScheduleDefinition:
    """Build the schedule that works gaps off every five minutes while there can be some."""

    def reason(_: dg.ScheduleEvaluationContext, runtime: "Runtime", market: "MarketRuntime") -> str | None:
        from market_pipeline.steps.heal_due import heal_skip_reason

        return heal_skip_reason(runtime, market)

    cron = every_five_minutes(file.market, later=0)
    description = f"Every five minutes while minutes of {file.title} may be missing"
    return due_schedule(file, job, Ticking(cron, description, reason))


def _metadata(report: "HealReport") -> dict[str, Any]:
    by_state: dict[str, dict[str, int]] = {}
    for (state, cause), count in report.gaps.counts.items():
        by_state.setdefault(state, {})[cause] = count
    states = ("open", "healing", "healed", "unhealable")
    metadata: dict[str, Any] = {"dagster/row_count": report.gaps.rows.num_rows}
    metadata |= {state: counts_text(by_state[state]) if state in by_state else "none" for state in states}
    metadata |= {"asked": report.asked, "answered": report.answered, "bars": report.bars, "requests_left": report.left}
    if report.left and report.eta is not None:
        metadata["time_left"] = str(report.eta)
    names = ("symbol", "first_minute", "minutes", "cause", "state", "reason")
    shown = report.gaps.active.slice(0, SHOWN).select(names).to_pylist()
    if shown:
        metadata["newest"] = markdown_table(names, [list(row.values()) for row in shown])
    return metadata
