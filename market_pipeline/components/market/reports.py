"""`<market>/daily_report` and `weekly_report`, in the daily job after the session's tables; mailed if settings say so.

A week's report is made anew after each of its sessions, and mailed after the last one. The past is never mailed.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from market_pipeline.components.market.session import days_of, one_run
from market_pipeline.components.runtime_resource import RuntimeResource
from market_pipeline.errors import ConfigurationError, DeliveryError
from market_pipeline.markets.schema import MarketFile

if TYPE_CHECKING:
    from market_pipeline.reports.report import Period, Report
    from market_pipeline.steps.publish_report import Rendered
    from market_pipeline.steps.runtime import Runtime

DESCRIPTIONS = {
    "daily": "How a session of {} went: uptime, coverage, freshness, errors, gaps, movers, storage.",
    "weekly": "How the sessions of a week of {} went, up to the partition's or the last one.",
}


def assets(file: MarketFile, partitions: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Build both reports of one market."""
    return [_report(file, partitions, kind) for kind in DESCRIPTIONS]


def _report(file: MarketFile, partitions: dg.PartitionsDefinition, kind: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=[file.market, f"{kind}_report"],
        partitions_def=partitions,
        backfill_policy=one_run(),
        group_name=file.market,
        kinds={"markdown"},
        deps=[[file.market, name] for name in ("session_bars", "session_indicators", "bars_1d")],
        description=DESCRIPTIONS[kind].format(file.title),
    )
    def report(context: dg.AssetExecutionContext, runtime: RuntimeResource) -> None:
        from market_pipeline.reports.report import Period

        opened = runtime.open()
        for day in days_of(context, file):
            metadata = _publish(opened, file.market, Period(kind), day)
            context.log.info(f"{kind} report of {day}: {metadata['path'].path}")
            context.add_asset_metadata(metadata, partition_key=day.isoformat())

    return report


def _publish(opened: "Runtime", market_name: str, period: "Period", day: date) -> dict[str, Any]:  # noqa: PLR0917
    from market_pipeline.steps.publish_report import publish_report
    from market_pipeline.steps.report import is_mailed, report

    market = opened.market(market_name)
    found = report(opened, market, period, day=day)
    made, path = publish_report(opened, found)
    metadata: dict[str, Any] = {card.label: f"{card.value} ({card.detail})" for card in made.page.cards}
    metadata |= {"path": dg.MetadataValue.path(str(path)), "report": dg.MetadataValue.md(made.markdown)}
    if is_mailed(opened, market, period, day=day):
        metadata["mail"] = _mailed(opened, found, made)
    return metadata


def _mailed(opened: "Runtime", found: "Report", made: "Rendered") -> str:
    """Mail the report and say to whom. A mail that cannot be sent costs nothing: the report is in its folder."""
    from market_pipeline.steps.publish_report import mail_report

    try:
        return f"sent to {', '.join(mail_report(opened, found, made))}"
    except (ConfigurationError, DeliveryError) as error:
        return f"not sent: {error}"
