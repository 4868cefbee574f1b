"""A board that alerts are pinned to, and a life as every new process finds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from market_pipeline.alerts.conditions import Condition, Key, Verdict
from market_pipeline.alerts.life import AlertLife
from market_pipeline.alerts.message import Message, subject
from market_pipeline.alerts.policy import Policy
from market_pipeline.alerts.severity import Severity
from market_pipeline.clock import HandClock
from market_pipeline.errors import DeliveryError, MessageRefused
from market_pipeline_tests.alerts.messages import LIVE, NOW

MINUTE = timedelta(minutes=1)


@dataclass
class Board:
    """A channel in memory that can be down, or refuse messages with a word in their title."""

    name: str = "board"
    seen: list[Message] = field(default_factory=list)
    is_down: bool = False
    refuses: str = "nothing"

    def send(self, message: Message) -> None:
        if self.is_down:
            raise DeliveryError("tried to pin a message: the board is down; it stays queued; lift the board")
        if self.refuses in message.title:
            raise MessageRefused("tried to pin a message: it does not fit; a retry does not help; write less")
        self.seen.append(message)

    @property
    def subjects(self) -> list[str]:
        return [subject(message) for message in self.seen]


@dataclass
class AlertDesk:
    """A clock, a board, and the file of the alerts; every look is that of a process of its own."""

    folder: Path
    policy: Policy = field(default_factory=Policy)
    clock: HandClock = field(default_factory=lambda: HandClock(NOW))
    board: Board = field(default_factory=Board)

    @property
    def life(self) -> AlertLife:
        path = self.folder / "alerts.sqlite"
        return AlertLife(path, channels=[self.board], clock=self.clock, origin=LIVE, policy=self.policy)

    def look(self, *holding: Condition, markets: str = "", undecided: frozenset[Key] = frozenset()) -> list[str]:
        """Look once at the markets of the conditions, and at `markets`; return what was pinned for it."""
        names = dict.fromkeys([*(condition.market for condition in holding), *markets.split()])
        verdicts = [Verdict(name, tuple(c for c in holding if c.market == name), undecided) for name in names]
        before = len(self.board.seen)
        life = self.life
        life.update(*verdicts)
        life.deliver()
        return self.board.subjects[before:]

    def pass_minutes(self, minutes: int, *holding: Condition, markets: str = "") -> list[tuple[int, str]]:
        """Look once a minute; return what was pinned, each with the minute since NOW."""
        pinned = []
        for _ in range(minutes):
            self.clock.advance(MINUTE)
            passed = int((self.clock.now() - NOW) / MINUTE)
            pinned += [(passed, line) for line in self.look(*holding, markets=markets)]
        return pinned


def wrong(key: Key = Key.STALE_DATA, market: str = "us", *, cause: str = "", is_critical: bool = False) -> Condition:
    """A condition that holds."""
    severity = Severity.CRITICAL if is_critical else Severity.WARNING
    return Condition(key, market, f"{key.value} holds", NOW, f"seen in {market}", "act", severity, cause)


def down(market: str, *, is_critical: bool = False) -> Condition:
    """A source's outage, as the market sees it."""
    condition = wrong(Key.ERROR_RATE, market, cause="source:yahoo", is_critical=is_critical)
    return Condition(
        condition.key,
        market,
        "yahoo does not answer",
        NOW,
        "24 of 24 requests failed",
        "wait",
        condition.severity,
        condition.cause,
    )
