"""The watchdog's look: alerts through the same file and channels, and the end of what hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from market_pipeline.clock import HandClock, SystemClock
from market_pipeline.settings import Settings
from market_pipeline.steps.runtime import stored_warehouse
from market_pipeline.steps.show_alerts import show_alerts_apart
from market_pipeline.steps.tell import alert_life
from market_pipeline.steps.watch_platform import DagsterSigns, PlatformWatch
from market_pipeline_tests.alerts.receivers import Slack, slack_receiver

MINUTE = timedelta(minutes=1)
SLEEPER = "import time; time.sleep(60)"


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with slack_receiver() as receiver:
        yield receiver


@pytest.fixture
def machine() -> HandClock:
    return HandClock(SystemClock().now())


@pytest.fixture
def connected(settings: Settings, slack: Slack) -> Settings:
    return settings.model_copy(update={"slack_webhook_url": SecretStr(slack.address + "/services/x")})


class Beat:
    """A watchdog whose minutes pass by hand."""

    def __init__(self, settings: Settings, machine: HandClock, feed: HandClock, slack: Slack) -> None:
        self.watch = PlatformWatch(settings, machine)
        self.settings, self.machine, self.feed, self.slack = settings, machine, feed, slack
        self.newest_tick = machine.now()

    def minutes(self, count: int, *, ticking: bool = True, looking: bool = True) -> list[str]:
        """Let minutes pass, look in each, and return what was sent."""
        before = len(self.slack.payloads)
        for _ in range(count):
            self.machine.advance(MINUTE)
            self.feed.advance(MINUTE)
            if ticking:
                self.newest_tick = self.machine.now()
            if looking:
                self.touch()
            self.watch.look(DagsterSigns(self.newest_tick, {}))
        headers = [payload["blocks"][0]["text"]["text"] for payload in self.slack.payloads[before:]]
        return [header.removeprefix("[SIMULATED] ") for header in headers]

    def touch(self) -> None:
        """Leave the trace of a look of the health sensor."""
        path = self.settings.feed_folder / "health.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"markets": {"crypto": {"score": 97.5}}}))
        moment = self.machine.now().timestamp()
        os.utime(path, (moment, moment))


@pytest.fixture
def beat(connected: Settings, machine: HandClock, clock: HandClock, slack: Slack) -> Beat:
    return Beat(connected, machine, clock, slack)


def test_a_daemon_that_dies_is_alerted_in_the_third_minute_and_so_is_its_return(beat: Beat) -> None:
    assert beat.minutes(5) == []
    assert beat.minutes(2, ticking=False) == []
    assert beat.minutes(3, ticking=False) == ["ALERT platform: Dagster's daemon is silent"]
    assert beat.minutes(1) == ["RECOVERED platform: Dagster's daemon is silent"]


def test_before_its_first_tick_dagster_is_given_two_minutes_more(beat: Beat) -> None:
    beat.newest_tick -= MINUTE
    assert beat.minutes(4, ticking=False) == []
    assert beat.minutes(1, ticking=False) == ["ALERT platform: Dagster's daemon is silent"]


def test_with_the_daemon_the_look_at_health_goes_silent_and_both_are_one_message(beat: Beat) -> None:
    beat.minutes(1)
    assert beat.minutes(9, ticking=False, looking=False) == ["ALERT platform: Dagster's daemon is silent"]
    assert beat.minutes(1, looking=False) == []
    told = beat.minutes(1)
    assert told == ["RECOVERED platform: Dagster's daemon is silent"]


def test_the_watchdog_s_alert_is_in_the_table_and_survives_its_restart(beat: Beat, machine: HandClock) -> None:
    beat.minutes(1)
    beat.minutes(3, ticking=False)
    beat.watch = PlatformWatch(beat.settings, machine)
    assert beat.minutes(3, ticking=False) == []
    assert [alert.key for alert in alert_life(beat.settings, beat.feed).active("platform")] == ["daemon_silent"]
    assert beat.minutes(1) == ["RECOVERED platform: Dagster's daemon is silent"]
    (row,) = stored_warehouse(beat.settings).latest("alerts", "platform").to_pylist()
    assert (row["key"], row["severity"], row["messages"]) == ("daemon_silent", "critical", 4)
    assert row["ended"].replace(microsecond=0) == beat.feed.now()  # the exchange's clock ran on while it answered


def test_the_table_can_be_shown_by_a_process_that_ends(beat: Beat) -> None:
    beat.watch = PlatformWatch(beat.settings, beat.machine, show=lambda *_: None)
    beat.minutes(3, ticking=False)
    assert stored_warehouse(beat.settings).latest("alerts", "platform").num_rows == 0
    show_alerts_apart(beat.settings, beat.feed.now())
    shown = stored_warehouse(beat.settings).latest("alerts", "platform")
    assert shown.column("key").to_pylist() == ["daemon_silent"]


def test_after_a_pause_of_the_machine_itself_nobody_counts_as_silent(beat: Beat) -> None:
    beat.minutes(1)
    beat.machine.advance(60 * MINUTE)
    beat.feed.advance(60 * MINUTE)
    assert beat.minutes(2, ticking=False) == []


def named(folder: Path, word: str) -> subprocess.Popen[bytes]:
    """Start a process whose command has this word."""
    return subprocess.Popen([sys.executable, "-c", SLEEPER, word])


def note_part(settings: Settings, name: str, pid: int, *, restarts: bool = True) -> None:
    path = settings.feed_folder / "parts.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"restarts": restarts, "parts": {name: {"pid": pid, "ends": []}}}))


def test_a_silent_daemon_is_ended_for_its_supervisor_to_start_again_but_not_each_minute(
    beat: Beat, tmp_path: Path
) -> None:
    first, second = named(tmp_path, "dagster-daemon"), named(tmp_path, "dagster-daemon")
    try:
        note_part(beat.settings, "daemon", first.pid)
        beat.minutes(1)
        beat.minutes(3, ticking=False)
        assert first.wait(timeout=20) == -9
        note_part(beat.settings, "daemon", second.pid)
        beat.minutes(5, ticking=False)
        assert second.poll() is None
        beat.minutes(5, ticking=False)
        assert second.wait(timeout=20) == -9
    finally:
        for process in (first, second):
            process.kill()
            process.wait()


def test_while_all_is_being_started_a_silent_daemon_is_told_of_but_left_alone_as_nobody_would_start_it_again(
    beat: Beat, tmp_path: Path
) -> None:
    daemon = named(tmp_path, "dagster-daemon")
    try:
        note_part(beat.settings, "daemon", daemon.pid, restarts=False)
        beat.minutes(1)
        assert beat.minutes(5, ticking=False) == ["ALERT platform: Dagster's daemon is silent"]
        assert daemon.poll() is None
    finally:
        daemon.kill()
        daemon.wait()


def test_a_number_that_has_come_to_mean_another_process_is_left_alone(beat: Beat, tmp_path: Path) -> None:
    other = named(tmp_path, "something-else")
    try:
        note_part(beat.settings, "daemon", other.pid)
        beat.minutes(1)
        beat.minutes(5, ticking=False)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_code_server_that_lets_nobody_look_is_ended(beat: Beat, tmp_path: Path) -> None:
    server = named(tmp_path, "code-server")
    try:
        note_part(beat.settings, "code_server", server.pid)
        beat.minutes(1)
        assert beat.minutes(5, looking=False) == ["ALERT platform: nobody looks at the markets' health"]
        assert server.wait(timeout=20) == -9
    finally:
        server.kill()
        server.wait()


def test_the_status_line_names_markets_scores_alerts_and_the_last_tick(beat: Beat) -> None:
    beat.minutes(1)
    line = beat.watch.status_line(DagsterSigns(beat.machine.now(), {}))
    assert line.startswith("09:51 UTC casablanca open · crypto open 97.5 · global ")
    assert line.endswith(" | no alert | Dagster ticked 0 s ago")
    beat.minutes(3, ticking=False)
    assert "| 1 on: platform Dagster's daemon is silent |" in beat.watch.status_line(DagsterSigns(None, {}))


HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def frozen_holder(settings: Settings, market: str, word: str) -> subprocess.Popen[str]:
    """Start a process that holds a market's lock, and stop it."""
    path = settings.feed_folder / "warehouse" / "locks" / f"{market}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", HOLDER, str(path), word]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_frozen_run_that_holds_a_market_s_lock_is_told_of_and_killed(beat: Beat) -> None:
    run = frozen_holder(beat.settings, "india", "dagster")
    try:
        assert beat.minutes(2) == []
        assert run.poll() is None
        told = beat.minutes(1)
        assert told == ["ALERT platform: a stopped process keeps india from being written"]
        assert run.wait(timeout=20) == -9
        assert beat.minutes(1) == ["RECOVERED platform: a stopped process keeps india from being written"]
    finally:
        end(run)


def test_somebody_s_own_stopped_command_is_told_of_and_left_to_them(beat: Beat) -> None:
    mine = frozen_holder(beat.settings, "india", "my-notebook")
    try:
        assert len(beat.minutes(5)) == 1
        assert mine.poll() is None
    finally:
        end(mine)
