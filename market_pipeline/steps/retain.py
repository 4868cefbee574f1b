"""Apply every market's retention to the warehouse, and the feed's own to payloads, snapshots, logs and alerts."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta

from market_pipeline.alerts.ledger import Ledger
from market_pipeline.alerts.message import PLATFORM
from market_pipeline.clock import SystemClock
from market_pipeline.logs import retain_logs
from market_pipeline.steps.keep_health import retain_health
from market_pipeline.steps.runtime import EARLIER, EARLIER_FORMAT, Runtime, market_names
from market_pipeline.steps.tell import LEDGER
from market_pipeline.storage.layout import names_in
from market_pipeline.storage.retention import retain_market
from market_pipeline.storage.staging import sweep_staging
from market_pipeline.storage.tables import ALERTS

EARLIER_DAYS = 14
"""Simulated tables that a clock that stepped back set aside."""


def retain(runtime: Runtime) -> dict[str, int]:
    """Delete what is older than its retention; return what went, and what had to be set aside, by kind."""
    counts: Counter[str] = Counter()
    payload_days = 0
    for name in market_names():
        file = runtime.market(name).file
        counts.update(retain_market(runtime.warehouse, name, file.retention))
        counts["unreadable_slices"] += runtime.warehouse.set_unreadable_aside(name)
        payload_days = max(payload_days, file.retention.payload_days)
    counts["payload_days"] += runtime.payloads.retain(payload_days)  # packs are of all markets
    counts["health_minutes"] += retain_health(runtime)
    counts.update(_retain_alerts(runtime))
    counts["swept_files"] += runtime.warehouse.sweep(runtime.clock.now()).files
    return {**counts, **_retain_of_the_machine(runtime, SystemClock().now())}


def _retain_alerts(runtime: Runtime) -> dict[str, int]:
    """Delete what ended long ago from the alerts' memory and from their table, which shows it."""
    limit = runtime.clock.now() - timedelta(days=runtime.settings.alert_days)
    ledger = runtime.folder / LEDGER
    ended = Ledger(ledger).forget_ended(limit) if ledger.exists() else 0
    markets = (*market_names(), PLATFORM)
    shown = sum(runtime.warehouse.drop_before(ALERTS, name, "ended", before=limit) for name in markets)
    return {"ended_alerts": ended, "alert_rows": shown}


def _retain_of_the_machine(runtime: Runtime, now: datetime) -> dict[str, int]:
    """Delete what ages by the machine's clock; `now` is its time."""
    limit = now - timedelta(days=runtime.settings.log_days)
    ledger = runtime.folder / LEDGER
    return {
        "log_files": retain_logs(runtime.folder / "logs", limit),
        "refused_alerts": Ledger(ledger).forget_refused(limit) if ledger.exists() else 0,
        "staged_backups": sweep_staging(runtime.folder, now),
        "earlier_feeds": _retain_earlier(runtime, now - timedelta(days=EARLIER_DAYS)),
    }


def _retain_earlier(runtime: Runtime, limit: datetime) -> int:
    folder = runtime.folder / EARLIER
    moments = {name: _set_aside_at(name) for name in names_in(folder)}
    old = [name for name, moment in moments.items() if moment is not None and moment < limit]
    for name in old:
        shutil.rmtree(folder / name, ignore_errors=True)
    return len(old)


def _set_aside_at(name: str) -> datetime | None:
    """Return the moment that a folder is named for; None for one that somebody else made."""
    try:
        return datetime.strptime(name, EARLIER_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
