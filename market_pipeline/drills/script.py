"""A drill on the shifted clock: calm minutes, minutes with a trouble, then minutes until everything is over.

Each minute is a cycle of every market that is due, then a look at their health: the code that Dagster's schedule and
sensor call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from market_pipeline.alerts.message import MessageKind, subject
from market_pipeline.drills.drill import Drill, Expectation, Pace, Say
from market_pipeline.drills.record import Record, Score
from market_pipeline.drills.stage import MINUTE, Stage, open_stage
from market_pipeline.drills.truth import Truth
from market_pipeline.errors import MarketPipelineError
from market_pipeline.quality.health import ALL_MARKETS
from market_pipeline.quality.runs import CycleRun
from market_pipeline.simulator.faults import Fault, FaultPlan
from market_pipeline.steps.cycle import run_cycle
from market_pipeline.steps.due import skip_reason
from market_pipeline.steps.runtime import Runtime
from market_pipeline.steps.watch import WINDOW, WatchReport, watch

CYCLE_AFTER, LOOK_AFTER = timedelta(seconds=2), timedelta(seconds=50)
"""Since the minute began: the schedule starts cycles at once, the sensor looks once a minute."""
Trouble = Callable[[Stage], AbstractContextManager[None]]
"""The fault: it holds while the block lasts."""
Sign = Callable[[Stage, Truth], str]
"""What shows after a cycle that the fault was noticed, in words; "" while nothing does."""


@dataclass(frozen=True)
class Script:
    """How a drill goes. It ends early once no alert is on and the score is what it was.

    `during` acts before a minute of the fault, counted from 0; `course` takes the place of calm, faulty and healing.
    """

    at: datetime
    markets: Sequence[str]
    """The market of the drill first, then a neighbour that the fault must not touch."""
    trouble: Trouble
    calm: int = 3
    faulty: int = 6
    healing: int = 20
    is_flowing: bool = False
    budgets: bool = False
    during: Mapping[int, Callable[[Stage], None]] = field(default_factory=dict)
    sign: Sign = lambda *_: ""
    course: Callable[[Player], None] | None = None
    after: Callable[[Stage, Record], None] = lambda *_: None
    """Looks at what is left, once all is over."""


def shifted(name: str, story: str, script: Script, *, seconds: int, expects: Sequence[Expectation]) -> Drill:
    """Make a drill of a script."""
    return Drill(name, story, script.markets[0], Pace.SHIFTED, seconds, partial(play, script), expects)


def answers(*faults: Mapping[str, Any]) -> Trouble:
    """Return the trouble of sources whose answers or data go wrong; the rules are those of a fault plan."""
    plan = FaultPlan(faults=tuple(Fault.model_validate(fault) for fault in faults))

    @contextmanager
    def hold(stage: Stage) -> Iterator[None]:
        stage.set_faults(plan)
        try:
            yield
        finally:
            stage.set_faults(FaultPlan())

    return hold


def play(script: Script, folder: Path, say: Say) -> Record:
    """Live through a script and return what was seen."""
    with open_stage(
        folder, script.at, markets=script.markets, is_flowing=script.is_flowing, budgets=script.budgets
    ) as stage:
        player = Player(script, stage, say)
        (script.course or usual)(player)
        script.after(stage, player.record)
        return player.closed()


def usual(player: Player) -> None:
    """Let calm minutes pass, then faulty ones, then those that heal."""
    player.minutes(player.script.calm, "calm")
    with player.fault():
        for number in range(player.script.faulty):
            if act := player.script.during.get(number):
                act(player.stage)
            player.minutes(1, f"the fault holds, {number + 1} of {player.script.faulty}")
    player.heal()


@dataclass
class Player:
    """Lives through a script, and records what is seen."""

    script: Script
    stage: Stage
    say: Say
    record: Record = field(init=False)

    def __post_init__(self) -> None:
        """Begin an empty record, in which the fault has not begun."""
        market, *others = self.script.markets
        start = self.script.at
        self.record = Record(market, start, start + timedelta(days=366), next(iter(others), None))

    def minutes(self, count: int, what: str) -> None:
        """Let minutes pass."""
        for _ in range(count):
            self.say(f"{self.stage.clock.now():%a %H:%M} UTC: {what}")
            self._minute()

    @contextmanager
    def fault(self) -> Iterator[None]:
        """Note the beginning and the end of the trouble, which holds while the block lasts."""
        self.record.fault_began = self.stage.clock.now()
        with self.script.trouble(self.stage):
            self.record.note(self.stage.clock.now(), "the fault begins")
            yield
        self.record.fault_ended = self.stage.clock.now()
        self.record.note(self.stage.clock.now(), "the fault ends")

    def heal(self) -> None:
        """Let minutes pass until nothing is on any more and the score is what it was, or the patience is over."""
        for _ in range(self.script.healing):
            self.minutes(1, "the fault is over")
            if self._is_over():
                return

    def _is_over(self) -> bool:
        calm = self.record.points(self.record.market, since=self.script.at, until=self.record.fault_began)
        on = [row for row in _alerts(self.stage) if row["ended"] is None and row["market"] != ALL_MARKETS]
        return not on and self.record.last is not None and self.record.last >= max(calm, default=100.0)

    def _minute(self) -> None:
        start, clock = self.stage.clock.now(), self.stage.clock
        clock.advance(CYCLE_AFTER)
        for market in self.script.markets:
            self._cycle(market)
        self.stage.move_to(start + LOOK_AFTER)
        runtime = self.stage.runtime
        runs = {name: [run for run in found if run.began >= clock.now() - WINDOW - MINUTE]
                for name, found in self.stage.runs.items()}  # fmt: skip
        self._take(watch(runtime, runs, markets=self.script.markets))
        self.stage.move_to(start + MINUTE)

    def _cycle(self, market: str) -> None:
        runtime, began = self.stage.runtime, self.stage.clock.now()
        wired = runtime.market(market, in_cycle=True)
        if self.stage.is_stopped or skip_reason(wired, began) is not None:
            return
        took, failed = 0.0, False
        try:
            with self.stage.around_cycle():
                took = run_cycle(runtime, market).duration_seconds
        except MarketPipelineError as error:
            failed = True
            self.record.failed_cycles.append(f"{market}: {error}")
        self.record.cycles += 1
        self.stage.runs[market].append(CycleRun(began, began + timedelta(seconds=took), failed))
        if not failed:
            self._compare(runtime, market, at=began)

    def _compare(self, runtime: Runtime, market: str, *, at: datetime) -> None:
        """Compare what the cycle stored with the exchange itself."""
        wired = runtime.market(market, in_cycle=True)
        truth = Truth(runtime, wired, self.stage.exchange.exchange(market), self.stage.plan)
        tickers = truth.tickers()
        self.record.prices_checked += len(tickers) + truth.bar_count()
        found = (truth.wrong_tickers(tickers), truth.wrong_bars(), truth.missing_outcomes(), truth.vanished(tickers))
        self.record.wrong += [f"{at:%H:%M} {market} {text}" for part in found for text in part]
        if market == self.record.market:
            for source in dict.fromkeys(row["source"] for row in tickers if row["price"] is not None):
                self.record.sources.append((at, market, source))
            if at >= self.record.fault_began and "noticed" not in self.record.facts:
                self._sign(truth, at)

    def _sign(self, truth: Truth, at: datetime) -> None:
        text = self.script.sign(self.stage, truth)
        if text and self.record.timeline:
            self.record.facts["noticed"] = at
            self.record.note(at, f"noticed: {text}")

    def _take(self, report: WatchReport) -> None:
        now, record = self.stage.clock.now(), self.record
        before = record.last
        for market in self.script.markets:
            record.scores.append(Score(now, market, report.health[market].score))
        if record.timeline and before != record.last:
            record.note(now, f"the score goes from {before:g} to {record.last:g}")
        for delivery in report.deliveries:
            if delivery.error and f"{delivery.channel} fails" not in record.facts:
                record.facts[f"{delivery.channel} fails"] = delivery.error
                record.facts.setdefault("noticed", now)
                record.note(now, f"noticed: {delivery.channel} does not take messages: {delivery.error}")
        for message in report.messages:
            record.told.append(subject(message))
            if record.timeline:
                word = "recovered" if message.kind is MessageKind.RECOVERED else message.kind.value
                record.note(now, f"{word}: {message.market}: {message.title}")

    def closed(self) -> Record:
        """Return the record with the alerts as their table has them, and what the channels took."""
        self.record.alerts = _alerts(self.stage)
        slack, mail = self.stage.slack.arrivals, self.stage.mail.arrivals
        self.record.arrivals = {"slack": _without_signs(slack), "mail": _without_signs(mail)}
        self.record.facts |= self.stage.facts
        return self.record


def _alerts(stage: Stage) -> list[Mapping[str, Any]]:
    warehouse = stage.runtime.warehouse
    rows: list[Mapping[str, Any]] = []
    for market in (*stage.markets, ALL_MARKETS):
        rows += warehouse.latest("alerts", market).to_pylist()
    return sorted(rows, key=lambda row: row["noticed"])


def _without_signs(arrivals: Sequence[Any]) -> list[Any]:
    """Leave out the daily sign of life."""
    return [one for one in arrivals if " HEARTBEAT " not in one.subject]


def refused(*reasons: str) -> Sign:
    """Return the sign that a source's report was set aside for one of these reasons beside a live ticker."""

    def look(_: Stage, truth: Truth) -> str:
        return next(iter(truth.refusals(reasons)), "")

    return look


def flagged(*flags: str) -> Sign:
    """Return the sign that a live ticker of this cycle bears one of these flags."""

    def look(_: Stage, truth: Truth) -> str:
        rows = ((row["symbol"], sorted(set(row["flags"] or ()) & set(flags))) for row in truth.tickers())
        return next((f"{symbol} is flagged {', '.join(found)}" for symbol, found in rows if found), "")

    return look


def unanswered(stage: Stage, truth: Truth) -> str:
    """Return the first outcome of this cycle that is no answer: the sign that a source failed us."""
    del stage
    return next(truth.failed_outcomes(), "")


__all__ = ["Player", "Script", "Trouble", "answers", "flagged", "play", "refused", "shifted", "unanswered"]
