"""Apply every market's retention to the warehouse, the payloads and the snapshot files."""

from __future__ import annotations

from collections import Counter

from market_pipeline.steps.keep_health import retain_health
from market_pipeline.steps.runtime import Runtime, market_names
from market_pipeline.storage.retention import retain_market


def retain(runtime: Runtime) -> dict[str, int]:
    """Delete what is older than its retention; return what went, and what had to be set aside, by kind."""
    counts: Counter[str] = Counter()
    for name in market_names():
        file = runtime.market(name).file
        counts.update(retain_market(runtime.warehouse, name, file.retention))
        counts["unreadable_slices"] += runtime.warehouse.set_unreadable_aside(name)
    counts["health_minutes"] += retain_health(runtime)
    counts["payload_days"] += runtime.payloads.retain()
    counts["swept_files"] += runtime.warehouse.sweep(runtime.clock.now()).files
    return dict(counts)
