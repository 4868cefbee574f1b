"""Look at the machinery from outside Dagster: does its daemon tick, does anybody look at health, do our parts live.

Whoever knows Dagster hands over its pulse. Reads small files only, and imports neither Dagster nor the tables.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from market_pipeline.alerts.conditions import Verdict
from market_pipeline.alerts.platform import (
    FrozenHolder,
    Part,
    PlatformKey,
    PlatformSituation,
    overdue,
    platform_verdict,
)
from market_pipeline.clock import Clock, SystemClock
from market_pipeline.errors import SourceUnreachable
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.settings import Settings
from market_pipeline.steps.feed_clock import feed_clock
from market_pipeline.steps.show_alerts import show_alerts
from market_pipeline.steps.tell import Told, alert_life, tell
from market_pipeline.storage.lock_holders import frozen_holders
from market_pipeline.storage.state_file import read_state

log = structlog.get_logger("market_pipeline.watchdog")

PARTS_FILE, HEALTH_FILE = "parts.json", "health.json"
LOOKED_AWAY = timedelta(minutes=2)
"""After a longer pause of our own, a suspended machine say, we begin to watch anew."""
FIRST_TICK = timedelta(minutes=2)
"""Dagster's scheduler passes over the minutes in which it gets to know the schedules."""
MEND_EVERY = timedelta(minutes=10)
MENDED_BY = {
    PlatformKey.DAEMON_SILENT: ("daemon", "dagster-daemon"),
    PlatformKey.HEALTH_SILENT: ("code_server", "code-server"),
}
"""What is silent → the part whose end mends it, and a word of its command: a number may have come to mean another."""

RUN_WORDS = ("launcher.zygote", "dagster", "multiprocessing.spawn", "multiprocessing.forkserver")
"""What the command of a run's process has in it, started warm or the default way."""


@dataclass(frozen=True)
class DagsterSigns:
    """What Dagster's storage shows, in machine time."""

    newest_tick: datetime | None
    heartbeats: Mapping[str, datetime]


