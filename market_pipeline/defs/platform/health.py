"""The health sensor: every minute it judges all markets, reports their checks, and alerts people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from dagster_slack import SlackResource

from market_pipeline.clock import SystemClock
from market_pipeline.components.market.checks import Verdict, verdicts
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import Transient

if TYPE_CHECKING:
    from market_pipeline.quality.runs import CycleRun
    from market_pipeline.steps.runtime import Runtime

FAILED = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
REPORT_EVERY = timedelta(minutes=15)
"""An unchanged verdict is reported so rarely because Dagster's storage keeps every report."""


@dg.sensor(
    name="health",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Scores each market from 0 to 100, checks ages in open minutes, alerts once and on recovery.",
)
def health(
    context: dg.SensorEvaluationContext, runtime: RuntimeResource, slack: SlackResource
) -> dg.SensorResult | dg.SkipReason:
    """Judge all markets and tell people what begins and what ends."""
    from market_pipeline.steps.runtime import market_names
    from market_pipeline.steps.watch import scores_text, watch

    try:
        opened = runtime.open()
        runs = {name: cycle_runs(context.instance, opened, name) for name in market_names()}
        report = watch(opened, runs, slack=slack.get_client)
    except Transient as error:
        return dg.SkipReason(str(error))
    reported = json.loads(context.cursor or "{}")
    events = list(_news(verdicts(report), reported, now=SystemClock().now()))
    return dg.SensorResult(asset_events=events, skip_reason=scores_text(report), cursor=json.dumps(reported))


def _news(
    found: Iterable[tuple[str, Verdict]], reported: dict[str, list[str]], *, now: datetime
) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield an evaluation of each check whose verdict changed or was long not reported; note it in `reported`."""
    for market, verdict in found:
        name, told = f"{market}/{verdict.asset}:{verdict.name}", f"{verdict.level} {verdict.news}"
        last_told, last_time = reported.get(name, ("", datetime.min.replace(tzinfo=UTC).isoformat()))
        if told != last_told or now - datetime.fromisoformat(last_time) >= REPORT_EVERY:
            reported[name] = [told, now.isoformat()]
            yield _evaluation(market, verdict)


def _evaluation(market: str, verdict: Verdict) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey([market, verdict.asset]),
        check_name=verdict.name,
        passed=verdict.passed,
        severity=verdict.severity,
        metadata={name: dg.MetadataValue.text(str(value)) for name, value in verdict.metadata.items()},
    )


def cycle_runs(instance: dg.DagsterInstance, opened: Runtime, market: str) -> Sequence[CycleRun]:
    """Return the scheduled cycles of the watch's window, their times shifted to the feed's clock."""
    from market_pipeline.steps.watch import WINDOW

    real_now = SystemClock().now()
    shift = opened.clock.now() - real_now
    filters = dg.RunsFilter(
        job_name=f"{market}_minute",
        created_after=real_now - WINDOW - timedelta(minutes=1),
        tags={"dagster/schedule_name": f"{market}_minute"},
    )
    return [_cycle_run(record, shift) for record in instance.get_run_records(filters=filters)]


def _cycle_run(record: dg.RunRecord, shift: timedelta) -> CycleRun:
    from market_pipeline.quality.runs import CycleRun

    began = record.create_timestamp.astimezone(UTC) + shift
    ended = None if record.end_time is None else datetime.fromtimestamp(record.end_time, UTC) + shift
    run = record.dagster_run
    return CycleRun(began, ended, run.status in FAILED, run.run_id)
