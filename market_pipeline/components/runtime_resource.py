"""The one resource that assets, schedules and sensors share: the runtime of the feed that the environment names."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import PrivateAttr

from market_pipeline.components.cadence import is_unhurried
from market_pipeline.settings import Settings, load_settings
from market_pipeline.storage.locks import LOCK_TIMEOUT_SECONDS

if TYPE_CHECKING:
    from market_pipeline.steps.runtime import Runtime

TIER_TAG = "market_pipeline/tier"
"""Names the only tier that a run works on, in markets with a sweep of their own."""
UNHURRIED_LOCK_SECONDS = 120.0
"""A slow machine's first cycles hold their market's lock for longer than a cycle may wait for it."""


class RuntimeResource(dg.ConfigurableResource):
    """Opens the runtime once per run or tick; a later tick asks the simulated exchange for its clock anew."""

    _opened: Runtime | None = PrivateAttr(default=None)
    _tier: int | None = PrivateAttr(default=None)
    _patience: float = PrivateAttr(default=LOCK_TIMEOUT_SECONDS)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Note which tier the run is about, if it says so, and how long it may wait for a market's lock."""
        tags = context.run.tags if context.run else {}
        self._tier = int(tags[TIER_TAG]) if TIER_TAG in tags else None
        self._patience = UNHURRIED_LOCK_SECONDS if is_unhurried(tags) else LOCK_TIMEOUT_SECONDS

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's signature
        """Write how long the run's steps took."""
        if self._opened is not None and self._opened.step_times:
            from market_pipeline.steps.step_times import keep_step_times

            keep_step_times(self._opened)

    def open(self) -> Runtime:
        """Return the runtime. Raises ConfigurationError for wrong settings, SourceUnreachable without simulator."""
        from market_pipeline.steps.runtime import open_runtime

        if self._opened is None:
            settings = load_settings()
            _log_to_the_feed(settings)
            self._opened = replace(open_runtime(settings), tier=self._tier, lock_seconds=self._patience)
        return self._opened


@cache
def _log_to_the_feed(settings: Settings) -> None:
    """Configure logging once a process: the ticks of a minute run in parallel threads of one code server."""
    from market_pipeline.logs import configure_logging

    configure_logging(settings)
