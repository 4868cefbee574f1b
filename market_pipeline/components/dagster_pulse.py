"""Reads from Dagster's storage whether its daemon works: when a schedule or sensor last ticked, when it last beat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster import DagsterInstance
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus

ENOUGH = timedelta(seconds=90)
"""A schedule of ours ticks each minute: who has ticked so lately has no trouble, and no other need be asked."""
REACH = timedelta(hours=6)


@dataclass(frozen=True)
class Pulse:
    """When schedules last ticked, and when each of the daemon's threads last said that it lives. Machine time, UTC."""

    newest_tick: datetime | None
    heartbeats: Mapping[str, datetime]
    has_schedules: bool


class PulseReader:
    """Holds Dagster's storage open; close it."""

    def __init__(self, home: Path) -> None:
        self._instance = DagsterInstance.from_config(str(home))

    def read(self, now: datetime) -> Pulse:
        """Return the pulse as the storage knows it."""
        running = {InstigatorStatus.RUNNING, InstigatorStatus.DECLARED_IN_CODE}
        states = self._instance.all_instigator_state(
            instigator_type=InstigatorType.SCHEDULE, instigator_statuses=running
        )
        beats = {
            name: datetime.fromtimestamp(beat.timestamp, UTC)
            for name, beat in self._instance.get_daemon_heartbeats().items()
        }
        return Pulse(self._newest_tick(states, now), beats, bool(states))

    def close(self) -> None:
        """Let go of the storage."""
        self._instance.dispose()

    def _newest_tick(self, states: Sequence[InstigatorState], now: datetime) -> datetime | None:
        newest = None
        for moment in self._ticks(states, now):
            newest = moment if newest is None else max(newest, moment)
            if now - newest < ENOUGH:
                break
        return newest

    def _ticks(self, states: Sequence[InstigatorState], now: datetime) -> Iterator[datetime]:
        since = (now - REACH).timestamp()
        for state in states:
            ticks = self._instance.get_ticks(state.instigator_origin_id, state.selector_id, after=since, limit=1)
            for tick in ticks:
                yield datetime.fromtimestamp(tick.timestamp, UTC)
