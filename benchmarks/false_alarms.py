"""(k) A quarter of seven markets, minute by minute: no alert without a fault; each fault told once, and over.

Real calendars and market files (holidays, half days, Ramadan hours, clock changes), 20 made-up symbols a market, a
cycle and a look each minute in which trades can happen and until the market has closed, one look an hour while it is
closed. The score and the conditions are the product's own, and so is the assembly of what they judge.

A fault may be noticed two market minutes after it first shows: after the next time that a source is due, or, where the
market file says so, when data is older or prices disagree for longer than its limit.

Run: python -m benchmarks.false_alarms   (minutes; --from DAY --days N for less)
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from benchmarks.false_world import LOOK_AFTER, MINUTE, OUTAGE, Fault, World, open_minutes
from benchmarks.report import machine, print_table
from market_pipeline.alerts.conditions import Verdict, conditions
from market_pipeline.clock import HandClock, floor_minute
from market_pipeline.markets.loader import market_names
from market_pipeline.quality.health import score
from market_pipeline.quality.situation import Situation
from market_pipeline.settings import Feed, Settings
from market_pipeline.steps.runtime import MarketRuntime, Runtime

FIRST = date(2024, 12, 20)
DAYS = 92
"""Christmas and its half days, a day of mourning in New York, three weeks of Ramadan, the clock change of March."""
NOTICED_MINUTES = 2
RECOVERED_MINUTES = 20
"""The window of requests and runs, and what a band takes to clear."""
KINDS = (
    "stopped",
    "mute_opening",
    "source_down",
    "all_sources_down",
    "token_rejected",
    "runs_fail",
    "stale_source",
    "disagreement",
    "budget_exhausted",
    "low_coverage",
)


@dataclass
class Alert:
    """One alert of one market."""

    market: str
    key: str
    began: datetime
    ended: datetime | None = None


@dataclass
class Alerts:
    """What is on and what was, by the verdict's own rule: an undecided key neither begins nor ends."""

    every: list[Alert] = field(default_factory=list)
    active: dict[str, Alert] = field(default_factory=dict)

    def take(self, verdict: Verdict, at: datetime) -> None:
        """Begin what holds, end what is in order."""
        holding = {condition.key.value for condition in verdict.holding}
        for key in holding - set(self.active):
            self.active[key] = Alert(verdict.market, key, at)
            self.every.append(self.active[key])
        undecided = {key.value for key in verdict.undecided}
        for key in set(self.active) - holding - undecided:
            self.active.pop(key).ended = at


@dataclass(frozen=True)
class Outcome:
    """What became of one fault. Minutes are of open market time."""

    fault: Fault
    first_key: str
    noticed_minutes: float | None
    allowed_minutes: float
    recovered_minutes: float | None
    duplicates: int

    @property
    def is_met(self) -> bool:
        """Tell whether it was noticed in time, once, and was over in time."""
        noticed = self.noticed_minutes is not None and self.noticed_minutes <= self.allowed_minutes
        recovered = self.recovered_minutes is not None and self.recovered_minutes <= RECOVERED_MINUTES
        return noticed and recovered and not self.duplicates


@dataclass(frozen=True)
class Quarter:
    """All that happened."""

    looks: int
    alerts: Sequence[Alert]
    outcomes: Sequence[Outcome]
    false_alerts: Sequence[Alert]
    """Those that no fault explains."""


def runtime_in(folder: Path) -> Runtime:
    """Return the live feed's runtime, with made-up keys: nothing is asked."""
    keys = {"dhan_client_id": "1", "dhan_api_token": SecretStr("made up")}
    settings = Settings(data=folder, feed=Feed.LIVE, _env_file=None, **keys)
    return Runtime(settings, HandClock(datetime(2024, 12, 1, tzinfo=UTC)))


def live_through(runtime: Runtime, markets: Iterable[str], *, first: date, days: int, faulty: bool) -> Quarter:
    """Let markets live through some days, each with a fault a week of its own if `faulty`."""
    looks, every, outcomes, false = 0, list[Alert](), list[Outcome](), list[Alert]()
    for name in markets:
        market = runtime.market(name)
        faults = tuple(_faults(market, first, days)) if faulty else ()
        world = World(runtime, market, datetime(first.year, first.month, first.day, tzinfo=UTC), faults)
        alerts = Alerts()
        looks += _live(world, alerts, first=first, days=days)
        every += alerts.every
        outcomes += [_outcome(market, fault, alerts.every) for fault in faults]
        false += [alert for alert in alerts.every if not any(_explains(market, fault, alert) for fault in faults)]
    return Quarter(looks, every, outcomes, false)


def _live(world: World, alerts: Alerts, *, first: date, days: int) -> int:
    """Step through the open minutes, and look once an hour in between; return the number of looks."""
    looks, last = 0, world.began
    for _, minutes in open_minutes(world.market, first, first + timedelta(days=days - 1)):
        for minute in [minute for minute in minutes if minute > last]:
            while minute - last > timedelta(hours=1):
                last += timedelta(hours=1)
                looks += _judge(world.step(last), world, alerts)
            looks += _judge(world.step(minute), world, alerts)
            last = minute
    return looks


def _judge(situation: Situation, world: World, alerts: Alerts) -> int:
    health = score(situation, rule=world.market.file.health)
    alerts.take(conditions(situation, health, limits=world.market.file.alerts), situation.at)
    return 1


