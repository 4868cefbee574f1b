"""A made-up market, minute by minute, for benchmarks.false_alarms: cycles, answers, trades, and faults that spoil them.

It hands the same readings to the same assembly, score and conditions as the tables do; only the tables are missing.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from market_pipeline.markets.phases import open_stretches
from market_pipeline.model.session import Session
from market_pipeline.quality.coverage import Coverage
from market_pipeline.quality.disputes import Dispute
from market_pipeline.quality.runs import CycleRun
from market_pipeline.quality.situation import Budget, OpenBreaker, Requests, Situation, SourceFailures, Surroundings
from market_pipeline.quality.symbol_ages import OpenTime, Symbols, tier_ages
from market_pipeline.steps.due import in_reach
from market_pipeline.steps.market_data import SESSIONS_BACK
from market_pipeline.steps.runtime import MarketRuntime, Runtime
from market_pipeline.steps.situations import WINDOW, Look, Readings, age_of, assembled

MINUTE = timedelta(minutes=1)
LOOK_AFTER = timedelta(seconds=50)
"""The sensor looks so long after each minute's cycle began."""
SYMBOLS = 20
NOISE = 0.005
"""Share of requests that fail by chance."""
OUTAGE = 45
"""Minutes that a fault lasts."""


@dataclass(frozen=True)
class Fault:
    """Something that is wrong in one market from `begins` up to `ends`."""

    kind: str
    market: str
    begins: datetime
    ends: datetime

    def holds(self, at: datetime) -> bool:
        """Tell whether it is wrong now."""
        return self.begins <= at < self.ends


