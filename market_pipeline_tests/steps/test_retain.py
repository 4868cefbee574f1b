"""What the housekeeping deletes of a feed besides its tables."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from market_pipeline.alerts.conditions import Condition, Key, Verdict
from market_pipeline.clock import HandClock, SystemClock
from market_pipeline.settings import Settings
from market_pipeline.steps.retain import retain
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.tell import tell
from market_pipeline_tests.alerts.desk import wrong

DAYS = timedelta(days=1)


def test_old_logs_payloads_and_earlier_feeds_go_and_what_somebody_else_made_stays(tmp_path: Path) -> None:
    runtime = Runtime(Settings(data=tmp_path, _env_file=None), SystemClock())
    feed, now = runtime.folder, SystemClock().now()
    earlier = [f"{now - 15 * DAYS:%Y%m%d_%H%M%S}", f"{now - 13 * DAYS:%Y%m%d_%H%M%S}", "kept_by_me"]
    payloads = [f"{now - 6 * DAYS:%Y-%m-%d}", f"{now - 5 * DAYS:%Y-%m-%d}"]  # Casablanca and Nairobi keep five days
    for path in [*(feed / "earlier" / name for name in earlier), *(feed / "payloads" / name for name in payloads)]:
        path.mkdir(parents=True)
    for name, age in {"daemon.log": 29, "webserver.log": 31}.items():
        log = feed / "logs" / name
        log.parent.mkdir(exist_ok=True)
        log.touch()
        written = (now - age * DAYS).timestamp()
        os.utime(log, (written, written))
    counts = retain(runtime)
    assert {name: counts[name] for name in ("earlier_feeds", "payload_days", "log_files", "refused_alerts")} == {
        "earlier_feeds": 1,
        "payload_days": 1,
        "log_files": 1,
        "refused_alerts": 0,
    }
    assert sorted(path.name for path in (feed / "earlier").iterdir()) == sorted(earlier[1:])
    assert [path.name for path in (feed / "payloads").iterdir()] == payloads[1:]
    assert [path.name for path in (feed / "logs").iterdir()] == ["daemon.log"]
    assert not (feed / "alerts.sqlite").exists()


def test_alerts_go_a_year_after_their_end_from_their_file_and_their_table_alike(tmp_path: Path) -> None:
    clock = HandClock(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
    runtime = Runtime(Settings(data=tmp_path, _env_file=None), clock)

    def look(*holding: Condition) -> None:
        verdict = Verdict("us", holding, frozenset())
        tell(runtime.settings, [verdict], clock=clock, warehouse=runtime.warehouse)

    look(wrong(Key.STALE_DATA), wrong(Key.LOW_SCORE))
    clock.advance(timedelta(hours=1))
    look(wrong(Key.LOW_SCORE))
    clock.advance(365 * DAYS)
    assert retain(runtime)["ended_alerts"] == 0
    clock.advance(timedelta(seconds=1))
    counts = retain(runtime)
    assert (counts["ended_alerts"], counts["alert_rows"]) == (1, 1)
    assert runtime.warehouse.latest("alerts", "us")["key"].to_pylist() == ["low_score"]