def _faults(market: MarketRuntime, first: date, days: int) -> Iterable[Fault]:
    """Yield one fault a week, of the kinds in turn: in the middle of a session, or at its opening."""
    offset = market_names().index(market.name)
    for week in range(days // 7):
        begin = first + timedelta(days=7 * week)
        sessions = [session for session, _ in open_minutes(market, begin, begin + timedelta(days=6))]
        if len(sessions) < 2:
            continue
        session, kind = sessions[1], KINDS[(week + offset) % len(KINDS)]
        kind = _fitting(market, kind)
        middle = floor_minute(session.open + (session.close - session.open) / 2)
        begins = session.open if kind == "mute_opening" else middle
        lasts = OUTAGE + _patience(market, kind)
        yield Fault(kind, market.name, begins, begins + lasts * MINUTE)


def _fitting(market: MarketRuntime, kind: str) -> str:
    """Return another kind where one makes no sense: no opening around the clock, no age where events have no time."""
    never_opens = market.file.calendar.name in ("24/7", "24/5")
    has_dates_only = market.file.freshness.opening_minutes is None
    swaps = {"mute_opening": never_opens, "stale_source": has_dates_only}
    return "stopped" if swaps.get(kind) else kind


def _patience(market: MarketRuntime, kind: str) -> float:
    """Return the minutes before which a fault does not show: the sources' interval, the limits of the market's file."""
    limits, fresh = market.file.alerts, market.file.freshness
    interval = min(rule.cadence_minutes for rule in market.file.quote_sources) - 1
    if kind == "stale_source":
        return fresh.fail_minutes + interval
    return interval + (limits.disagree_minutes if kind == "disagreement" else 0)


def _explains(market: MarketRuntime, fault: Fault, alert: Alert) -> bool:
    if not fault.begins <= alert.began:
        return False
    return market.calendar.open_minutes_between(fault.ends, alert.began) <= RECOVERED_MINUTES


def _outcome(market: MarketRuntime, fault: Fault, alerts: Sequence[Alert]) -> Outcome:
    own = sorted((a for a in alerts if _explains(market, fault, a)), key=lambda alert: alert.began)
    between = market.calendar.open_minutes_between
    allowed = _patience(market, fault.kind) + NOTICED_MINUTES
    if not own:
        return Outcome(fault, "", None, allowed, None, 0)
    ends = [alert.ended for alert in own]
    recovered = None if None in ends else max(between(fault.ends, end) for end in ends if end is not None)
    duplicates = len(own) - len({alert.key for alert in own})
    return Outcome(fault, own[0].key, between(fault.begins, own[0].began), allowed, recovered, duplicates)


def main() -> int:
    """Return 1 unless nothing was told without a fault, and every fault once, in time."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--from", dest="first", type=date.fromisoformat, default=FIRST)
    options.add_argument("--days", type=int, default=DAYS)
    options.add_argument("markets", nargs="*", help="all, if none is named")
    chosen = options.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        runtime = runtime_in(Path(folder))
        quiet = _both(runtime, chosen, faulty=False)
        faulty = _both(runtime, chosen, faulty=True)
    _print(quiet, faulty)
    print(f"{machine()}; {time.perf_counter() - began:.0f} s")
    return int(bool(quiet.alerts or faulty.false_alerts or any(not found.is_met for found in faulty.outcomes)))


def _both(runtime: Runtime, chosen: argparse.Namespace, *, faulty: bool) -> Quarter:
    """Let every market live through the days, and say how each did: they take minutes."""
    found = []
    for name in chosen.markets or market_names():
        found.append(live_through(runtime, [name], first=chosen.first, days=chosen.days, faulty=faulty))
        met = sum(outcome.is_met for outcome in found[-1].outcomes)
        text = f"{met} of {len(found[-1].outcomes)} faults met" if faulty else "no fault"
        alerts = len(found[-1].false_alerts)
        print(f"{name}: {found[-1].looks:,} looks, {text}, {alerts} alerts without a fault", flush=True)
    return Quarter(
        sum(part.looks for part in found),
        [alert for part in found for alert in part.alerts],
        [outcome for part in found for outcome in part.outcomes],
        [alert for part in found for alert in part.false_alerts],
    )


def _print(quiet: Quarter, faulty: Quarter) -> None:
    for alert in (*quiet.alerts[:20], *faulty.false_alerts[:20]):
        print(f"  told without a fault: {alert.market} {alert.key} at {alert.began:%Y-%m-%d %H:%M}")
    rows = []
    for kind in KINDS:
        own = [found for found in faulty.outcomes if found.fault.kind == kind]
        noticed = [found.noticed_minutes for found in own if found.noticed_minutes is not None]
        recovered = [found.recovered_minutes for found in own if found.recovered_minutes is not None]
        told = sorted({found.first_key for found in own if found.first_key})
        cells = (kind, len(own), len(own) - len(noticed), sum(found.duplicates for found in own))
        most = (f"{max(values):.1f}" if values else "–" for values in (noticed, recovered))
        rows.append([*map(str, cells), *most, str(sum(found.is_met for found in own)), ", ".join(told)])
    print_table(
        ["fault", "times", "missed", "told twice", "noticed, most min", "over, most min", "met", "told first as"], rows
    )
    for found in faulty.outcomes:
        if not found.is_met:
            print(f"  not met: {found}")
    print(f"with a fault a week: {faulty.looks:,} looks, {len(faulty.outcomes)} faults, {len(faulty.alerts)} alerts")


__all__ = ["LOOK_AFTER", "live_through", "runtime_in"]

if __name__ == "__main__":
    raise SystemExit(main())
