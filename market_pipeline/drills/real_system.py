"""The whole system as processes, as `market-pipeline up` starts them: own folder, own ports, receivers for its alerts.

What the user's environment says of keys, channels and addresses is taken out: no message leaves this machine.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pyarrow.compute as pc
from pydantic import SecretStr

from market_pipeline.clock import Clock, SystemClock
from market_pipeline.drills.drill import Say
from market_pipeline.drills.receivers import HOST, MailServer, Webhook, mail_server, webhook
from market_pipeline.drills.record import Record, Score
from market_pipeline.drills.stage import StatedSettings
from market_pipeline.errors import SourceUnreachable
from market_pipeline.quality.health import ALL_MARKETS
from market_pipeline.settings import Settings, child_environment
from market_pipeline.steps.feed_clock import feed_clock
from market_pipeline.steps.runtime import stored_warehouse
from market_pipeline.storage.state_file import read_state

READY_SECONDS, STOP_SECONDS, POLL_SECONDS = 600, 90, 0.5
PLATFORM = "platform"


@dataclass
class RealSystem:
    """A running system, and what its receivers take."""

    settings: Settings
    process: subprocess.Popen[str]
    slack: Webhook
    mail: MailServer
    clock: Clock = field(default_factory=SystemClock)
    lines: list[str] = field(default_factory=list)
    is_ready: Event = field(default_factory=Event)

    def part(self, name: str) -> dict[str, Any]:
        """Return what is known of a supervised part: its process, its starts and ends."""
        parts = read_state(self.settings.feed_folder / "parts.json").get("parts", {})
        return dict(parts.get(name, {}))

    def cycles_since(self, market: str, moment: datetime) -> list[datetime]:
        """Return the minutes since `moment` of which a market has outcomes, oldest first."""
        stored = stored_warehouse(self.settings).read("fetch_outcomes", market, since=moment, columns=("as_of",))
        return sorted(set(stored["as_of"].to_pylist()))

    def minutes_with_bars(self, market: str, since: datetime) -> list[datetime]:
        """Return the minutes since `since` that have at least one bar, oldest first."""
        stored = stored_warehouse(self.settings).read("bars_1m", market, since=since, columns=("interval_start",))
        return sorted(pc.unique(stored["interval_start"]).to_pylist())

    def wait(self, seconds: float, seen: Callable[[], Any], *, poll: float = POLL_SECONDS) -> Any:
        """Return what `seen` gives as soon as it is something, or what it gives once the time is over."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and self.process.poll() is None:
            if found := seen():
                return found
            time.sleep(poll)
        return seen()


@contextmanager
def real_system(folder: Path, say: Say) -> Iterator[RealSystem]:
    """Start everything, and stop it at the end. Raise SourceUnreachable when it does not come up."""
    clock = _LateClock()
    with webhook(clock.now) as slack, mail_server(clock.now) as mail:
        settings = _settings(folder, slack, mail)
        command = [str(Path(sys.executable).with_name("market-pipeline")), "up"]
        process = subprocess.Popen(  # noqa: S603 our own command
            command, env=_environment(settings), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        system = RealSystem(settings, process, slack, mail, clock)
        reader = Thread(target=_read, args=[system], name="drill-up", daemon=True)
        reader.start()
        try:
            say("starting everything")
            _wait_until_ready(system)
            clock.follow(settings)
            for taken in (slack.arrivals, mail.arrivals):
                taken.clear()  # of the start, by the machine's clock
            yield system
        finally:
            say("stopping everything")
            _stop(process)
            reader.join(STOP_SECONDS)
            (folder / "up.log").write_text("".join(system.lines), encoding="utf-8")


class _LateClock:
    """The machine's clock, until there is a feed to follow."""

    def __init__(self) -> None:
        self._clock: Clock = SystemClock()

    def follow(self, settings: Settings) -> None:
        """Go as the simulated exchange does from now on."""
        self._clock = feed_clock(settings)

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()


def _settings(folder: Path, slack: Webhook, mail: MailServer) -> Settings:
    simulator, ui, code = _free_ports(3)
    return StatedSettings(
        data=folder,
        simulator_url=f"http://{HOST}:{simulator}",
        ui_port=ui,
        code_port=code,
        slack_webhook_url=SecretStr(f"{slack.address}/services/drill"),
        smtp_host=HOST,
        smtp_port=mail.port,
        alert_email_recipients="drill@example.org",
    )


def _environment(settings: Settings) -> dict[str, str]:
    webhook_url = settings.slack_webhook_url
    stated = {
        "MARKET_PIPELINE_UI_PORT": str(settings.ui_port),
        "SLACK_WEBHOOK_URL": webhook_url.get_secret_value() if webhook_url else "",
        "SMTP_HOST": settings.smtp_host or "",
        "SMTP_PORT": str(settings.smtp_port),
        "ALERT_EMAIL_RECIPIENTS": settings.alert_email_recipients,
    }
    environment = child_environment(settings)
    needed = {"MARKET_PIPELINE_FEED", "MARKET_PIPELINE_DATA", "MARKET_PIPELINE_SIMULATOR_URL"}
    needed |= {"MARKET_PIPELINE_CODE_PORT"}
    for name in (*_variables(), "DAGSTER_HOME"):
        if name not in needed:
            environment.pop(name, None)
    return environment | stated


def _variables() -> Iterator[str]:
    for described in Settings.model_fields.values():
        alias = described.validation_alias
        yield from [alias] if isinstance(alias, str) else map(str, getattr(alias, "choices", ()))


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _read(system: RealSystem) -> None:
    if system.process.stdout is not None:
        for line in system.process.stdout:
            system.lines.append(line)
            if line.startswith("ready:"):
                system.is_ready.set()
    system.is_ready.set()


def _wait_until_ready(system: RealSystem) -> None:
    system.is_ready.wait(READY_SECONDS)
    if not any(line.startswith("ready:") for line in system.lines):
        raise SourceUnreachable(
            f"started the whole system for the drill and it was not ready within {READY_SECONDS} s: "
            f"{' '.join(''.join(system.lines[-3:]).split())}; a retry may help on a quieter machine; "
            "--keep FOLDER keeps its logs"
        )


def _stop(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)


def close_record(system: RealSystem, record: Record) -> Record:
    """Fill in what tables and receivers have seen."""
    warehouse = stored_warehouse(system.settings)
    for market in (record.market, PLATFORM, ALL_MARKETS):
        record.alerts += warehouse.latest("alerts", market).to_pylist()
    record.alerts.sort(key=lambda row: row["noticed"])
    rows = warehouse.latest("health", record.market).sort_by("as_of").to_pylist()
    record.scores = [Score(row["known_at"], record.market, row["score"]) for row in rows]
    record.arrivals = {"slack": list(system.slack.arrivals), "mail": list(system.mail.arrivals)}
    record.told = [one.subject for one in system.slack.arrivals]
    for one in system.slack.arrivals:
        if one.at >= record.fault_began and " HEARTBEAT " not in one.subject:
            record.note(one.at, one.subject)
    record.timeline.sort(key=lambda event: event.after)
    return record


def new_record(market: str, at: datetime) -> Record:
    """Begin the record of a fault that begins now and ends at once: what it leaves is what lasts."""
    record = Record(market, at, at + timedelta(seconds=1))
    record.note(at, "the fault begins")
    return record
