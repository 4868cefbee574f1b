"""`publish_tickers`: a sensor that sends live tickers to PostgreSQL each minute, and a job that does it by hand.

A sensor works inside the code server: a run each minute would cost two seconds of processor beside the cycles.
"""

import dagster as dg

from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import Transient
from market_pipeline.settings import load_settings

NAME = "publish_tickers"


@dg.sensor(
    name=NAME,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Publishes what is new in live_tickers to PostgreSQL; off without MARKET_PIPELINE_POSTGRES_DSN.",
)
def publish_tickers_sensor(runtime: RuntimeResource) -> dg.SkipReason:
    """Publish, and say what went; a server that is down is tried again next minute, a wrong setting fails the tick."""
    from market_pipeline.steps.publish_tickers import publish_tickers, publishing_off_reason

    if reason := publishing_off_reason(load_settings()):
        return dg.SkipReason(reason)
    try:
        return dg.SkipReason(publish_tickers(runtime.open()).text)
    except Transient as error:
        return dg.SkipReason(str(error))


@dg.op(description="Send what PostgreSQL lacks of live_tickers.")
def publish_new_tickers(context: dg.OpExecutionContext, runtime: RuntimeResource) -> dict[str, int]:
    """Publish once; return market → rows."""
    from market_pipeline.steps.publish_tickers import publish_tickers

    report = publish_tickers(runtime.open())
    rows = {name: published.rows for name, published in report.by_market.items()}
    context.add_output_metadata({"result": dg.MetadataValue.text(report.text)})
    return rows


@dg.job(
    name=NAME,
    executor_def=dg.in_process_executor,
    tags={"market_pipeline/cadence": "publish", "dagster/max_runtime": "120"},
    description="Publish live tickers to PostgreSQL now; the sensor of the same name does it each minute.",
)
def publish_tickers_job() -> None:
    """Publish once."""
    publish_new_tickers()
