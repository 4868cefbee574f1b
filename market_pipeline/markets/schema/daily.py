"""When the daily job may do its heavy part."""

from __future__ import annotations

from datetime import time

from pydantic import Field

from market_pipeline.markets.schema.fields import LocalTime, Section


class DailyRule(Section):
    """The daily job asks for a whole session's history of every symbol. By default it does so as soon as it can."""

    heavy_window: tuple[LocalTime, LocalTime] | None = Field(
        None, description="local hours in which sessions are completed, from and until; it may cross midnight"
    )

    def is_open_at(self, local: time) -> bool:
        """Tell whether the heavy part may run at a local time of day."""
        if self.heavy_window is None:
            return True
        start, end = self.heavy_window
        return start <= local < end if start < end else local >= start or local < end