@dataclass
class World:
    """One market's state; `step` lets a minute pass and returns what a look then sees."""

    runtime: Runtime
    market: MarketRuntime
    began: datetime
    faults: tuple[Fault, ...] = ()
    chance: random.Random = field(init=False)
    runs: deque[CycleRun] = field(default_factory=lambda: deque(maxlen=16))
    tallies: deque[tuple[datetime, int, Counter[tuple[str, str]]]] = field(default_factory=deque)
    last_success: datetime | None = None
    last_event: datetime | None = None
    disputed_since: datetime | None = None
    _hours: tuple[date, OpenTime] | None = None

    def __post_init__(self) -> None:
        """Begin with everything unknown, as a new installation does."""
        self.chance = random.Random(self.market.name)
        rules = self.market.file.quote_sources
        self.sources = [rule.name for rule in rules]
        self.cadences = {rule.name: rule.cadence_minutes for rule in rules}
        self.delay = timedelta(seconds=min(rule.declared_delay_seconds for rule in rules))
        self.trades = np.array([0.9 if n < 8 else 0.1 for n in range(SYMBOLS)])
        self.events = np.full(SYMBOLS, np.datetime64("NaT"), "datetime64[us]")
        self.answered = self.events.copy()
        self.waiting: deque[tuple[datetime, np.ndarray]] = deque()
        self.tiers, self.groups = np.ones(SYMBOLS, np.int64), np.full(SYMBOLS, "", object)
        self.names = np.array([f"S{n:02d}" for n in range(SYMBOLS)], dtype=object)

    def fault(self, at: datetime) -> str:
        """Return the kind of the fault that holds; "" while all is well."""
        return next((fault.kind for fault in self.faults if fault.holds(at)), "")

    def step(self, minute: datetime) -> Situation:
        """Let the cycle of `minute` run, and look at it."""
        kind = self.fault(minute)
        self._trade(minute, kind)
        if in_reach(self.market, minute) and kind != "stopped":
            self._cycle(minute, kind)
        return self._look(minute + LOOK_AFTER, kind)

    def _trade(self, minute: datetime, kind: str) -> None:
        """Let symbols trade in the minute before; a delayed source shows that later."""
        is_open = self.market.calendar.state(minute - MINUTE).is_open
        if is_open and kind != "stale_source":
            draws = np.array([self.chance.random() for _ in range(SYMBOLS)]) < self.trades
            self.waiting.append((minute - MINUTE / 2, draws))

    def _cycle(self, minute: datetime, kind: str) -> None:
        """Ask the sources whose turn it is."""
        seconds = 58 if kind == "slow" else self.chance.uniform(3, 25)
        end = minute + timedelta(seconds=min(seconds, 45))
        failed = kind == "runs_fail"
        number = f"{self.market.name}-{minute:%m%dT%H%M}"
        self.runs.append(CycleRun(minute, minute + timedelta(seconds=seconds), failed, number))
        if failed:
            return
        counts: Counter[tuple[str, str]] = Counter()
        answered = 0
        for n, source in enumerate(self.sources):
            if minute.minute % self.cadences[source]:
                continue
            status = _status(kind, is_first=n == 0)
            failing = SYMBOLS if status else sum(self.chance.random() < NOISE for _ in range(SYMBOLS))
            if failing:
                counts[source, status or "timeout"] += failing
            answered += SYMBOLS - failing
            if not status:
                self._answer(end)
        self.tallies.append((minute, answered, counts))

    def _answer(self, at: datetime) -> None:
        self.last_success = at
        self.answered[:] = np.datetime64(at.replace(tzinfo=None), "us")
        while self.waiting and self.waiting[0][0] + self.delay <= at:
            event, draws = self.waiting.popleft()
            self.events[draws] = np.datetime64(event.replace(tzinfo=None), "us")
            if draws.any():
                self.last_event = event
        self._date_only(at)

    def _date_only(self, at: datetime) -> None:
        """Let a market whose sources give dates without a time show the session's date."""
        session = self.market.calendar.session(self.market.calendar.session_date_at(at))
        if self.market.file.freshness.opening_minutes is None and session is not None:
            self.last_event = session.open

    def _look(self, now: datetime, kind: str) -> Situation:
        look = Look(self.runtime, self.market, now, self.began, tuple(self.runs))
        waited = look.open_minutes(look.quotes_since)
        tier = self.market.file.alerts
        symbols = Symbols(self.names, self.tiers, self.groups, self.events, self.answered)
        ages = tier_ages(
            symbols,
            {"": self.hours(now)},
            now=now,
            waited_minutes=waited,
            limit_minutes=tier.tier_1_minutes + look.interval_minutes - 1,
        )
        readings = Readings(
            fresh=age_of(look, "live_tickers", self.last_event),
            last_success=self.last_success,
            requests=self._requests(now),
            tiers=ages,
            coverage=self._coverage(kind, waited),
            disputes=self._disputes(kind, now),
            surroundings=_surroundings(self, kind, now),
        )
        return assembled(look, readings)

    def hours(self, now: datetime) -> OpenTime:
        """Return the open time of the last sessions."""
        calendar = self.market.calendar
        today = calendar.session_date_at(now)
        if self._hours is None or self._hours[0] != today:
            days = (*calendar.previous_sessions(today, SESSIONS_BACK), today)
            sessions = [session for session in map(calendar.session, days) if session is not None]
            self._hours = today, OpenTime([part for session in sessions for part in open_stretches(session)])
        return self._hours[1]

    def _requests(self, now: datetime) -> Requests:
        while self.tallies and self.tallies[0][0] < now - WINDOW:
            self.tallies.popleft()
        total: Counter[tuple[str, str]] = Counter()
        for _, _, counts in self.tallies:
            total.update(counts)
        by_status: Counter[str] = Counter()
        by_source: dict[str, Counter[str]] = {}
        for (source, status), count in total.items():
            by_status[status] += count
            by_source.setdefault(source, Counter())[status] += count
        found = tuple(SourceFailures(source, by, ("S00", "S01")) for source, by in by_source.items())
        return Requests(sum(answered for _, answered, _ in self.tallies), by_status, found)

    def _coverage(self, kind: str, waited: float) -> tuple[Coverage, ...]:
        fresh = 1 if kind == "low_coverage" else SYMBOLS
        return (Coverage(1, fresh, SYMBOLS, {"timeout": SYMBOLS - fresh}),) if waited else ()

    def _disputes(self, kind: str, now: datetime) -> tuple[Dispute, ...]:
        if kind != "disagreement":
            self.disputed_since = None
            return ()
        self.disputed_since = self.disputed_since or now
        return (Dispute("S00", 9_900.0, self.disputed_since, 5.0, 500.0, "one", "other"),)


def _status(kind: str, *, is_first: bool) -> str:
    """Return what a source's requests end with; "" where they are answered."""
    spoilt = {"all_sources_down": "timeout", "mute_opening": "timeout", "token_rejected": "unauthorised"}
    return "timeout" if kind == "source_down" and is_first else spoilt.get(kind, "")


def _surroundings(world: World, kind: str, now: datetime) -> Surroundings:
    """Let a failing source open its breaker (five failures in a row), and a small budget defer most of tier 1."""
    is_down = kind in ("source_down", "all_sources_down", "mute_opening")
    breakers = (OpenBreaker(world.sources[0], "Timeout", now),) if is_down and world.tallies else ()
    deferred = 15 if kind == "budget_exhausted" else 0
    return Surroundings(breakers=breakers, budgets=(Budget(world.sources[0], deferred, SYMBOLS),))


def open_minutes(market: MarketRuntime, first: date, last: date) -> Iterator[tuple[Session, list[datetime]]]:
    """Yield each session with the minutes from its first trading phase to the end of its last, both included."""
    for day in market.calendar.sessions_between(first, last):
        session = market.calendar.session(day)
        if session is None:
            continue
        trading = [phase for phase in session.phases if phase.state in ("open", "auction")]
        start, end = min(p.start for p in trading), max(p.end for p in trading)
        yield session, [start + n * MINUTE for n in range(int((end - start) / MINUTE) + 3)]


Step = Callable[[datetime], Situation]
