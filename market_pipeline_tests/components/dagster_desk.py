"""Runs of the project's jobs in this process, and what they left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster_shared.serdes import serialize_value

from market_pipeline.steps.fetch_quotes import fetch_quotes
from market_pipeline.steps.merge_tickers import merge_tickers
from market_pipeline.steps.runtime import Runtime

OPEN = datetime(2026, 11, 19, 9, 50, tzinfo=UTC)
"""A Thursday: Casablanca has traded for 20 minutes, India for six hours; crypto always does."""
EARLY = datetime(2026, 11, 19, 0, 20, tzinfo=UTC)
"""The day of crypto is twenty minutes old."""
WEEKEND = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def ask(runtime: Runtime, market: str) -> None:
    """Do the part of a cycle that freshness and health need, without Dagster."""
    wired = runtime.market(market)
    fetch_quotes(runtime, wired)
    merge_tickers(runtime, wired)


@dataclass
class Desk:
    """One instance with all definitions."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def run(self, job: str, **options: Any) -> Ran:
        """Run a job to its end, whatever that is."""
        job_def = self.definitions.get_repository_def().get_job(job)
        return Ran(job_def.execute_in_process(instance=self.instance, raise_on_error=False, **options))

    def materialize(self, *assets: str, **options: Any) -> Ran:
        """Materialize single assets, as the button in the UI does; for a range of sessions give `first` and `last`."""
        if "first" in options:
            first, last = options.pop("first"), options.pop("last")
            names = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
            options["tags"] = dict(zip(names, (first, last), strict=True))
        selection = [dg.AssetKey.from_user_string(name) for name in assets]
        return self.run("__ASSET_JOB", asset_selection=selection, **options)


@dataclass
class Ran:
    """One finished run."""

    result: dg.ExecuteInProcessResult

    @property
    def success(self) -> bool:
        return self.result.success

    def materialized(self) -> list[str]:
        """Return the assets in the order of their events."""
        return [found.asset_key.to_user_string() for found in self._materializations()]

    def metadata(self, asset: str, partition: str | None = None) -> dict[str, Any]:
        """Return the plain values of the last materialization of an asset."""
        key = dg.AssetKey.from_user_string(asset)
        found = [m for m in self._materializations() if m.asset_key == key and m.partition == partition]
        return {name: value.value for name, value in found[-1].metadata.items()}

    def check(self, asset: str, name: str = "valid") -> dg.AssetCheckEvaluation:
        """Return the evaluation of a check."""
        key = dg.AssetKey.from_user_string(asset)
        return next(e for e in self.evaluations() if e.asset_key == key and e.check_name == name)

    def evaluations(self) -> list[dg.AssetCheckEvaluation]:
        return list(self.result.get_asset_check_evaluations())

    def metadata_bytes(self) -> int:
        """Return the size of all metadata of the run, as stored."""
        every: list[Mapping[str, Any]] = [found.metadata for found in self._materializations()]
        every += [evaluation.metadata for evaluation in self.evaluations()]
        return sum(len(serialize_value(dict(metadata))) for metadata in every)

    def failures(self) -> str:
        """Return what failed steps said."""
        return "\n".join(
            str(event.step_failure_data.error) for event in self.result.all_events if event.is_step_failure
        )

    def _materializations(self) -> Iterator[dg.AssetMaterialization]:
        for event in self.result.all_events:
            if event.is_step_materialization:
                yield event.step_materialization_data.materialization
