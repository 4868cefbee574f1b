"""Where a drill on the shifted clock is played: a folder, a clock moved by hand, a simulated exchange, receivers.

Nothing of the user's settings, environment or data is read or touched: no message leaves this machine.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from market_pipeline.clock import HandClock
from market_pipeline.drills.receivers import HOST, MailServer, Webhook, mail_server, webhook
from market_pipeline.logs import configure_logging
from market_pipeline.markets.schema import MarketFile, SourceRule
from market_pipeline.quality.runs import CycleRun
from market_pipeline.settings import Settings
from market_pipeline.simulator.faults import FaultPlan
from market_pipeline.simulator.server import RunningSimulator, SimulatorOptions, running_simulator
from market_pipeline.sources.source import Source
from market_pipeline.sources.transport.patience import Patience
from market_pipeline.sources.transport.recorder import Recorder
from market_pipeline.steps.runtime import MarketRuntime, Runtime

MINUTE = timedelta(minutes=1)
LONGEST_CYCLE_SECONDS = 55
MOST_SYMBOLS = 12
"""Of a market that takes its instruments from a list: a drill in hundreds is no other than one in a dozen."""


class StatedSettings(Settings):
    """Settings of what is stated and of defaults: neither the environment nor .env is read."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *_: object, **given: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Keep what is stated only."""
        del settings_cls
        return (given["init_settings"],)


@dataclass
class StageClock(HandClock):
    """Moves when it is told to. Pauses cost no real time, but count; what flows counts real time besides."""

    is_flowing: bool = False
    began: float = field(default_factory=time.monotonic)

    def monotonic(self) -> float:
        """Return the seconds that it was moved by, and those that really passed if it flows."""
        return self.ticks + (time.monotonic() - self.began if self.is_flowing else 0.0)

    def sleep(self, seconds: float) -> None:
        """Let a pause pass."""
        self.ticks += seconds


class StageRuntime(Runtime):
    """A runtime whose pauses take no time, whose markets are small, and which waits for a busy machine."""

    def wired(self, file: MarketFile, *, in_cycle: bool = False) -> MarketRuntime:
        """Wire a market as ever, with a dozen of its instruments; only where time flows its own deadlines hold."""
        is_flowing = isinstance(self.clock, StageClock) and self.clock.is_flowing
        return super().wired(_small(file if is_flowing else _patient(file)), in_cycle=in_cycle)

    def _source(
        self, file: MarketFile, patience: Patience, rule: SourceRule, *, recorder: Recorder | None = None
    ) -> Source:
        if isinstance(self.clock, StageClock):
            patience = replace(patience, sleep=self.clock.sleep)
        return super()._source(file, patience, rule, recorder=recorder)


def _patient(file: MarketFile) -> MarketFile:
    """Let every source have all the time that a cycle may take: a slow machine is no fault that a drill is about."""
    rules = tuple(rule.model_copy(update={"deadline_seconds": None}) for rule in file.sources)
    return file.model_copy(update={"sources": rules, "cycle_deadline_seconds": LONGEST_CYCLE_SECONDS})


def _small(file: MarketFile) -> MarketFile:
    if file.universe is None:
        return file
    few = file.universe.model_copy(update={"limit": MOST_SYMBOLS})
    return file.model_copy(update={"universe": few, "tier_1": file.tier_1[: MOST_SYMBOLS // 2], "sweep": None})


@dataclass
class Stage:
    """Everything that a drill acts on."""

    folder: Path
    clock: StageClock
    exchange: RunningSimulator
    settings: Settings
    slack: Webhook
    mail: MailServer
    markets: Sequence[str]
    runs: dict[str, list[CycleRun]] = field(default_factory=lambda: defaultdict(list))
    plan: FaultPlan = field(default_factory=FaultPlan)
    facts: dict[str, Any] = field(default_factory=dict)
    is_stopped: bool = False
    """Nobody starts cycles."""
    around_cycle: Callable[[], AbstractContextManager[None]] = nullcontext
    """What each cycle is run in."""

    @property
    def runtime(self) -> Runtime:
        """Return a new runtime, as each minute's process makes one."""
        return StageRuntime(self.settings, self.clock)

    def set_faults(self, plan: FaultPlan) -> None:
        """Put another plan in force at the exchange; an empty one ends all faults."""
        self.exchange.set_faults(plan)
        self.plan = plan if plan.faults else self.plan

    def move_to(self, moment: datetime) -> None:
        """Let time pass up to a moment."""
        if moment > self.clock.now():
            self.clock.advance(moment - self.clock.now())


@contextmanager
def open_stage(
    folder: Path, at: datetime, *, markets: Sequence[str], is_flowing: bool = False, budgets: bool = False
) -> Iterator[Stage]:
    """Set the stage at a moment, and clear it at the end; what was written stays in the folder."""
    clock = StageClock(at, is_flowing=is_flowing)
    options = SimulatorOptions(port=0, speed=0, delays=True)
    with (
        running_simulator(options, clock=clock) as exchange,
        webhook(clock.now) as slack,
        mail_server(clock.now) as mail,
    ):
        settings = StatedSettings(
            data=folder,
            simulator_url=exchange.url,
            budgets=budgets,
            slack_webhook_url=SecretStr(f"{slack.address}/services/drill"),
            smtp_host=HOST,
            smtp_port=mail.port,
            alert_email_recipients="drill@example.org",
        )
        configure_logging(settings, has_screen=False)
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
        try:
            yield Stage(folder, clock, exchange, settings, slack, mail, markets)
        finally:
            _close_logs()


def _close_logs() -> None:
    root = logging.getLogger("market_pipeline")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
