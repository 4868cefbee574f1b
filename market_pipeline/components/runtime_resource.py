"""The one resource that assets, schedules and sensors share: the runtime of the feed that the environment names."""

from __future__ import annotations

import dagster as dg
from pydantic import PrivateAttr

from market_pipeline.logs import configure_logging
from market_pipeline.settings import load_settings
from market_pipeline.steps.runtime import Runtime, open_runtime


class RuntimeResource(dg.ConfigurableResource):
    """Opens the runtime once per run or tick; a later tick asks the simulated exchange for its clock anew."""

    _opened: Runtime | None = PrivateAttr(default=None)

    def open(self) -> Runtime:
        """Return the runtime. Raises ConfigurationError for wrong settings, SourceUnreachable without simulator."""
        if self._opened is None:
            settings = load_settings()
            configure_logging(settings)
            self._opened = open_runtime(settings)
        return self._opened
