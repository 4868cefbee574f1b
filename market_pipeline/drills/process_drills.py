"""Drills of the processes, at real pace: Dagster's daemon is killed, a run hangs. Each starts the whole system."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from market_pipeline.clock import floor_minute
from market_pipeline.components.launcher.protocol import FOLDER
from market_pipeline.components.launcher.workers import SUFFIX, Worker, is_living
from market_pipeline.drills.drill import Drill, Pace, Say
from market_pipeline.drills.expectations import ends, fact, is_noticed, reached_in_time, told
from market_pipeline.drills.real_system import PLATFORM, RealSystem, close_record, new_record, real_system
from market_pipeline.drills.record import Record
from market_pipeline.errors import SourceUnreachable

MARKET, JOB = "crypto", "crypto_minute"
MINUTE = timedelta(minutes=1)
SETTLES_SECONDS = 150
"""Until the schedules run and the watchdog has looked for longer than its patience."""
RESTART_SECONDS, HUNG_SECONDS, OVER_SECONDS = 120, 240, 480
TABLE_SECONDS = 120
"""The table of alerts follows what the watchdog told at the next look."""
DAEMON_ENDED = "part_ended.daemon"


def kill_daemon(folder: Path, say: Say) -> Record:
    """Kill Dagster's daemon, and follow its restart, the alert and its end, and the minutes in between."""
    with real_system(folder, say) as system:
        _settle(system, say)
        pid = system.part("daemon")["pid"]
        record = new_record(MARKET, system.clock.now())
        os.kill(pid, signal.SIGKILL)
        say("the daemon is killed; waiting for another one")
        _note(system, record, "daemon runs again", is_so=_other(system, pid))
        say("waiting for the alert")
        system.wait(RESTART_SECONDS, lambda: _arrived(system, record, "daemon"))
        say("waiting for three more cycles")
        _follow_cycles(system, record)
        say("waiting for the recovery, which comes once the daemon has lived for five minutes")
        system.wait(OVER_SECONDS, lambda: _arrived(system, record, "RECOVERED"))
        system.wait(TABLE_SECONDS, lambda: _is_over(system, record), poll=5.0)
        return _closed(system, record)


def hang_run(folder: Path, say: Say) -> Record:
    """Stop the process of a minute's run in its midst, and follow how it is ended and the next minutes come."""
    with real_system(folder, say) as system:
        _settle(system, say)
        say("waiting for a run of crypto to stop it in its midst")
        home = system.settings.feed_folder / "dagster"
        worker = system.wait(RESTART_SECONDS, lambda: _running(home), poll=0.02)
        if worker is None:
            raise SourceUnreachable(
                "waited for a run of crypto_minute and none began; a retry may help; see daemon.log"
            )
        os.kill(worker.pid, signal.SIGSTOP)
        record = new_record(MARKET, system.clock.now())
        say("a run is frozen; waiting for somebody to end it")
        ended = system.wait(HUNG_SECONDS, lambda: not is_living(home, worker.run_id))
        record.fault_ended = system.clock.now()
        _note(system, record, "frozen run is ended", is_so=ended)
        if ended:
            record.facts["noticed"] = record.fault_ended
        say("waiting for three more cycles")
        _follow_cycles(system, record, since=record.fault_ended)
        system.wait(OVER_SECONDS, lambda: _is_over(system, record), poll=5.0)
        return _closed(system, record)


def _settle(system: RealSystem, say: Say) -> None:
    say("waiting for the schedules to tick")
    began = system.clock.now()
    found = system.wait(SETTLES_SECONDS * 2, lambda: len(system.cycles_since(MARKET, began)) >= 2, poll=2.0)
    if not found:
        raise SourceUnreachable("waited for two scheduled cycles and they did not come; a retry may help; see the logs")


def _other(system: RealSystem, pid: int) -> bool:
    return bool(system.wait(RESTART_SECONDS, lambda: system.part("daemon").get("pid") not in (None, pid)))


def _running(home: Path) -> Worker | None:
    """Return the process of a run of the job, if one lives. What is just being written is read the next time."""
    for path in (home / FOLDER).glob(f"*{SUFFIX}"):
        with suppress(OSError, ValueError, TypeError):
            worker = Worker(**json.loads(path.read_bytes()))
            if JOB in worker.arguments and is_living(home, worker.run_id):
                return worker
    return None


def _arrived(system: RealSystem, record: Record, word: str) -> bool:
    return any(word in one.subject and one.at >= record.fault_began for one in system.slack.arrivals)


def _note(system: RealSystem, record: Record, what: str, *, is_so: object) -> None:
    now = system.clock.now()
    record.facts[what] = f"after {(now - record.fault_began).total_seconds():.0f} s" if is_so else "never"
    record.note(now, what if is_so else f"never: {what}")


def _follow_cycles(system: RealSystem, record: Record, since: datetime | None = None) -> None:
    """Wait until three cycles have run, then name the minutes of the fault without a bar."""
    begin = since or record.fault_began
    found = system.wait(RESTART_SECONDS * 3, lambda: len(system.cycles_since(MARKET, begin)) >= 3, poll=2.0)
    _note(system, record, "three more cycles have run", is_so=found)
    began = floor_minute(record.fault_began)
    wanted = {began + number * MINUTE for number in range(int((system.clock.now() - began) / MINUTE) - 2)}
    missing = wanted - set(system.minutes_with_bars(MARKET, began))
    record.facts["minutes without a bar"] = sorted(f"{minute:%H:%M}" for minute in missing)


def _is_over(system: RealSystem, record: Record) -> bool:
    seen = close_record(system, Record(MARKET, record.fault_began, record.fault_ended))
    own = seen.alerts_of(MARKET, PLATFORM)
    return all(row["ended"] is not None for row in own)


def _closed(system: RealSystem, record: Record) -> Record:
    record.fault_ended = max(record.fault_ended, record.fault_began + timedelta(seconds=1))
    return close_record(system, record)


DAEMON_KILLED = Drill(
    "daemon-killed",
    "Dagster's daemon, which starts every run, is killed with SIGKILL while everything runs.",
    MARKET,
    Pace.REAL,
    600,
    kill_daemon,
    [
        fact("the daemon runs again", "daemon runs again", lambda found: found != "never"),
        told(DAEMON_ENDED, within=1.5, market=PLATFORM),
        reached_in_time("slack", within=1.5),
        reached_in_time("mail", within=1.5),
        fact("cycles go on by themselves", "three more cycles have run", lambda found: found != "never"),
        fact("every minute has its bars", "minutes without a bar", lambda found: found == []),
        ends(DAEMON_ENDED, within=7, market=PLATFORM),
    ],
)

RUN_HUNG = Drill(
    "run-hung",
    "The process of a minute's run is stopped in its midst, perhaps with its market's lock, and stays so.",
    MARKET,
    Pace.REAL,
    480,
    hang_run,
    [
        fact("the frozen run is ended by itself", "frozen run is ended", lambda found: found != "never"),
        is_noticed(within=2.5),
        fact("cycles go on by themselves", "three more cycles have run", lambda found: found != "never"),
        fact("every minute has its bars", "minutes without a bar", lambda found: found == []),
    ],
)
