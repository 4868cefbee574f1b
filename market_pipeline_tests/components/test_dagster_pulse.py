"""Dagster's pulse, read from a real instance's storage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.types import DaemonHeartbeat

from market_pipeline.components.dagster_pulse import PulseReader

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    found = dg.DagsterInstance.from_config(str(tmp_path))
    yield found
    found.dispose()


@pytest.fixture
def reader(tmp_path: Path, instance: dg.DagsterInstance) -> Iterator[PulseReader]:
    opened = PulseReader(tmp_path)
    yield opened
    opened.close()


def tick(instance: dg.DagsterInstance, schedule: str, *ticks: datetime) -> None:
    """Note a schedule that runs, and its ticks, as the daemon does."""
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(python_file="probe.py"), location_name="probe")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "repository"), schedule)
    data = ScheduleInstigatorData("* * * * *", NOW.timestamp())
    state = InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.DECLARED_IN_CODE, data)
    instance.add_instigator_state(state)
    for moment in ticks:
        instance.create_tick(
            TickData(
                instigator_origin_id=origin.get_id(),
                instigator_name=schedule,
                instigator_type=InstigatorType.SCHEDULE,
                status=TickStatus.SKIPPED,
                timestamp=moment.timestamp(),
                selector_id=state.selector_id,
            )
        )


def test_an_empty_storage_has_no_pulse(reader: PulseReader) -> None:
    pulse = reader.read(NOW)
    assert (pulse.newest_tick, pulse.heartbeats, pulse.has_schedules) == (None, {}, False)


def test_the_newest_tick_of_any_schedule_counts(instance: dg.DagsterInstance, reader: PulseReader) -> None:
    tick(instance, "us_minute", NOW - timedelta(minutes=9), NOW - timedelta(minutes=8))
    tick(instance, "india_minute", NOW - timedelta(minutes=3))
    tick(instance, "crypto_minute", NOW - timedelta(minutes=5))
    assert reader.read(NOW).newest_tick == NOW - timedelta(minutes=3)


def test_what_ticked_hours_ago_is_no_pulse(instance: dg.DagsterInstance, reader: PulseReader) -> None:
    tick(instance, "us_minute", NOW - timedelta(hours=7))
    pulse = reader.read(NOW)
    assert (pulse.newest_tick, pulse.has_schedules) == (None, True)


def test_each_thread_of_the_daemon_says_when_it_last_lived(instance: dg.DagsterInstance, reader: PulseReader) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(NOW.timestamp(), "SCHEDULER", "17"))
    assert reader.read(NOW).heartbeats == {"SCHEDULER": NOW}
