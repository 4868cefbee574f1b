"""How long each step of a cycle took: noted as the cycle goes, written once at its end, and read for `status`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import structlog

from market_pipeline.clock import floor_minute
from market_pipeline.errors import StorageError, WarehouseBusy
from market_pipeline.storage.tables import STEP_TIMES

if TYPE_CHECKING:
    from market_pipeline.steps.fetch_quotes import QuotesReport
    from market_pipeline.steps.runtime import MarketRuntime, Runtime

log = structlog.get_logger("market_pipeline.cycle")

FETCH, WRITE = "fetch", "write"


@dataclass
class NotedSteps:
    """What was noted of one market's cycle: (step, source) → seconds. A step that ran twice adds up."""

    market: MarketRuntime
    as_of: datetime
    seconds: dict[tuple[str, str | None], float] = field(default_factory=dict)

    def add(self, step: str, seconds: float, source: str | None = None) -> None:
        """Note a step."""
        self.seconds[step, source] = self.seconds.get((step, source), 0.0) + seconds


@contextmanager
def timed(runtime: Runtime, market: MarketRuntime, step: str) -> Iterator[None]:
    """Note how long the body takes, and how much of that it writes; a body that raises is not noted."""
    noted = _noted(runtime, market)
    began, written = runtime.clock.monotonic(), runtime.warehouse.write_seconds
    yield
    noted.add(step, runtime.clock.monotonic() - began)
    noted.add(WRITE, runtime.warehouse.write_seconds - written)


def note_sources(runtime: Runtime, market: MarketRuntime, quotes: QuotesReport) -> None:
    """Note how long each source that was asked took."""
    for name, report in quotes.by_source.items():
        if not report.note:
            _noted(runtime, market).add(FETCH, report.duration_seconds, name)


def keep_step_times(runtime: Runtime) -> None:
    """Write what was noted since the last call. It measures a cycle, so that it cannot make one fail."""
    while runtime.step_times:
        _, noted = runtime.step_times.popitem()
        try:
            _write(runtime, noted)
        except (WarehouseBusy, StorageError) as error:
            log.warning("step_times_not_kept", market=noted.market.name, error=str(error))


def last_step_times(runtime: Runtime, market: MarketRuntime) -> dict[str, float]:
    """Return "merge" or "fetch yahoo" → seconds, of the newest cycle; of a market with a sweep, of tier 1's."""
    latest = runtime.warehouse.latest(STEP_TIMES, market.name, ("tier", "step", "source", "as_of", "seconds"))
    rows = [row for row in latest.to_pylist() if row["tier"] in (None, 1)]
    newest = max((row["as_of"] for row in rows), default=None)
    return {step_name(row["step"], row["source"]): row["seconds"] for row in rows if row["as_of"] == newest}


def step_name(step: str, source: str | None) -> str:
    """Return how people call it."""
    return f"{step} {source}" if source else step


def _noted(runtime: Runtime, market: MarketRuntime) -> NotedSteps:
    as_of = floor_minute(runtime.clock.now())
    return runtime.step_times.setdefault(market.name, NotedSteps(market, as_of))


def _write(runtime: Runtime, noted: NotedSteps) -> None:
    market, now = noted.market, runtime.clock.now()
    same: dict[str, Any] = {
        "market": market.name,
        "tier": market.tier,
        "session_date": market.calendar.session_date_at(noted.as_of),
        "as_of": noted.as_of,
        "known_at": now,
    }
    rows = [same | {"step": step, "source": source, "seconds": s} for (step, source), s in noted.seconds.items()]
    runtime.warehouse.write(STEP_TIMES, market.name, pa.Table.from_pylist(rows, schema=STEP_TIMES.schema))