class PlatformWatch:
    """Looks again and again, with what it has to remember between two looks."""

    def __init__(
        self,
        settings: Settings,
        machine: Clock | None = None,
        *,
        show: Callable[[Settings, datetime], None] = show_alerts,
    ) -> None:
        self._settings = settings
        self._show = show
        self._machine = machine or SystemClock()
        self._since = self._machine.now()
        self._looked = self._since
        self._clock: Clock | None = None
        self._mended: dict[str, datetime] = {}
        self._frozen: dict[tuple[str, int], FrozenHolder] = {}

    def look(self, signs: DagsterSigns) -> Told:
        """Judge the machinery, tell what is new, and mend what is silent. Raises SourceUnreachable at first."""
        now = self._machine.now()
        if not timedelta() <= now - self._looked <= LOOKED_AWAY:
            self._since = now
        self._looked = now
        self._note_frozen(now)
        situation = self._situation(signs, now)
        verdict = platform_verdict(situation)
        clock = self.clock()
        told = tell(self._settings, [verdict], clock=clock, warehouse=None)
        if alert_life(self._settings, clock).unpublished():
            self._show(self._settings, clock.now())
        self._mend(verdict, now)
        for holder in overdue(situation):
            _end(holder.pid, RUN_WORDS, why=f"stopped with the lock of {holder.market}")
        return told

    def clock(self) -> Clock:
        """Return the feed's clock; while the simulated exchange is away, as it went last."""
        try:
            self._clock = feed_clock(self._settings)
        except SourceUnreachable:
            if self._clock is None:
                raise
        return self._clock

    def status_line(self, signs: DagsterSigns) -> str:
        """Return the state of all in one line: markets with their scores, alerts, Dagster's last tick."""
        now = self.clock().now()
        scores = read_state(self._settings.feed_folder / HEALTH_FILE).get("markets", {})
        markets = [
            _market_words(name, calendar_for(file).state(now).state.value, scores.get(name))
            for name, file in load_markets().items()
        ]
        on = alert_life(self._settings, self.clock()).active()
        alerts = "no alert" if not on else f"{len(on)} on: " + "; ".join(f"{a.market} {a.title}" for a in on)
        return f"{now:%H:%M} UTC {' · '.join(markets)} | {alerts} | {self._tick_words(signs)}"

    def _tick_words(self, signs: DagsterSigns) -> str:
        if signs.newest_tick is None:
            return "Dagster has not ticked"
        return f"Dagster ticked {max(int((self._machine.now() - signs.newest_tick).total_seconds()), 0)} s ago"

    def _situation(self, signs: DagsterSigns, now: datetime) -> PlatformSituation:
        feed_now = self.clock().now()
        folder = self._settings.feed_folder
        return PlatformSituation(
            at=now,
            watched_since=self._watched_since(signs),
            shift=feed_now - now,
            is_any_open=any(calendar_for(file).state(feed_now).is_open for file in load_markets().values()),
            newest_tick=signs.newest_tick,
            newest_look=_written(folder / HEALTH_FILE),
            heartbeats=signs.heartbeats,
            parts=_parts(read_state(folder / PARTS_FILE)),
            frozen=tuple(self._frozen.values()),
        )

    def _watched_since(self, signs: DagsterSigns) -> datetime:
        """Return since when silence counts: before the first tick that we see, Dagster is given time to begin."""
        has_ticked = signs.newest_tick is not None and signs.newest_tick >= self._since
        return self._since if has_ticked else self._since + FIRST_TICK

    def _note_frozen(self, now: datetime) -> None:
        """Note which stopped processes hold a lock, each since when we first saw it do so."""
        holders = frozen_holders(self._settings.feed_folder)
        self._frozen = {
            (market, pid): self._frozen.get((market, pid), FrozenHolder(market, pid, now))
            for market, pid in holders.items()
        }

    def _mend(self, verdict: Verdict, now: datetime) -> None:
        """End the part that is silent, if a supervisor keeps it, and starts it again. Not more often than it helps."""
        holding = {str(condition.key) for condition in verdict.holding}
        silent = [mended for key, mended in MENDED_BY.items() if key.value in holding]
        if not silent:
            return
        record = read_state(self._settings.feed_folder / PARTS_FILE)
        if record.get("restarts") is False:  # while all is being started, on a slow machine for minutes, nobody would
            return
        name, word = silent[0]  # without ticks nobody looks at health either: the daemon comes first
        pid = next((part.pid for part in _parts(record) if part.name == name), None)
        is_too_soon = name in self._mended and now - self._mended[name] < MEND_EVERY
        if pid is not None and not is_too_soon and _end(pid, (word,), why=f"{name} is silent"):
            self._mended[name] = now


def _market_words(name: str, state: str, health: Any) -> str:
    score = health.get("score") if isinstance(health, Mapping) else None
    return f"{name} {state.replace('_', '-')}" + (f" {score:g}" if score is not None and state != "closed" else "")


def _parts(document: Mapping[str, Any]) -> Sequence[Part]:
    return [
        Part(
            name=name,
            pid=part.get("pid"),
            ends=[datetime.fromisoformat(end) for end in part.get("ends", [])],
            ended_by=part.get("ended_by", ""),
            last_words=part.get("last_words", ""),
        )
        for name, part in document.get("parts", {}).items()
    ]


def _written(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def _end(pid: int, words: Sequence[str], *, why: str) -> bool:
    """Kill a process if its command has one of these words: its number may have come to mean another one."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        if not any(word in command for word in words):
            return False
        os.kill(pid, signal.SIGKILL)  # what hangs does not listen to anything milder
    except (OSError, ProcessLookupError):
        return False
    log.warning("process_killed", pid=pid, why=why)
    return True
