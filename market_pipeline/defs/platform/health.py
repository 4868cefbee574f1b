"""The health sensor: every minute it judges all markets, reports each table's `fresh` check, and alerts people."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from market_pipeline.clock import SystemClock
from market_pipeline.components.market.checks import metadata, severity
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import MarketPipelineError
from market_pipeline.quality.freshness import Freshness
from market_pipeline.steps.runtime import Runtime, market_names
from market_pipeline.steps.watch import WINDOW, CycleRun, scores_text, watch

FAILED = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


@dg.sensor(
    name="health",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Scores every market from 0 to 100, checks freshness in open-market minutes, alerts once and on recovery.",
)
def health(context: dg.SensorEvaluationContext, runtime: RuntimeResource) -> dg.SensorResult | dg.SkipReason:
    """Judge all markets and tell people what begins and what ends."""
    try:
        opened = runtime.open()
        report = watch(opened, {name: _runs(context.instance, opened, name) for name in market_names()})
    except MarketPipelineError as error:
        return dg.SkipReason(str(error))
    events = [_evaluation(market, judged) for (market, _), judged in report.freshness.items()]
    return dg.SensorResult(asset_events=events, skip_reason=scores_text(report))


def _evaluation(market: str, judged: Freshness) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey([market, judged.table]),
        check_name="fresh",
        passed=judged.level not in {"stale", "warn"},
        severity=severity(judged),
        metadata={name: dg.MetadataValue.text(str(value)) for name, value in metadata(judged).items()},
    )


def _runs(instance: dg.DagsterInstance, opened: Runtime, market: str) -> Sequence[CycleRun]:
    """Return the scheduled cycles of the window, their times shifted to the feed's clock."""
    real_now = SystemClock().now()
    shift = opened.clock.now() - real_now
    filters = dg.RunsFilter(
        job_name=f"{market}_minute",
        created_after=real_now - WINDOW - timedelta(minutes=1),
        tags={"dagster/schedule_name": f"{market}_minute"},
    )
    return [_cycle_run(record, shift) for record in instance.get_run_records(filters=filters)]


def _cycle_run(record: dg.RunRecord, shift: timedelta) -> CycleRun:
    began = record.create_timestamp.astimezone(UTC) + shift
    ended = None if record.end_time is None else datetime.fromtimestamp(record.end_time, UTC) + shift
    return CycleRun(began, ended, record.dagster_run.status in FAILED)
